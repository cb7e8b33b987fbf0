"""Export packs: everything in them can be checked, and nothing in them can be changed unseen."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from config.audit import keys, pack_format
from config.audit.models import Checkpoint, LedgerEntry, PurgeBatch
from config.audit.packing import PackRefused, PackWriter
from config.audit.rotation import rotate
from config.events.models import Event
from tests.config.audit import make
from tests.config.audit.test_purge import purge
from tests.harness import databases

COLUMNS = ["id", "kind", "reason", "cost", "tags"]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Path:
    """A pack of ten events, one purged and one withheld, beside the key that signed it."""
    folder: Path = tmp_path_factory.mktemp("built")
    files = {
        "SIGNING_KEY": folder / "keys" / "signing.pem",
        "CHECKPOINT_DIR": folder / "checkpoints",
    }
    with django_db_blocker.unblock(), override_settings(**files):
        clone = databases.make_clone()
        with databases.pointed_at(clone):
            write(folder / "pack.zip", make.events(10))
        databases.drop_clone(clone)
    return folder


@pytest.fixture
def pack(built: Path, log_files: Path) -> Path:
    """A copy of that pack, for tests that need no database."""
    shutil.copytree(built, log_files, dirs_exist_ok=True)
    return log_files / "pack.zip"


@pytest.fixture
def live_pack(fresh_db: Any, log_files: Path) -> Path:
    """Such a pack whose database is still there."""
    return write(log_files / "pack.zip", make.events(10))


def write(path: Path, rows: list[Any]) -> Path:
    approved = PurgeBatch.objects.create(
        reason="r",
        legal_basis="l",
        scope={"config_event": [str(rows[2].pk)]},
        requested_by=make.person(),
        approved_by=make.person(),
    )
    purge(approved.pk, rows[2])
    with PackWriter(path, about={"asked_by": "carol", "from": "2026-01-01"}) as pack:
        pack.add_table("events", COLUMNS, table(rows))
        seqs = [
            LedgerEntry.objects.get(table_name="config_event", row_key=str(row.pk)).seq
            for row in rows
        ]
        pack.add_entries(seqs, withheld={seqs[4]})
        pack.add_entries(seqs[:3])
    return path


def table(rows: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for row in rows:
        yield {
            "id": row.pk,
            "kind": row.kind,
            "reason": "=HYPERLINK(A1)",
            "cost": Decimal("-1.50"),
            "tags": ["ä", None],
        }


def run(path: Path, *args: str) -> tuple[int, dict[str, Any]]:
    output = io.StringIO()
    code = 0
    try:
        call_command("verify_export", str(path), "--json", *args, stdout=output, stderr=output)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, json.loads(output.getvalue())


def unpacked(pack: Path, folder: Path) -> Path:
    with zipfile.ZipFile(pack) as container:
        container.extractall(folder)
    return folder


def repacked(pack: Path, changes: dict[str, bytes | None]) -> Path:
    """The pack with files replaced, added, or (None) left out."""
    target = pack.with_name("repacked.zip")
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, content in changes.items():
            if content is not None:
                new.writestr(name, content)
    return target


def test_verifies_as_it_was_written(live_pack: Path) -> None:
    code, report = run(live_pack)

    assert code == 0
    assert (report["ok"], report["problems"], report["entries"]) == (True, [], 10)
    last = Checkpoint.objects.latest("pk")
    assert report["checkpoint"] == {
        "origin": last.origin,
        "size": last.size,
        "root": last.root.hex(),
    }
    assert run(live_pack, "--key", str(keys.public_path()))[0] == 0


def test_shows_rows_but_not_those_purged_or_withheld(pack: Path) -> None:
    with zipfile.ZipFile(pack) as container:
        leaves = [json.loads(line) for line in container.read("leaves.jsonl").splitlines()]
        manifest = json.loads(container.read("manifest.json"))

    shown = [leaf["row"] is not None for leaf in leaves]
    assert shown == [True, True, False, True, False, True, True, True, True, True]
    assert [leaf["withheld"] for leaf in leaves].index(True) == 4
    assert [leaf["salt"] is not None for leaf in leaves] == shown
    assert json.loads(leaves[0]["row"])["kind"] == "audit.tested"
    assert manifest["leaves"] == {"entries": 10, "purged": 1, "withheld": 1}
    assert manifest["about"]["asked_by"] == "carol"
    assert manifest["files"]["data/events.csv"]["rows"] == 10


def test_writes_csv_that_no_spreadsheet_runs(pack: Path) -> None:
    with zipfile.ZipFile(pack) as container:
        lines = container.read("data/events.csv").decode().split("\r\n")
        first = json.loads(container.read("data/events.jsonl").splitlines()[0])

    assert lines[0] == "id,kind,reason,cost,tags"
    assert lines[1].split(",", 1)[1] == 'audit.tested,\'=HYPERLINK(A1),-1.50,"[""ä"", null]"'
    assert first["reason"] == "=HYPERLINK(A1)"
    assert list(first) == COLUMNS


def test_writes_the_same_bytes_again(live_pack: Path, log_files: Path) -> None:
    again = log_files / "again.zip"
    with zipfile.ZipFile(live_pack) as container:
        leaves = [json.loads(line) for line in container.read("leaves.jsonl").splitlines()]
    seqs = [leaf["seq"] for leaf in leaves]

    with PackWriter(again, about={"asked_by": "carol", "from": "2026-01-01"}) as writer:
        rows = [Event(pk=int(leaf["row_key"]), kind="audit.tested") for leaf in leaves]
        writer.add_table("events", COLUMNS, table(rows))
        writer.add_entries(reversed(seqs), withheld={seqs[4]})

    assert again.read_bytes() == live_pack.read_bytes()


def test_is_checked_by_stock_tools(pack: Path, tmp_path: Path) -> None:
    folder = unpacked(pack, tmp_path / "unpacked")

    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)
    subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public_key.pem", "-rawin"),
            *("-in", "manifest.json", "-sigfile", "manifest.sig"),
        ],
        cwd=folder,
        check=True,
    )
    listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files - listed == {"SHA256SUMS"}


def standalone(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_is_checked_by_its_own_verifier(pack: Path, tmp_path: Path) -> None:
    folder = unpacked(pack, tmp_path / "unpacked")

    result = standalone(folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert "10 log entries" in result.stdout
    assert "Not checked: whether public_key.pem is the right key" in result.stdout
    trusting = standalone(folder, "--key", str(keys.public_path()))
    assert (trusting.returncode, "Not checked" in trusting.stdout) == (0, False)
    assert standalone(folder, "--key", "missing.pem").returncode == 2


@pytest.mark.parametrize("name", [*pack_format.FIXED, "data/events.jsonl", "data/events.csv"])
def test_names_the_file_of_which_a_byte_was_altered(pack: Path, tmp_path: Path, name: str) -> None:
    folder = unpacked(pack, tmp_path / "unpacked")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1

    code, report = run(repacked(pack, {name: bytes(content)}))
    assert code == 1
    named = {bad["file"] for bad in report["problems"]}
    assert name in named or name == "SHA256SUMS"
    if name != "verify.py":  # the altered one need not run
        (folder / name).write_bytes(content)
        assert standalone(folder).returncode == 1


@pytest.mark.check("CMP-05.2")
def test_fails_for_any_byte_of_the_zip(pack: Path, log_files: Path) -> None:
    original = pack.read_bytes()
    altered = log_files / "altered.zip"
    step = max(1, len(original) // 250)

    for place in [*range(0, len(original), step), *range(len(original) - 120, len(original))]:
        content = bytearray(original)
        content[place] ^= 1 << place % 8
        altered.write_bytes(content)
        code, report = run(altered)
        assert (code, report["ok"]) == (1, False), place
        assert report["problems"][0]["file"], place


def resign(pack: Path, changes: dict[str, bytes]) -> Path:
    """What somebody without the key would do: make all hashes right again."""
    with zipfile.ZipFile(pack) as container:
        manifest = json.loads(container.read("manifest.json"))
        for name, content in changes.items():
            manifest["files"][name]["sha256"] = hashlib.sha256(content).hexdigest()
        new = changes | {"manifest.json": json.dumps(manifest).encode()}
        sums = {name: new.get(name) or container.read(name) for name in container.namelist()}
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sums.items()
        if name != "SHA256SUMS"
    ]
    return repacked(pack, {**new, "SHA256SUMS": "".join(lines).encode()})


@pytest.mark.check("CMP-05.2")
def test_fails_when_all_hashes_were_made_right_again(pack: Path) -> None:
    with zipfile.ZipFile(pack) as container:
        data = container.read("data/events.csv").replace(b"audit.tested", b"audit.forged", 1)

    code, report = run(resign(pack, {"data/events.csv": data}))

    assert code == 1
    assert [bad["file"] for bad in report["problems"]] == ["manifest.sig"]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("row", "{}", "line 1 shows a row that is not the sealed one"),
        ("hash", "00" * 32, "line 1 shows a row that is not the sealed one"),
        ("seq", 77, "line 1 is not in the log"),
        ("table", "config_team", "line 1 is not in the log"),
        ("index", 3, "line 1 is not in the log"),
        ("index", "3", "line 1 is malformed"),
        ("proof", [], "line 1 is not in the log"),
        ("proof", ["zz"], "line 1 is malformed"),
        ("salt", None, "line 1 is malformed"),
    ],
)
def test_recomputes_every_leaf(pack: Path, field: str, value: Any, complaint: str) -> None:
    with zipfile.ZipFile(pack) as container:
        lines = container.read("leaves.jsonl").splitlines(keepends=True)
    leaf = json.loads(lines[0]) | {field: value}
    forged = b"".join([json.dumps(leaf).encode() + b"\n", *lines[1:]])

    _, report = run(resign(pack, {"leaves.jsonl": forged}))

    found = [bad["detail"] for bad in report["problems"] if bad["file"] == "leaves.jsonl"]
    assert len(found) == 1
    assert complaint in found[0]


def test_fails_with_another_key(pack: Path, log_files: Path, settings: Any) -> None:
    settings.SIGNING_KEY = log_files / "other" / "signing.pem"
    code, report = run(pack)
    assert (code, report["error"][:18]) == (3, "There is no key at")

    keys.signing_key()

    code, report = run(pack)
    assert code == 1
    assert report["problems"] == [
        {"file": "public_key.pem", "detail": "is not the key that you trust"}
    ]
    assert run(pack, "--key", str(log_files / "keys" / "signing.pub.pem"))[0] == 0
    assert run(pack, "--key", str(log_files / "missing"))[0] == 2
    assert run(pack, "--key", str(pack))[0] == 2


def test_still_knows_its_packs_after_a_new_key(live_pack: Path) -> None:
    rotate()

    assert run(live_pack)[0] == 0


@pytest.mark.parametrize(
    ("changes", "file", "detail"),
    [
        ({"../evil.txt": b"x"}, "../evil.txt", "doesn't belong"),
        ({"/etc/passwd": b"x"}, "/etc/passwd", "doesn't belong"),
        ({"data/../../evil.csv": b"x"}, "data/../../evil.csv", "doesn't belong"),
        ({"data/extra.csv": b"x"}, "data/extra.csv", "not listed"),
        ({"manifest.json": None}, "manifest.json", "is missing"),
        ({"data/events.csv": None}, "data/events.csv", "is missing"),
        ({"manifest.json": b"[" * 100_000}, "manifest.json", "altered"),
        ({"SHA256SUMS": b"\xff\xfe"}, "SHA256SUMS", "not UTF-8"),
        ({"SHA256SUMS": b""}, "README.txt", "not listed"),
        ({"checkpoint.txt": b""}, "checkpoint.txt", "altered"),
        ({"public_key.pem": b"nonsense"}, "public_key.pem", "altered"),
        ({"data/bomb.csv": b"\0" * (80 * 1024 * 1024)}, "data/bomb.csv", "far more"),
    ],
)
def test_survives_hostile_content(
    pack: Path, changes: dict[str, bytes | None], file: str, detail: str
) -> None:
    code, report = run(repacked(pack, changes))

    assert code == 1
    assert any(bad["file"] == file and detail in bad["detail"] for bad in report["problems"])


def test_survives_what_is_no_zip(log_files: Path) -> None:
    keys.signing_key()
    file = log_files / "no.zip"

    for content in (b"", b"PK", b"PK\x05\x06" + b"\0" * 18, b"x" * 1000):
        file.write_bytes(content)
        assert run(file)[0] == 1
    assert run(log_files / "missing.zip")[0] == 2
    assert run(log_files)[0] == 2


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_a_file_that_is_there_twice(pack: Path) -> None:
    with zipfile.ZipFile(pack, "a") as container:
        container.writestr("README.txt", b"another")

    code, report = run(pack)

    assert (code, report["problems"][0]["detail"]) == (1, "is in the zip twice")


def failing(path: Path, *tables: str, seqs: Iterable[int] = ()) -> None:
    with PackWriter(path, about={}) as pack:
        for name in tables:
            pack.add_table(name, ["id"], [{"id": 1}])
        pack.add_entries(seqs)


def test_leaves_no_file_where_writing_failed(fresh_db: Any, log_files: Path) -> None:
    make.events(2)
    path = log_files / "exports" / "failed.zip"

    with pytest.raises(PackRefused, match="2 of the entries"):
        failing(path, "events", seqs=[1, 1000, 1001])
    for names in (["../escape"], ["Events"], ["events.exe/x"], ["events", "events"]):
        with pytest.raises(PackRefused):
            failing(path, *names)

    assert list(path.parent.iterdir()) == []


def test_has_nothing_to_export_before_anything_is_recorded(fresh_db: Any, log_files: Path) -> None:
    with pytest.raises(PackRefused, match="Nothing is recorded"):
        failing(log_files / "x.zip")
