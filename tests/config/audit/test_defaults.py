"""A worker of the release before writes rows without the columns that it doesn't know."""

from typing import Any

import pytest
from django.db import connection, models

from config.audit.defaults import EMPTY, _is_plain, install
from config.due.models import Counter, Timer
from incidents.lifecycle.models import Incident

pytestmark = pytest.mark.django_db


def defaults_of(model: type[models.Model]) -> dict[str, str]:
    """What the database puts into columns that a row leaves out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, column_default FROM information_schema.columns"
            " WHERE table_name = %s AND column_default IS NOT NULL",
            [model._meta.db_table],
        )
        return dict(cursor.fetchall())


def test_fills_a_column_that_the_row_leaves_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO config_counter (key, expires_at) VALUES ('old', now())")

    assert Counter.objects.get(key="old").count == 0


@pytest.mark.parametrize(
    ("model", "column", "value"),
    [
        (Incident, "description", "''::text"),
        (Incident, "is_restricted", "false"),
        (Timer, "attempts", "0"),
        (Timer, "data", "'{}'::jsonb"),
    ],
)
def test_takes_what_filled_the_rows_that_were_there(model: Any, column: str, value: str) -> None:
    assert defaults_of(model)[column] == value


def test_makes_up_no_instant_and_no_key() -> None:
    assert {"due_at", "next_at", "root_type"}.isdisjoint(defaults_of(Timer))
    assert not _is_plain(Timer._meta.get_field("due_at"))


def test_changes_nothing_the_second_time(superuser_dsn: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)
        before = set(cursor.fetchall())
        cursor.execute("RESET ROLE")
        install(cursor)
        cursor.execute(EMPTY)

        assert set(cursor.fetchall()) == before
