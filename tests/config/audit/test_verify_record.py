"""That the log was verified is recorded, and shown where the checkpoints are."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError

from config.audit.sealing import seal
from config.events.models import Event
from config.organisation.models import User
from tests.config import make
from tests.config.audit import make as make_audit
from tests.config.audit.conftest import Superuser

CHECKPOINTS = "/admin/config/checkpoint/"


def run(*args: str) -> tuple[int, str, str]:
    output, errors = io.StringIO(), io.StringIO()
    try:
        call_command("audit_verify", "--json", *args, stdout=output, stderr=errors)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()


def runs() -> list[dict[str, Any]]:
    return [event.data for event in Event.objects.filter(kind="audit.verified").order_by("id")]


def page_of(person: User) -> str:
    return make.browser(person).get(CHECKPOINTS).content.decode()


def test_records_a_good_run(vandal: Superuser, carol: User, monkeypatch: Any) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "nightly")
    make_audit.events(3)

    status, printed, _ = run()

    (said,) = runs()
    assert status == 0
    assert (said["ok"], said["by"], said["broken"]) == (True, "nightly", None)
    assert said["entries"] == json.loads(printed)["entries"]
    assert "by nightly" in page_of(carol)
    assert "Good" in page_of(carol)


def test_records_what_was_broken_first(vandal: Superuser, carol: User) -> None:
    rows = make_audit.events(3)
    seal()
    vandal.execute("UPDATE config_event SET reason = 'x' WHERE id = %s", [rows[1].pk])

    status, _, _ = run()

    (said,) = runs()
    assert status == 1
    assert (said["ok"], said["broken"]["key"]) == (False, str(rows[1].pk))
    assert f"row_altered: config_event {rows[1].pk}" in page_of(carol)


@pytest.mark.django_db
def test_says_that_nobody_has_verified_yet(carol: User) -> None:
    assert "Never verified" in page_of(carol)


def test_writes_nothing_where_it_is_told_so(vandal: Superuser) -> None:
    make_audit.events(1)

    assert run("--no-record")[0] == 0
    assert runs() == []


def test_counts_though_it_can_not_be_recorded(vandal: Superuser, monkeypatch: Any) -> None:
    make_audit.events(1)

    def refused(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("cannot execute INSERT in a read-only transaction")

    monkeypatch.setattr("config.management.commands.audit_verify.record", refused)

    status, printed, errors = run()

    assert status == 0
    assert json.loads(printed)["ok"]
    assert "not recorded: cannot execute INSERT" in errors
