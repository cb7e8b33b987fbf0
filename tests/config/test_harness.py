"""The ground that all other tests stand on."""

import socket
import threading
import urllib.request
from types import SimpleNamespace

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.utils import ProgrammingError

from config.database import runtime_role
from tests.checks import Ledger, known_checks
from tests.harness.network import NetworkBlocked
from tests.harness.shares import ordered

REQUIREMENTS = """
#### INC-07 Severity
**Does.** Things.
1. not a check
**Checks**
1. One
2. Two

### 5.3 Other
1. not a check either
#### PM-01 Review
**Checks**
1. Three
"""


def current_user():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize("again", [False, True])
def test_rolls_every_test_back(again):
    assert not Group.objects.filter(name="left over").exists()
    Group.objects.create(name="left over")


@pytest.mark.django_db
def test_holds_tests_to_the_rights_of_the_running_product():
    assert current_user() == runtime_role()
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE mine (id int)")


@pytest.mark.django_db
def test_speaks_to_the_tests_database_as_superuser(superuser_dsn):
    with psycopg.connect(superuser_dsn) as superuser:
        row = superuser.execute("SELECT rolsuper FROM pg_roles WHERE rolname = user").fetchone()

    assert row == (True,)


@pytest.mark.parametrize("again", [False, True])
def test_gives_a_committing_test_a_database_of_its_own(fresh_db, again):
    def write():
        Group.objects.create(name=f"{threading.get_ident()}")
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Group.objects.using("owner").exclude(name__regex="[^0-9]").count() == 3


def test_lets_other_processes_into_a_fresh_database(fresh_db):
    with psycopg.connect(fresh_db.runtime_url) as other:
        row = other.execute("SELECT current_user, current_database()").fetchone()

    assert row == (runtime_role(), fresh_db.name)


def test_serves_a_live_site(live_site):
    with urllib.request.urlopen(f"{live_site}/healthz") as answer:
        assert answer.status == 200


def test_starts_the_real_web_process(live_web):
    with urllib.request.urlopen(f"{live_web}/healthz") as answer:
        assert answer.status == 200


def test_keeps_tests_without_a_database_away_from_it():
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        Group.objects.count()


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 80)])
def test_stays_on_this_machine(address):
    with pytest.raises(NetworkBlocked):
        socket.create_connection(address, timeout=1)


def test_reads_the_checks_of_the_requirements():
    assert list(known_checks(REQUIREMENTS)) == ["INC-07.1", "INC-07.2", "PM-01.1"]


def _report(nodeid, outcome, *checks):
    return pytest.TestReport(
        nodeid,
        (nodeid, 0, nodeid),
        {},
        outcome,
        None,
        "call",
        user_properties=[("check", check) for check in checks],
    )


def test_shows_a_check_only_by_tests_that_passed():
    ledger = Ledger()
    ledger.add(_report("t::passes", "passed", "INC-07.1"))
    ledger.add(_report("t::skipped", "skipped", "INC-07.2"))
    ledger.add(_report("t::half", "passed", "PM-01.1"))
    ledger.add(_report("t::fails", "failed", "PM-01.1"))

    assert list(ledger.lines(["INC-07.1", "INC-07.2", "PM-01.1"])) == [
        "INC-07.1 t::passes",
        "INC-07.2 missing",
        "PM-01.1 missing",
        "3 checks: 1 shown, 0 pending, 2 missing",
    ]


def test_names_what_a_check_waits_for(monkeypatch):
    monkeypatch.setattr("tests.checks.PENDING", {"INC-07.1": "INC-34"})

    assert next(Ledger().lines(["INC-07.1"])) == "INC-07.1 pending INC-34"


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_begins_each_share_with_its_long_tests(processes):
    names = ["config/a", "survival/a", "access/a", "config/b", "browser/a", "survival/b", "docs/a",
             "access/b", "config/c"]  # fmt: skip
    items = [SimpleNamespace(nodeid=f"tests/{name}.py::test") for name in names]

    found = [item.nodeid[6:-9] for item in ordered(items, processes)]

    assert sorted(found) == sorted(names)
    shares = [found[number * 9 // processes :] for number in range(processes)]
    begun = [share[0] for share in shares]
    long = ["survival/a", "access/a", "browser/a"][:processes]
    assert begun == (["config/a"] if processes == 1 else long)
