"""docs/integrator.md: every example runs against the real web process, and answers as shown."""

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from config import clock
from config.access.rules import Role
from config.due.worker import run_due
from config.organisation.models import Scope
from escalation.paging.links import url_of
from escalation.paging.models import Page
from escalation.paging.rules import Briefing, payload
from fixtures.reference import seed_reference
from incidents.alerts.processing import drain_inbox
from tests.config import make
from tests.docs.markdown import document
from tests.docs.running import Terminal, agrees
from tests.escalation import make as make_escalation
from tests.incidents import make as make_incidents

SETUP = "export WATCHBILL="


@pytest.fixture
def terminal(live_web: str, tmp_path: Path, settings: Any) -> Terminal:
    """An administrator, the service account ci, the team payments with somebody on call."""
    seed_reference()
    payments = make.team("payments", unit=make.unit("retail"))
    checkout = make_incidents.service("checkout", team=payments, tier=1)
    alice = make.user("alice", name="Alice Abel")
    make.join(payments, alice)
    make.role(Role.INCIDENT_COMMANDER, to=alice, on=payments)
    make_escalation.contact(alice)
    make_escalation.schedule(payments, alice, key="payments-primary")
    ci = make.service_account("ci")
    make.role(Role.INTEGRATOR, to=ci, on=payments)
    make_incidents.incident(title="Payments time out", service=checkout, level="critical")
    run_due(clock.now())
    page = Page.objects.get()
    settings.SECRET_KEY = (tmp_path / "keys" / "secret").read_text()  # the web process made it
    environment = {
        "PATH": os.environ["PATH"],
        "WATCHBILL": live_web,
        "TOKEN": make.token(ci, Scope.INCIDENT_WRITE),
        "ADMIN_TOKEN": make.token(make.superuser()),
        "ACK_URL": url_of(page.pk).replace("http://127.0.0.1:8000", live_web),
    }
    return Terminal(tmp_path, environment)


@pytest.mark.peer("curl")
@pytest.mark.peer("jq")
def test_answers_what_the_page_shows(terminal: Terminal) -> None:
    printed, ran = "", 0
    for block in document("docs/integrator.md").blocks():
        if block.is_answer:
            complaint = agrees(printed, block.text, block.language)
            assert not complaint, f"docs/integrator.md, line {block.line}: {complaint}"
        elif block.language in ("sh", "python") and not block.text.startswith(SETUP):
            printed, ran = terminal.run(block.language, block.text), ran + 1
            drain_inbox()

    assert ran >= 14


def test_shows_the_fields_of_what_a_webhook_gets() -> None:
    shown = [
        json.loads(block.text)
        for block in document("docs/integrator.md").blocks()
        if block.language == "json" and not block.is_answer
    ]
    values: dict[str, Any] = {each.name: "" for each in fields(Briefing)}
    values |= {"started_at": clock.now(), "due_at": clock.now(), "restricted": False}

    code, page = shown
    assert set(code) == {"kind", "code"}
    assert list(page) == list(payload(Briefing(**values)))
