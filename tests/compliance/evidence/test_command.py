"""`manage.py audit_export`: its exit codes, its JSON, and that it is recorded."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from compliance.management.commands import audit_export
from config.audit.packing import PackRefused
from config.events.models import Event
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import edit
from tests.compliance.evidence.test_packs import verify
from tests.compliance.make import Pack


def run(path: Path, *args: str, since: str = "2020-01-01", until: str = "2100-01-01") -> Any:
    """The exit code and what it printed."""
    out, code = io.StringIO(), 0
    given = ["--from", since, "--to", until, "--out", str(path), "--json", *args]
    try:
        call_command("audit_export", *given, stdout=out, stderr=out)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, json.loads(out.getvalue())


def test_writes_a_pack_and_records_it(incident: Incident, tmp_path: Path) -> None:
    path = tmp_path / "out" / "pack.zip"

    code, found = run(path)

    assert (code, found["ok"], found["file"]) == (0, True, str(path))
    assert verify(path) == 0
    assert [each.name for each in path.parent.iterdir()] == ["pack.zip"]
    event = Event.objects.get(kind="export.created")
    assert (event.data["sha256"], event.data["rows"]) == (found["sha256"], found["rows"])
    assert event.reason.startswith("manage.py audit_export by ")


def test_writes_one_incident(incident: Incident, theirs: Incident, tmp_path: Path) -> None:
    code, _ = run(tmp_path / "one.zip", "--incident", incident.reference.lower())

    pack = Pack(tmp_path / "one.zip")
    assert code == 0
    assert [row["reference"] for row in pack.rows("incidents")] == [incident.reference]
    assert theirs.reference.encode() not in b"".join(pack.files.values())


def test_gives_a_restricted_incident_only_by_name(
    incident: Incident, alice: User, tmp_path: Path
) -> None:
    edit(incident, actor=alice, changes={"is_restricted": True}, reason="Personnel")

    run(tmp_path / "all.zip")
    run(tmp_path / "one.zip", "--incident", incident.reference)

    assert Pack(tmp_path / "all.zip").rows("incidents") == []
    assert len(Pack(tmp_path / "one.zip").rows("incidents")) == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"since": "yesterday"}, 2),
        ({"since": "2026-13-01"}, 2),
        ({"since": "2026-02-01", "until": "2026-01-01"}, 2),
        ({"args": ("--incident", "INC-999999")}, 1),
    ],
)
def test_says_what_is_wrong(
    incident: Incident, tmp_path: Path, options: dict[str, Any], code: int
) -> None:
    args = options.pop("args", ())

    found, told = run(tmp_path / "x.zip", *args, **options)

    assert (found, told["ok"], bool(told["error"])) == (code, False, True)
    assert not (tmp_path / "x.zip").exists()
    assert not Event.objects.filter(kind="export.created").exists()


def test_needs_its_options(tmp_path: Path, incident: Incident) -> None:
    with pytest.raises(CommandError):
        call_command("audit_export", "--from", "2026-01-01")
    assert run(tmp_path)[0] == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PackRefused("no"), 1),
        (OperationalError("the database is gone"), 3),
        (OSError("the disk is full"), 3),
    ],
)
def test_says_that_it_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(audit_export, "write_pack", broken)

    assert run(tmp_path / "x.zip") == (code, {"ok": False, "error": _text(error)})


def _text(error: Exception) -> str:
    prefix = "" if isinstance(error, PackRefused) else "Could not write the pack: "
    return f"{prefix}{error}"


def test_leaves_no_pack_that_is_not_recorded(
    incident: Incident, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(audit_export, "record", broken)

    assert run(tmp_path / "out" / "x.zip")[0] == 3
    assert list((tmp_path / "out").iterdir()) == []
