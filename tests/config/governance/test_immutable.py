"""The database itself refuses to change what has been in force, or is under review."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from config.governance.activation import retire
from config.governance.models import SettingVersion
from config.governance.operations import submit
from config.governance.triggers import guarded_tables
from incidents.taxonomy.operations import seed_severity_table
from tests.config import make

pytestmark = pytest.mark.django_db


def refused(statement, *arguments):
    with (
        pytest.raises(IntegrityError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, arguments)
    error: Any = refusal.value.__cause__
    return error.diag.constraint_name


ROOT_CHANGES = [
    "change_reason = 'Something else'",
    "content_hash = repeat('0', 64)",
    "number = 9",
    "is_emergency = true",
    "state = 'draft'",
    "state = 'approved'",
    "in_force = tstzrange(lower(in_force) - interval '1 day', NULL)",
    "in_force = NULL",
]


@pytest.mark.parametrize("change", ROOT_CHANGES)
def test_refuses_to_change_a_version_in_force(seeded, change):
    name = refused(f"UPDATE config_policyversion SET {change} WHERE id = %s", seeded.pk)

    assert name in {"version_immutable", "version_active_has_time"}


def test_refuses_to_change_its_value(seeded):
    name = refused(
        "UPDATE config_settingversion SET value = '8' WHERE policyversion_ptr_id = %s", seeded.pk
    )

    assert name == "version_immutable"
    assert SettingVersion.objects.get(pk=seeded.pk).value == 7


def test_refuses_to_change_a_retired_version(seeded, author):
    retire(seeded, actor=author, reason="Old")

    assert refused(
        "UPDATE config_policyversion SET in_force = NULL WHERE id = %s", seeded.pk
    ) == "version_immutable"  # fmt: skip
    assert refused(
        "UPDATE config_policyversion SET state = 'active' WHERE id = %s", seeded.pk
    ) == "version_immutable"  # fmt: skip


def test_refuses_to_change_content_under_review(draft, author):
    submit(draft, actor=author)

    name = refused(
        "UPDATE config_settingversion SET value = '8' WHERE policyversion_ptr_id = %s", draft.pk
    )

    assert name == "version_immutable"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE incidents_severitycell SET severity = 'SEV4' WHERE table_id = %s",
        "DELETE FROM incidents_severitycell WHERE table_id = %s",
        "INSERT INTO incidents_severitycell (revision, table_id, line, level, tier, severity)"
        " VALUES (1, %s, 'x', 'info', 1, 'SEV1')",
    ],
)
def test_refuses_to_change_child_rows_of_a_version_in_force(statement):
    table = seed_severity_table(make.system())
    assert table is not None

    assert refused(statement, table.pk) == "version_immutable"
    assert table.cells.count() == 16


def test_refuses_to_remove_a_version(draft):
    assert refused("DELETE FROM config_policyversion WHERE id = %s", draft.pk) == "version_kept"


def test_guards_every_table_of_content():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgname = 'governance_guard' AND t.tgenabled = 'O'"
        )
        found = {name for (name,) in cursor.fetchall()}

    assert found == {"config_policyversion", *guarded_tables()}
