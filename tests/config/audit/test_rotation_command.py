"""`manage.py rotate_signing_key`: what it records, says, and ends with."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config.audit import keys
from config.audit.models import SigningKey
from config.audit.verify import verify
from config.events.models import Event
from tests.config.audit.test_rotation import sealed

pytestmark = pytest.mark.usefixtures("fresh_db", "log_files")


def run(capsys: Any, *args: str) -> tuple[int, dict[str, Any]]:
    try:
        call_command("rotate_signing_key", "--reason", "yearly", "--json", *args)
    except SystemExit as end:
        return int(end.code or 0), json.loads(capsys.readouterr().out)
    return 0, json.loads(capsys.readouterr().out)


def test_records_who_rotated_and_why(capsys: Any) -> None:
    first = sealed()

    code, said = run(capsys)

    event = Event.objects.get(kind="signing_key.rotated")
    assert code == 0
    assert said["previous_key_id"] == first.key_id
    assert (event.reason, event.data) == (
        "yearly",
        {
            "key_id": said["key_id"],
            "previous_key_id": first.key_id,
            "size": first.size,
        },
    )
    assert Path(said["public_key"]).exists()
    assert Path(said["statement"]).exists()
    assert verify().ok


def test_tells_people_what_to_do_next(capsys: Any) -> None:
    sealed()

    call_command("rotate_signing_key", "--reason", "yearly")

    said = capsys.readouterr().out
    assert "hand it to whoever checks packs" in said
    assert "destroy copies of the old private key" in said


def test_exits_3_where_the_folder_can_not_be_written(capsys: Any, monkeypatch: Any) -> None:
    sealed()

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keys, "_write", full)

    code, said = run(capsys)

    assert (code, said["ok"]) == (3, False)
    assert "No space left" in said["error"]
    assert SigningKey.objects.count() == 0
