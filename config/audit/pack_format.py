"""Names and limits of an export pack, shared by what writes it and what checks it."""

import re

FORMAT = "watchbill-pack-1"
README = "README.txt"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
PUBLIC_KEY = "public_key.pem"
SUMS = "SHA256SUMS"
CHECKPOINT = "checkpoint.txt"
LEAVES = "leaves.jsonl"
VERIFIER = "verify.py"
FIXED = (README, MANIFEST, SIGNATURE, PUBLIC_KEY, SUMS, CHECKPOINT, LEAVES, VERIFIER)
DATA = re.compile(r"data/[a-z0-9][a-z0-9_.-]{0,99}\.(?:jsonl|csv)")

STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same content makes the same bytes
COMMENT = b"sha256 of what precedes: "

README_TEXT = """\
This is an export of audit evidence. You can check it without the software that made it.

1. Nothing was altered on the way. In this folder:
       sha256sum --check SHA256SUMS
2. Who made it. The manifest, which lists the SHA-256 of every other file, is signed (Ed25519):
       openssl pkeyutl -verify -pubin -inkey public_key.pem \\
           -rawin -in manifest.json -sigfile manifest.sig
   Compare public_key.pem with the key that you were given in another way: one that came along
   in this folder proves nothing by itself.
3. Each record was in the sealed log. verify.py (Python 3.9 or newer, nothing else) recomputes
   every line of leaves.jsonl and its proof up to the root in checkpoint.txt, and does 1 and 2:
       python3 verify.py
       python3 verify.py --key the_key_you_were_given.pem

data/           the records: .jsonl is exact; in .csv, text that a spreadsheet could take for a
                formula has an apostrophe in front.
leaves.jsonl    one line for each log entry: its place in the log, its salt, the row's canonical
                text, and the proof. An entry without text was purged, or is withheld: that it is
                in the log is proven, its content is not shown.
checkpoint.txt  the signed size and root of the log (C2SP tlog-checkpoint). Compare it with one
                that you kept: `manage.py audit_verify --checkpoint FILE` shows that it only grew.
manifest.json   what was exported, for whom, by which filter, with counts and hashes of the files.
"""
