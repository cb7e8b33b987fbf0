"""What must not be restored is refused, with a word about what to do, and nothing is changed."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

from config.backup.refusals import Unavailable
from config.backup.restoring import restore
from config.backup.targets import Target
from tests.config.backup.make import Empty, rows, silent, taken
from tests.harness.databases import Clone


def test_refuses_a_role_that_may_not_make_tables(
    plain: Clone, files: Path, empty: Empty, capsys: pytest.CaptureFixture[str]
) -> None:
    target = empty()
    backup = taken(files)

    with pytest.raises(SystemExit) as end:
        call_command(
            "restore",
            str(backup.path),
            into=Clone(target.settings["NAME"]).runtime_url,
            yes=True,
        )

    assert end.value.code == 1
    assert "may not make tables" in capsys.readouterr().err


def test_leaves_an_empty_database_when_it_fails(plain: Clone, files: Path, empty: Empty) -> None:
    target = empty()
    backup = taken(files)
    whole = backup.path.read_bytes()
    backup.path.write_bytes(whole[: len(whole) * 9 // 10])
    before = dict(connections["owner"].settings_dict)

    with pytest.raises(Unavailable, match="pg_restore ended with status 1"):
        restore(backup.path, backup.manifest, target, tell=silent)  # past the checksum

    assert rows(Clone(target.settings["NAME"])) == {}
    assert connections["owner"].settings_dict == before


def test_refuses_a_backup_of_a_newer_version(
    plain: Clone, files: Path, empty: Empty, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = taken(files)
    path = backup.path.with_name("watchbill.backup.json")
    content = json.loads(path.read_text())
    content["migrations"]["incidents"].append("9999_tomorrow")
    path.write_text(json.dumps(content))

    refused(backup.path, empty(), capsys, "does not know incidents.9999_tomorrow")


@pytest.mark.parametrize("harm", ["flip", "cut"])
def test_refuses_a_damaged_file(
    harm: str, plain: Clone, files: Path, empty: Empty, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = taken(files)
    content = bytearray(backup.path.read_bytes())
    content[len(content) // 2] ^= 1
    backup.path.write_bytes(content if harm == "flip" else content[:-1])

    refused(backup.path, empty(), capsys, "SHA-256 differs")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "can't be read"),
        ("{", "not the manifest"),
        ('{"format": "other"}', "form"),
        ('{"format": "watchbill-backup-1"}', "damaged"),
    ],
)
def test_refuses_a_file_without_its_manifest(
    text: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump = tmp_path / "some.backup"
    dump.write_text("PGDMP")
    if text is not None:
        dump.with_name("some.backup.json").write_text(text)

    with pytest.raises(SystemExit) as end:
        call_command("restore", str(dump), into="postgresql://a@localhost/b", yes=True)

    assert end.value.code == 1
    assert words in capsys.readouterr().err


def test_refuses_a_database_that_is_not_empty(
    plain: Clone, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = taken(files)
    before = rows(plain)

    with pytest.raises(SystemExit) as end:
        call_command("restore", str(backup.path), into=plain.owner_url, yes=True)

    assert end.value.code == 1
    assert "is not empty" in capsys.readouterr().err
    assert rows(plain) == before


def test_asks_before_it_begins(
    plain: Clone, files: Path, empty: Empty, capsys: pytest.CaptureFixture[str]
) -> None:
    target = empty()
    url = Clone(target.settings["NAME"]).owner_url
    backup = taken(files)

    with pytest.raises(SystemExit) as end:
        call_command("restore", str(backup.path), into=url)

    assert end.value.code == 1
    assert "--yes" in capsys.readouterr().err
    assert rows(Clone(target.settings["NAME"])) == {}


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("mysql://a@localhost/b", 2, "must begin with postgresql://"),
        ("postgresql://a:secret@127.0.0.1:1/b", 3, "does not answer"),
    ],
)
def test_says_what_is_wrong_with_the_address(
    url: str,
    code: int,
    words: str,
    plain: Clone,
    files: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backup = taken(files)

    with pytest.raises(SystemExit) as end:
        call_command("restore", str(backup.path), into=url, yes=True)

    assert end.value.code == code
    said = capsys.readouterr().err
    assert words in said
    assert "secret" not in said


def refused(dump: Path, target: Target, capsys: pytest.CaptureFixture[str], words: str) -> None:
    """It ends with status 1, says so, and leaves the target empty."""
    clone = Clone(target.settings["NAME"])

    with pytest.raises(SystemExit) as end:
        call_command("restore", str(dump), into=clone.owner_url, yes=True)

    assert end.value.code == 1
    assert words in capsys.readouterr().err
    assert rows(clone) == {}
