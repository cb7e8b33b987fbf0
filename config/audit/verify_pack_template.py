"""Checks an export pack with nothing but Python: `python3 verify.py [--key FILE]` in its folder.

Exit code 0: all is as it was written and signed; 1: something is not; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

FORMAT = "watchbill-pack-1"
SUCCESSION = "watchbill signing key succession"
NEEDED = (
    *("README.txt", "manifest.json", "manifest.sig", "public_key.pem", "SHA256SUMS"),
    *("checkpoint.txt", "leaves.jsonl", "verify.py"),
)
UNLISTED = ("manifest.json", "manifest.sig", "SHA256SUMS")  # by the manifest
SMALL = 64 * 1024 * 1024
LINE = 64 * 1024 * 1024
CHUNK = 1024 * 1024
SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_./-]+)")
Point = tuple[int, int, int, int]
SPKI = bytes.fromhex("302a300506032b6570032100")  # what precedes an Ed25519 key in DER


class Bad(Exception):
    """One file of the pack is not as it should be."""

    def __init__(self, file: str, text: str) -> None:
        super().__init__(f"{file}: {text}")
        self.file = file
        self.text = text


class Folder:
    """The pack's files in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        found = (path for path in self.root.rglob("*") if path.is_file() or path.is_symlink())
        names = (path.relative_to(self.root).as_posix() for path in found)
        return sorted(name for name in names if "__pycache__" not in name)

    def open(self, name: str) -> Any:
        try:
            return (self.root / name).open("rb")
        except OSError as error:
            raise Bad(name, f"can't be read: {error.strerror}") from error


class Result:
    """What was found."""

    def __init__(self) -> None:
        self.problems: list[Bad] = []
        self.entries = 0
        self.origin = ""
        self.size = 0
        self.root = ""
        self.key = b""
        self.fingerprint = ""
        self.successions = 0

    def add(self, bad: Bad) -> None:
        self.problems.append(bad)


def check(source: Any, trusted: list[bytes] | None = None) -> Result:
    """Check the pack; `trusted` are raw public keys of which one must have signed it."""
    result = Result()
    try:
        digests = check_sums(source, result)
        key = public_key(read(source, "public_key.pem"))
        result.key, result.fingerprint = key, hashlib.sha256(key).hexdigest()
        manifest = check_manifest(source, key, digests, result)
        if trusted is not None and not leads_to(manifest, key, trusted, result):
            result.add(Bad("public_key.pem", "is not the key that you trust"))
        check_checkpoint(source, key, manifest, result)
        check_leaves(source, manifest, result)
    except Bad as bad:
        if bad.text not in [each.text for each in result.problems if each.file == bad.file]:
            result.add(bad)
    return result


def check_sums(source: Any, result: Result) -> dict[str, str]:
    """Each file against SHA256SUMS, both ways. Returns name -> SHA-256 of what is there."""
    names = source.names()
    for name in NEEDED:
        if name not in names:
            raise Bad(name, "is missing")
    sums = read_sums(source)
    digests = {}
    for name in sorted({*sums, *names} - {"SHA256SUMS"}):
        try:
            if name not in names:
                raise Bad(name, "is missing")
            digests[name] = digest(source, name)
            if name not in sums:
                raise Bad(name, "is not listed in SHA256SUMS")
            if digests[name] != sums[name]:
                raise Bad(name, "was altered: its SHA-256 is not the one in SHA256SUMS")
        except Bad as bad:
            result.add(bad)
    return digests


def read_sums(source: Any) -> dict[str, str]:
    """What SHA256SUMS says: name -> SHA-256."""
    sums: dict[str, str] = {}
    for line in text(source, "SHA256SUMS").splitlines():
        match = SUM.fullmatch(line)
        if match is None or match[2] in sums:
            raise Bad("SHA256SUMS", "a line is malformed or doubled")
        sums[match[2]] = match[1]
    return sums


def check_manifest(
    source: Any, key: bytes, digests: dict[str, str], result: Result
) -> dict[str, Any]:
    """The manifest's signature, and each file against the manifest."""
    content = read(source, "manifest.json")
    signature = read(source, "manifest.sig")
    if not ed25519_verify(key, content, signature):
        result.add(Bad("manifest.sig", "is no signature of manifest.json by public_key.pem"))
    manifest = parse(content, "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Bad("manifest.json", f"is not of the format {FORMAT}")
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(each, dict) for each in files.values()):
        raise Bad("manifest.json", "lists no files")
    for name in sorted(set(files) | set(digests) - set(UNLISTED)):
        if name not in files:
            result.add(Bad(name, "is not listed in manifest.json"))
        elif name not in digests:
            result.add(Bad(name, "is listed in manifest.json, and missing"))
        elif files[name].get("sha256") != digests[name]:
            result.add(Bad(name, "was altered: its SHA-256 is not the one in manifest.json"))
    return manifest


def check_checkpoint(source: Any, key: bytes, manifest: dict[str, Any], result: Result) -> None:
    """The log's signed size and root, which are also those of the manifest."""
    note = text(source, "checkpoint.txt")
    body, _, signatures = note.rpartition("\n\n")
    lines = body.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError) as error:
        raise Bad("checkpoint.txt", "is no checkpoint") from error
    result.origin, result.size, result.root = origin, size, root.hex()
    if manifest.get("checkpoint") != {"origin": origin, "size": size, "root": root.hex()}:
        result.add(Bad("checkpoint.txt", "is not the checkpoint that manifest.json names"))
    if not signed_by(key, origin, body, signatures):
        result.add(Bad("checkpoint.txt", "is not signed by public_key.pem"))


def signed_by(key: bytes, origin: str, body: str, signatures: str) -> bool:
    """Whether one of the note's signature lines is the key's, and holds."""
    key_id = hashlib.sha256(origin.encode() + b"\n\x01" + key).digest()[:4]
    for line in signatures.splitlines():
        name, _, encoded = line.removeprefix("— ").rpartition(" ")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except ValueError:
            continue
        signed = f"{body}\n".encode()
        if (name, blob[:4]) == (origin, key_id) and ed25519_verify(key, signed, blob[4:]):
            return True
    return False


def leads_to(manifest: dict[str, Any], key: bytes, trusted: list[bytes], result: Result) -> bool:
    """Whether it is one of these keys, or succeeded one by statements that both signed."""
    try:
        for statement in reversed(manifest.get("succession", [])):
            if key in trusted:
                break
            body, _, signatures = statement.rpartition("\n\n")
            heading, origin, *pair, _ = body.split("\n")
            older, newer = (base64.b64decode(each, validate=True) for each in pair)
            by_both = all(signed_by(each, origin, body, signatures) for each in (older, newer))
            if (heading, newer, by_both) != (SUCCESSION, key, True):
                break
            key, result.successions = older, result.successions + 1
    except (ValueError, TypeError, AttributeError):
        raise Bad("manifest.json", "has a malformed succession of keys") from None
    return key in trusted


def check_leaves(source: Any, manifest: dict[str, Any], result: Result) -> None:
    """Each entry: its row's hash, and its place under the checkpoint's root."""
    last = -1
    root = bytes.fromhex(result.root)
    with source.open("leaves.jsonl") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(LINE), b""), 1):
            where = f"leaves.jsonl line {number}"
            try:
                last = check_leaf(parse(line, where), last, result.size, root)
            except (KeyError, TypeError, ValueError, AttributeError):
                result.add(Bad("leaves.jsonl", f"line {number} is malformed"))
                return
            except Bad as bad:
                result.add(Bad("leaves.jsonl", f"line {number} {bad.text}"))
                return
            result.entries += 1
    leaves = manifest.get("leaves")
    if not isinstance(leaves, dict) or leaves.get("entries") != result.entries:
        result.add(Bad("leaves.jsonl", "has not as many entries as manifest.json says"))


def check_leaf(leaf: dict[str, Any], last: int, size: int, root: bytes) -> int:
    """One line; returns its index."""
    index: int = leaf["index"]
    if index <= last:
        raise Bad("", "is not in the order of the log")
    if leaf["row"] is not None:
        hashed = hashlib.sha256(bytes.fromhex(leaf["salt"]) + leaf["row"].encode()).hexdigest()
        if hashed != leaf["hash"]:
            raise Bad("", "shows a row that is not the sealed one")
    parts = ["watchbill-entry-1", leaf["seq"], leaf["at"], leaf["table"], leaf["row_key"]]
    parts += [leaf["column_set"], leaf["hash"]]
    data = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
    proof = [bytes.fromhex(node) for node in leaf["proof"]]
    if not included(hashlib.sha256(b"\0" + data).digest(), index, size, proof, root):
        raise Bad("", "is not in the log of checkpoint.txt")
    return index


def included(node: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """Whether the proof leads from a leaf's hash to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    last = size - 1
    for other in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = hashlib.sha256(b"\1" + other + node).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + other).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and node == root


# Ed25519 verification (RFC 8032, section 6). Slow, and only ever used on public data.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def point_add(a: Point, b: Point) -> Point:
    """The sum of two points in extended coordinates."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    low, high, less, more = f - e, f + e, h - g, h + g
    return low * less % P, more * high % P, less * more % P, low * high % P


def point_times(number: int, point: Point) -> Point:
    """A multiple of a point."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = point_add(total, point)
        point = point_add(point, point)
        number >>= 1
    return total


def point_decode(encoded: bytes) -> Point | None:
    """The point that 32 bytes stand for, or None."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def ed25519_verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message is the key's."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r = point_decode(key), point_decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = point_times(s, BASE), point_add(r, point_times(h, a))
    crossed = [(left[i] * right[2] - right[i] * left[2]) % P for i in (0, 1)]
    return crossed == [0, 0]


BASE = point_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)


def public_key(pem: bytes) -> bytes:
    """The 32 bytes of a key in PEM form."""
    lines = pem.decode("ascii", "replace").split("\n")
    try:
        der = base64.b64decode("".join(line for line in lines if not line.startswith("-----")))
    except ValueError as error:
        raise Bad("public_key.pem", "is no key in PEM form") from error
    if len(der) != 44 or not der.startswith(SPKI):
        raise Bad("public_key.pem", "is no Ed25519 public key")
    return der[12:]


def read(source: Any, name: str) -> bytes:
    """A file that has to be small."""
    with source.open(name) as file:
        content: bytes = file.read(SMALL + 1)
    if len(content) > SMALL:
        raise Bad(name, "is too large")
    return content


def text(source: Any, name: str) -> str:
    """The same, as text."""
    try:
        return read(source, name).decode()
    except UnicodeDecodeError as error:
        raise Bad(name, "is not UTF-8 text") from error


def digest(source: Any, name: str) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    with source.open(name) as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            found.update(chunk)
    return found.hexdigest()


def parse(content: bytes, name: str) -> Any:
    """JSON, however hostile."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Bad(name, "is not JSON") from error


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Check an export pack.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--key", type=Path, help="the public key that you were given, as PEM")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder: unpack the zip first")
    try:
        trusted = [public_key(options.key.read_bytes())] if options.key else None
    except (OSError, Bad) as error:
        parser.error(f"--key: {error}")
    result = check(Folder(options.folder), trusted)
    for problem in result.problems:
        sys.stdout.write(f"BAD  {problem}\n")
    if result.problems:
        return 1
    sys.stdout.write(
        f"Good: files, signature, and {result.entries} log entries under the checkpoint of "
        f"{result.origin}, size {result.size}.\n"
    )
    if result.successions:
        sys.stdout.write("public_key.pem succeeded the key that you trust; each signed the next.\n")
    if trusted is None:
        sys.stdout.write(
            "Not checked: whether public_key.pem is the right key. The SHA-256 of its bytes is\n"
            f"  {result.fingerprint}\n"
            "Compare it with the key that you were given in another way, or use --key FILE.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
