"""Real packs: checked by everything that may check them, read while others write, and large."""

import resource
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from compliance.evidence.models import Export
from compliance.evidence.operations import file_of
from config import clock
from config.audit import keys
from config.audit.sealing import seal
from config.events.models import Event
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge
from incidents.timeline.operations import add_note
from tests.compliance.make import Pack, exported
from tests.config import make
from tests.incidents import make as make_incidents

FIXED = [
    *("README.txt", "manifest.json", "manifest.sig", "public_key.pem", "SHA256SUMS"),
    *("checkpoint.txt", "leaves.jsonl", "verify.py"),
]
DATA = [
    *("data/incidents.jsonl", "data/incidents.csv", "data/incident_history.jsonl"),
    *("data/timeline.csv", "data/events.jsonl", "data/user_history.csv"),
    "data/grant_changes.jsonl",
]


@pytest.fixture
def export(carol: User, lena: User, incident: Incident, bob: User) -> Export:
    """A pack of everything."""
    acknowledge(incident, actor=bob)
    return exported(carol, by=lena)


@pytest.fixture
def unpacked(export: Export, tmp_path: Path) -> Path:
    """Its files."""
    with zipfile.ZipFile(file_of(export)) as container:
        container.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def verify(path: Path, *args: str) -> int:
    """The exit code of verify_export."""
    try:
        call_command("verify_export", str(path), "--json", *args)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.check("CMP-05.2")
def test_verifies_against_its_manifest(export: Export, capsys: Any) -> None:
    pack = Pack.of(export)

    assert verify(file_of(export)) == 0
    assert verify(file_of(export), "--key", str(keys.public_path())) == 0
    assert set(FIXED) | set(DATA) <= set(pack.files)
    listed = set(pack.manifest["files"]) | {"manifest.json", "manifest.sig", "SHA256SUMS"}
    assert listed == set(pack.files)
    about = pack.manifest["about"]
    assert (about["requested_by"], about["approved_by"], about["ordered_by"]) == (
        "carol", "lena", "carol",
    )  # fmt: skip
    assert export.rows == sum(
        facts["rows"] for name, facts in pack.manifest["files"].items() if name.endswith(".csv")
    )


@pytest.mark.check("CMP-05.2")
def test_fails_for_one_altered_byte_of_any_file(export: Export, tmp_path: Path) -> None:
    pack = Pack.of(export)
    passed = []

    for name, content in pack.files.items():
        if not content:
            continue
        altered = bytearray(content)
        altered[len(altered) // 2] ^= 1
        path = tmp_path / "altered.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
            for each, kept in pack.files.items():
                container.writestr(each, bytes(altered) if each == name else kept)
        if verify(path) != 1:
            passed.append(name)

    assert passed == []


def test_is_checked_by_stock_tools(unpacked: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=unpacked, check=True)
    subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public_key.pem", "-rawin"),
            *("-in", "manifest.json", "-sigfile", "manifest.sig"),
        ],
        cwd=unpacked,
        check=True,
    )
    assert (unpacked / "manifest.sig").stat().st_size == 64


def test_is_checked_by_its_own_verifier(unpacked: Path) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "verify.py"]
        return subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)

    good = run()
    target = unpacked / "data" / "timeline.jsonl"
    target.write_bytes(target.read_bytes().replace(b"a", b"b", 1))
    bad = run()

    assert (good.returncode, good.stderr) == (0, "")
    assert (bad.returncode, "timeline.jsonl" in bad.stdout + bad.stderr) == (1, True)


class Writers:
    """Threads that note, open and seal until the block ends; what went wrong is in `errors`."""

    def __init__(self, incident: Incident, actor: User) -> None:
        self.incident, self.actor = incident, actor
        self.errors: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *failed: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                add_note(self.incident, actor=self.actor, text="Looking")
                make_incidents.incident(service=self.incident.service, actor=self.actor)
                seal()
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()


def test_is_right_while_others_write(
    carol: User, lena: User, incident: Incident, bob: User, eventually: Any
) -> None:
    with Writers(incident, bob) as writers:
        eventually(lambda: incident.timeline.count() > 10)
        exports = [exported(carol, by=lena) for _ in range(3)]

    assert writers.errors == []
    packs = [Pack.of(export) for export in exports]
    assert [verify(file_of(export)) for export in exports] == [0, 0, 0]
    for pack in packs:
        known = {row["id"] for row in pack.rows("incidents")}
        for part in ("timeline", "key_time_claims"):
            assert {row["incident_id"] for row in pack.rows(part)} <= known
        events = {row["id"] for row in pack.rows("events")}
        assert {row["event_id"] for row in pack.rows("timeline")} <= events
    counts = [len(pack.rows("timeline")) for pack in packs]
    assert counts == sorted(counts)
    assert counts[0] > 10


@pytest.mark.slow
def test_is_written_with_flat_memory(carol: User, lena: User, incident: Incident) -> None:
    moment, system = clock.now(), make.system()
    Event.objects.bulk_create(
        (
            Event(
                kind="timeline.noted", subject_type="incidents.incident", subject_id=incident.pk,
                actor=system, origin="system", at=moment, recorded_at=moment, reason="x" * 200,
                data={"number": number},
            )
            for number in range(20_000)
        ),
        batch_size=2000,
    )  # fmt: skip
    seal()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()

    export = exported(carol, by=lena)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert export.rows is not None
    assert export.rows > 20_000
    assert peak < 32 * 1024 * 1024
    assert after - before < 64 * 1024  # KiB
