"""A backup comes back whole, as a new log, and sends nothing until somebody has looked."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

from config import embedded
from config.audit import keys, notes, outside
from config.audit.models import Checkpoint, LedgerEntry, LogOrigin, SigningKey, Unsealed
from config.audit.rotation import rotate
from config.audit.sealing import seal
from config.audit.verify import verify
from config.due import installation
from config.due.leases import claim
from config.due.models import Installation, OutboundMessage
from config.due.outbox import CONDITION
from config.events.models import Event
from incidents.lifecycle.models import Incident
from tests.config.audit import make as audit
from tests.config.backup.make import Empty, bring_back, pointed, rows, taken
from tests.harness import databases
from tests.harness.databases import Clone
from tests.incidents import make

MIGRATION = '''"""One column more."""
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("config", "{last}")]
    operations = [
        migrations.AddField("event", "added", models.TextField(null=True)),
        migrations.AddField("historicaluser", "added", models.TextField(null=True)),
    ]
'''


def claimed() -> int:
    return len(claim(OutboundMessage, 10, CONDITION, (False, [])))


def sequences(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return dict(
            connection.execute(
                "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
                " AND sequencename NOT LIKE 'audit%' AND sequencename NOT LIKE 'config_event%'"
            ).fetchall()
        )


def test_brings_everything_back_and_verifies(filled: Clone, files: Path, empty: Empty) -> None:
    before = rows(filled)
    backup = taken(files)
    held = backup.manifest.rows
    target = empty()

    result = bring_back(backup, target)

    # The seal before the dump moves entries from the queue to leaves, and changes nothing else.
    sealed = {"audit_leaf", "audit_unsealed", "audit_checkpoint"}
    assert {k: v for k, v in held.items() if k not in sealed} == {
        k: v for k, v in before.items() if k not in sealed
    }
    assert result.report
    assert (result.report.ok, result.problems, result.notes) == (True, [], [])
    after = rows(Clone(target.settings["NAME"]))
    own = {"audit_ledger": 3, "audit_salt": 3, "audit_leaf": 3, "audit_checkpoint": 1}
    own |= {"audit_origin": 1, "config_event": 2}  # the new log, outbound paused, restored
    assert after == {table: count + own.get(table, 0) for table, count in held.items()}
    assert sequences(filled.owner_url) == sequences(Clone(target.settings["NAME"]).owner_url)


def test_begins_a_log_that_names_the_last_known_checkpoint(
    filled: Clone, files: Path, empty: Empty
) -> None:
    backup = taken(files)
    make.incident()
    lost = seal()
    assert lost
    target = empty()

    result = bring_back(backup, target)

    with pointed(target):
        old, new = LogOrigin.objects.order_by("pk")
        assert (new.previous_note, new.began_at_size) == (
            lost.note,
            backup.manifest.checkpoint_size,
        )
        first = Checkpoint.objects.get(origin=new.name)
        entry = LedgerEntry.objects.get(table_name="audit_origin", row_key=str(new.pk))
        assert entry.seq == LedgerEntry.objects.order_by("seq")[new.began_at_size].seq
        assert (result.origin, result.lost) == (new.name, lost.size - new.began_at_size)
        assert [each.note() for each in outside.published(new.name)] == [first.note]
        report = verify(checkpoint=lost.note)
        assert report.ok
        assert f"{result.lost} entries were lost" in report.warnings[0]
    assert old.name == lost.origin


def test_sends_nothing_until_it_is_resumed(filled: Clone, files: Path, empty: Empty) -> None:
    target = empty()
    bring_back(taken(files), target)

    with pointed(target):
        paused = Installation.objects.get()
        assert paused.outbound_paused_at
        assert paused.paused_because.startswith("Restored from watchbill.backup")
        assert installation.confirm().paused_because == paused.paused_because
        assert claimed() == 0
        assert list(Event.objects.order_by("-pk").values_list("kind", flat=True)[:2]) == [
            "backup.restored",
            "outbound.paused",
        ]

        call_command("resume_outbound", "--yes", verbosity=0)

        assert claimed() == 3
        assert installation.confirm().outbound_paused_at is None


def test_works_and_stays_sealed_afterwards(filled: Clone, files: Path, empty: Empty) -> None:
    target = empty()
    bring_back(taken(files), target)

    with pointed(target):
        references = set(Incident.objects.values_list("reference", flat=True))
        opened = make.incident("After the restore")
        assert opened.reference not in references
        assert Unsealed.objects.count() > 0
        seal()
        assert Unsealed.objects.count() == 0
        assert verify().ok
    # The runtime role may use what came back, and alter none of the evidence.
    with psycopg.connect(Clone(target.settings["NAME"]).runtime_url) as runtime:
        runtime.execute("UPDATE config_installation SET is_demo = is_demo")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runtime.execute("UPDATE config_event SET reason = 'another'")
    with psycopg.connect(Clone(target.settings["NAME"]).owner_url) as owner:
        assert owner.execute(
            "SELECT pg_get_userbyid(proowner), prosecdef FROM pg_proc WHERE proname = 'audit_purge'"
        ).fetchone() == ("watchbill_purge", True)


def test_keeps_what_was_not_sealed_yet(filled: Clone, files: Path, empty: Empty) -> None:
    key = keys.private_path()
    key.rename(key.with_suffix(".away"))
    backup = taken(files)
    key.with_suffix(".away").rename(key)
    waiting = Unsealed.objects.count()
    target = empty()

    result = bring_back(backup, target)

    assert backup.complaint.startswith("Not sealed: ")
    assert 0 < backup.manifest.unsealed < waiting  # the backup's own event came after it
    assert result.report
    assert result.report.ok
    with pointed(target):
        assert Unsealed.objects.count() == 0


def test_restores_as_a_superuser_for_the_owner(
    filled: Clone, files: Path, empty: Empty, superuser_dsn: str
) -> None:
    target = empty()
    name = target.settings["NAME"]
    backup = taken(files)

    with pytest.raises(SystemExit) as end:
        call_command("restore", str(backup.path), into=superuser_dsn, yes=True)
    assert end.value.code == 1  # the address of the very database that is filled
    address = Clone(name).superuser_url
    assert address
    call_command("restore", str(backup.path), into=address, yes=True, verbosity=0)

    with psycopg.connect(Clone(name).owner_url) as owner:
        strangers = owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND pg_get_userbyid(relowner) <> %s",
            [databases.server().owner["USER"]],
        ).fetchall()
    assert strangers == []


def test_fills_the_embedded_server(
    filled: Clone, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with databases.own_home() as home:
        cluster = embedded.ensure([home])
        monkeypatch.setattr(embedded, "ensure", lambda: cluster)
        backup = taken(files)

        call_command("restore", str(backup.path), embedded=True, yes=True, json=True)

        found = json.loads(capsys.readouterr().out)
        assert (found["ok"], found["notes"], found["outbound"]) == (True, [], "paused")
        with psycopg.connect(cluster.runtime_url) as runtime:
            assert runtime.execute("SELECT count(*) FROM incidents_incident").fetchone() == (4,)


def test_names_the_roles_that_the_server_lacks(filled: Clone, files: Path, empty: Empty) -> None:
    target = replace(empty(), runtime="no_such_role")

    result = bring_back(taken(files), target)

    assert result.report
    assert result.report.ok
    assert result.notes == [
        "the role no_such_role does not exist on this server: create it, then run manage.py migrate"
    ]


def test_goes_on_without_the_signing_key_and_says_so(
    filled: Clone, files: Path, empty: Empty, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = taken(files)
    shutil.rmtree(files / "keys")
    target = empty()
    url = Clone(target.settings["NAME"]).owner_url

    with pytest.raises(SystemExit) as end:
        call_command("restore", str(backup.path), into=url, yes=True, json=True)

    assert end.value.code == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["verify"]) == (False, None)
    assert "put it back" in found["problems"][0]
    assert not keys.private_path().exists()
    with pointed(target):
        assert Installation.objects.get().outbound_paused_at


def test_brings_an_older_backup_up_to_date(
    filled: Clone, files: Path, empty: Empty, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = taken(files)
    package = files / "newer_config_migrations"
    shutil.copytree("config/migrations", package, ignore=shutil.ignore_patterns("__pycache__"))
    last = max(path.stem for path in package.glob("0*.py"))
    (package / "9999_added.py").write_text(MIGRATION.format(last=last))
    monkeypatch.syspath_prepend(files)
    settings.MIGRATION_MODULES = {"config": package.name}
    target = empty()

    result = bring_back(backup, target)

    assert result.report
    assert (result.report.ok, result.problems) == (True, [])
    with pointed(target):
        audit.event()
        audit.person()
        seal()
        sets = dict(LedgerEntry.objects.order_by("seq").values_list("table_name", "column_set"))
        assert (sets["config_event"], sets["config_historicaluser"]) == (2, 2)
        assert verify().ok


def test_goes_on_with_the_key_to_which_it_was_rotated_since(
    plain: Clone, files: Path, empty: Empty
) -> None:
    audit.events(2)
    backup = taken(files)
    audit.event()
    made = rotate()
    audit.event()
    lost = seal()
    assert lost
    target = empty()

    result = bring_back(backup, target)

    assert (result.problems, result.lost) == ([], lost.size - result.began_at_size)
    with pointed(target):
        assert SigningKey.objects.get().statement == made.note
        last = Checkpoint.objects.latest("pk")
        assert last.key_id == notes.key_id(result.origin, made.newer).hex()
        report = verify(checkpoint=lost.note)
        assert (report.ok, report.problems) == (True, [])
        assert "entries were lost" in report.warnings[0]


def test_says_that_a_rotated_key_is_unknown_without_its_statement(
    plain: Clone, files: Path, empty: Empty
) -> None:
    audit.event()
    backup = taken(files)
    keys.statement_path(rotate().older_id).unlink()

    result = bring_back(backup, empty())

    assert "not the one that signed so far" in result.problems[0]
