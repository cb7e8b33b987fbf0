"""DATABASE_URL and DATABASE_OWNER_URL become DATABASES."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.database import databases, direct, runtime_role

URL = "postgresql://app:secret@db.example:5433/watch"


def test_reads_every_part_of_a_url():
    default = databases({"DATABASE_URL": f"{URL}?sslmode=require&connect_timeout=3"})["default"]

    assert default["ENGINE"] == "django.db.backends.postgresql"
    assert [default[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "watch",
        "app",
        "secret",
        "db.example",
        "5433",
    ]
    assert default["OPTIONS"] == {
        "application_name": "watchbill",
        "connect_timeout": "3",
        "sslmode": "require",
        "options": "-c join_collapse_limit=4",
    }


def test_puts_options_of_the_url_after_its_own():
    default = databases({"DATABASE_URL": f"{URL}?options=-c%20work_mem%3D8MB"})["default"]

    assert default["OPTIONS"]["options"] == "-c join_collapse_limit=4 -c work_mem=8MB"


@pytest.mark.django_db
def test_joins_many_tables_in_the_order_written():
    """Weighing all orders of a dozen took the planner 20 ms a page; all hang by their keys."""
    with direct() as connection:
        row = connection.execute("SHOW join_collapse_limit").fetchone()

    assert row == ("4",)


def test_keeps_connections_and_checks_them():
    default = databases({"DATABASE_URL": URL})["default"]

    assert default["CONN_MAX_AGE"] == 600
    assert default["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize(
    ("url", "key", "value"),
    [
        ("postgres://app@h/watch", "HOST", "h"),
        ("postgresql://app:p%40ss%2Fw%3Ard@h/watch", "PASSWORD", "p@ss/w:rd"),
        ("postgresql://app@/watch?host=/run/postgresql", "HOST", "/run/postgresql"),
        ("postgresql://app@%2Frun%2Fpostgresql/watch", "HOST", "/run/postgresql"),
        ("postgresql://app@[::1]:5432/watch", "HOST", "::1"),
        ("postgresql://app@a:5432,b:5433/watch", "PORT", "5432,5433"),
    ],
)
def test_understands_what_libpq_understands(url, key, value):
    assert databases({"DATABASE_URL": url})["default"][key] == value


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://app:topsecret@h/watch", "must begin with postgresql://"),
        ("watch", "must begin with postgresql://"),
        ("postgresql://app:topsecret@h", "names no database"),
        ("postgresql://h/watch", "names no user"),
        ("postgresql://app:topsecret/x@h/watch", "percent-encoded"),
        ("postgresql://app:topsecret@h/watch?colour=red", "not a PostgreSQL URL"),
        ("postgresql://app:topsecret@[::1/watch", "not a PostgreSQL URL"),
    ],
)
def test_explains_a_wrong_url_without_the_password(url, words):
    with pytest.raises(ImproperlyConfigured) as refusal:
        databases({"DATABASE_URL": url})

    assert words in str(refusal.value)
    assert "topsecret" not in str(refusal.value)


def test_takes_the_same_role_for_both_where_one_url_is_given():
    both = databases({"DATABASE_URL": URL})

    assert both["owner"] == both["default"]
    assert both["owner"]["RUNTIME_ROLE"] == "app"


def test_separates_the_owner_where_two_are_given():
    owner_url = "postgresql://boss:b@db.example:5433/watch"

    both = databases({"DATABASE_URL": URL, "DATABASE_OWNER_URL": owner_url})

    assert (both["default"]["USER"], both["owner"]["USER"]) == ("app", "boss")
    assert both["owner"]["RUNTIME_ROLE"] == "app"


@pytest.mark.parametrize(
    "environ",
    [
        {"DATABASE_OWNER_URL": URL},
        {"DATABASE_URL": URL, "DATABASE_OWNER_URL": "postgresql://boss@db.example/other"},
    ],
)
def test_refuses_an_owner_of_something_else(environ):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_OWNER_URL"):
        databases(environ)


def test_takes_the_embedded_server_where_none_is_given():
    both = databases({})

    assert {each["ENGINE"] for each in both.values()} == {"config.embedded"}
    assert [both[alias]["USER"] for alias in ("default", "owner")] == [
        "watchbill",
        "watchbill_owner",
    ]


@pytest.mark.django_db
def test_connects_apart_from_django_with_the_runtime_role():
    with direct() as connection:
        row = connection.execute("SELECT current_user").fetchone()

    assert row == (runtime_role(),)
