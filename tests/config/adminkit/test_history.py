"""The history page: each field, old and new, with who, why and from where."""

import pytest
from django.urls import reverse

from config.organisation import operations
from config.organisation.models import Team, User
from incidents.lifecycle.operations import acknowledge, investigate
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db


def test_shows_old_and_new_of_each_field(root: User, payments: Team):
    operations.edit_team(
        payments, changes={"name": "Refunds", "description": "All"}, actor=root, reason="split"
    )

    page = make.browser(root).get(reverse("admin:config_team_history", args=(payments.pk,)))

    newest = page.context["page_obj"][0]
    assert [(row["field"], row["old"], row["new"]) for row in newest.history_delta_changes] == [
        ("Description", "", "All"),
        ("Name", "Payments", "Refunds"),
    ]
    text = page.content.decode()
    assert "Reason: split" in text
    assert "(System)" in text
    assert "Revert" not in text


def test_shows_what_operations_set_as_the_page_says_it(root: User, payments: Team):
    service = make_incidents.service(team=payments)
    incident = make_incidents.incident(service=service)
    acknowledge(incident, actor=root)
    investigate(incident, actor=root)

    page = make.browser(root).get(reverse("admin:incidents_incident_history", args=(incident.pk,)))

    newest, before, _ = page.context["page_obj"]
    told = [(row["field"], row["old"], row["new"]) for row in newest.history_delta_changes]
    assert ("State", "New", "Investigating") in told
    by_name = {row["field"]: row["new"] for row in before.history_delta_changes}
    assert by_name["Acknowledged by"] == str(root)
    assert by_name["Acknowledged at"].endswith(" UTC")


def test_offers_no_history_for_what_keeps_none(root: User):
    answer = make.browser(root).get(reverse("admin:config_ledgerentry_history", args=(1,)))

    assert answer.status_code == 404
