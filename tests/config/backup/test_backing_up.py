"""A backup is one whole file, sealed, described and recorded; or there is none."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.audit import outside
from config.audit.models import Checkpoint, Unsealed
from config.backup import programs
from config.backup.manifest import Manifest, digest
from config.backup.programs import Programs
from config.backup.refusals import Unavailable
from config.database import direct
from config.due.models import Installation
from config.events.models import Event
from tests.harness.databases import Clone


def backup(out: Path, **options: Any) -> int:
    try:
        call_command("backup", out=out, verbosity=0, **options)
    except SystemExit as end:
        return int(str(end.code))
    return 0


def test_writes_a_sealed_and_described_file(
    filled: Clone, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = files / "a.backup"

    assert backup(out, json=True) == 0

    said, manifest = json.loads(capsys.readouterr().out), Manifest.read(out)
    last = Checkpoint.objects.latest("pk")
    assert (said["ok"], said["sha256"], said["file"]) == (True, digest(out), str(out))
    assert (manifest.sha256, manifest.bytes) == (digest(out), out.stat().st_size)
    assert (manifest.checkpoint, manifest.checkpoint_size) == (last.note, last.size)
    assert manifest.installation_id == str(Installation.objects.get().installation_id)
    assert (manifest.origin, manifest.unsealed) == (last.origin, 0)
    assert "0001_initial" in manifest.migrations["incidents"]
    assert manifest.rows["incidents_incident"] == 4
    newest = outside.newest(last.origin)
    assert newest
    assert newest.note() == last.note


def test_shows_it_to_nobody_else(plain: Clone, files: Path) -> None:
    out = files / "a.backup"
    backup(out)

    written = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files.glob("*a.backup*")}

    assert written == {"a.backup": 0o600, "a.backup.json": 0o600}


def test_is_recorded(plain: Clone, files: Path) -> None:
    out = files / "a.backup"
    backup(out)

    event = Event.objects.get(kind="backup.taken")

    assert (event.data["file"], event.data["sha256"]) == ("a.backup", digest(out))
    assert Unsealed.objects.count() == 1


def test_replaces_no_file(plain: Clone, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = files / "a.backup"
    out.write_text("the last one")

    assert backup(out) == 1

    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "the last one"


def test_needs_a_folder(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backup(files / "none" / "a.backup", json=True) == 1

    assert "no folder" in json.loads(capsys.readouterr().out)["error"]


def test_needs_a_name() -> None:
    with pytest.raises(CommandError, match="--out"):
        call_command("backup")


def test_leaves_nothing_behind_when_it_fails(
    plain: Clone, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(self: Programs, *arguments: str, **options: Any) -> None:
        raise Unavailable("pg_dump ended with status 1: No space left on device")

    monkeypatch.setattr(Programs, "run", fails)

    assert backup(files / "a.backup") == 3

    assert "No space left" in capsys.readouterr().err
    assert list(files.glob("*a.backup*")) == []
    assert not Event.objects.filter(kind="backup.taken").exists()


def test_is_taken_but_fails_where_the_log_can_not_be_sealed(
    filled: Clone, files: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SIGNING_KEY = files / "other" / "signing.pem"

    assert backup(files / "a.backup") == 1

    assert "is not the one that signed so far" in capsys.readouterr().err
    assert Manifest.read(files / "a.backup").unsealed > 0


def test_tells_why_pg_dump_failed(plain: Clone, files: Path) -> None:
    with direct("owner") as connection:
        tools = programs.choose(connection)

    with pytest.raises(Unavailable, match=r"pg_dump ended with status 1: .*nowhere"):
        tools.run("pg_dump", f"--file={files}/nowhere/x", alias="owner", tick=lambda: None)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pg_dump 99 on the PATH."""
    for name in ("pg_dump", "pg_restore"):
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 99.1 (Debian 99.1-1)'\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_takes_the_programs_that_come_along(fresh_db: Clone, installed: Path) -> None:
    with direct("owner") as connection:
        chosen = programs.choose(connection)

        assert chosen.major == connection.info.server_version // 10000
        assert chosen.folder != installed


def test_takes_installed_programs_for_a_newer_server(fresh_db: Clone, installed: Path) -> None:
    with direct("owner") as connection:
        assert programs.choose(connection, least=50) == Programs(installed, 99)


def test_names_the_programs_that_are_missing(
    fresh_db: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with (
        direct("owner") as connection,
        pytest.raises(Unavailable, match=r"found: 16, 18\..*postgresql-client-50"),
    ):
        programs.choose(connection, least=50)
