"""The admin pages of escalation: who opens them, what they do, how many queries they need."""

import datetime

import pytest

from config import clock
from config.access.rules import Role
from config.due.worker import run_due
from config.organisation.models import User
from escalation.paging.models import Page
from escalation.policies.operations import use_policy
from escalation.responders.models import ContactMethod
from escalation.responders.operations import code_of
from escalation.rota.models import Override, Schedule
from escalation.rota.operations import add_override
from escalation.runs.models import EscalationRun
from tests.config import make as people
from tests.escalation import make
from tests.escalation.make import START
from tests.harness.kept import kept

BUDGET = 90
MODELS = (
    "contactmethod", "schedule", "layer", "override", "escalationpolicyversion", "policyuse",
    "escalationrun", "page",
)  # fmt: skip
ADDABLE = {"contactmethod", "schedule", "override", "escalationpolicyversion", "policyuse"}
# Everybody adds own addresses; who responds overrides; who manages does the rest.
MAY_ADD = {
    "root": ADDABLE,
    "alice": {"contactmethod", "override"},
    "carol": {"contactmethod"},
    "mallory": {"contactmethod", "override"},
}


@kept
def world(incident, payments, policy, alice, bob):
    """One row of everything, all of payments; the keys by model."""
    rota = make.schedule(payments, alice, bob, key="payments-primary")
    now = clock.now()
    override = add_override(
        rota, user=bob, start=now, end=now + datetime.timedelta(days=30), actor=alice
    )
    use = use_policy(policy.policy, team=payments, actor=people.system())
    run_due(START)
    return {
        "contactmethod": alice.contact_methods.get().pk,
        "schedule": rota.pk,
        "layer": rota.layers.get().pk,
        "override": override.pk,
        "escalationpolicyversion": policy.pk,
        "policyuse": use.pk,
        "escalationrun": EscalationRun.objects.get().pk,
        "page": Page.objects.get().pk,
    }


def address(model: str, tail: str = "") -> str:
    return f"/admin/escalation/{model}/{tail}"


@pytest.mark.parametrize("who", ["root", "alice", "carol", "mallory"])
@pytest.mark.parametrize("model", MODELS)
def test_opens_for_those_whom_it_concerns(
    request: pytest.FixtureRequest, world, model: str, who: str, django_assert_max_num_queries
) -> None:
    browser = people.browser(request.getfixturevalue(who))
    row = world[model]
    hidden = who == "mallory" or (who == "carol" and model == "contactmethod")
    expected = 404 if hidden and model != "escalationpolicyversion" else 200

    with django_assert_max_num_queries(BUDGET):
        assert browser.get(address(model)).status_code == 200
    with django_assert_max_num_queries(BUDGET):
        assert browser.get(address(model, f"{row}/change/")).status_code == expected
    if model != "page":
        assert browser.get(address(model, f"{row}/history/")).status_code == expected
    adding = browser.get(address(model, "add/")).status_code
    assert (adding == 200) == (model in MAY_ADD[who]), adding


@pytest.mark.parametrize("model", MODELS)
def test_needs_no_more_queries_for_a_longer_list(
    world, payments, alice, root: User, model: str, django_assert_max_num_queries
) -> None:
    browser = people.browser(root)
    browser.get(address(model))
    with django_assert_max_num_queries(BUDGET) as few:
        browser.get(address(model))

    for _ in range(3):
        make.schedule(payments, alice)
        make.contact(alice)
    run_due(START.replace(minute=30))
    with django_assert_max_num_queries(BUDGET) as many:
        browser.get(address(model))

    assert len(many) <= len(few)


def test_shows_who_is_on_call_and_the_gaps(world, payments, root: User) -> None:
    make.schedule(payments, key="empty")

    listed = people.browser(root).get(address("schedule")).content.decode()
    shown = people.browser(root).get(address("schedule", f"{world['schedule']}/change/"))

    assert "Bob Berg" in listed
    assert "Nobody" in listed
    page = shown.content.decode()
    assert "Bob Berg (override)" in page
    assert "Fewer than two verified contact methods: Alice Abel (1), Bob Berg (1)." in page


def test_makes_and_edits_a_schedule(world, payments, logistics, root: User) -> None:
    browser = people.browser(root)
    body = {
        "name": "Nights", "key": "nights", "team": payments.pk, "time_zone": "Europe/Berlin",
        "is_active": "on", "layers-TOTAL_FORMS": 0, "layers-INITIAL_FORMS": 0,
    }  # fmt: skip

    answer = browser.post(address("schedule", "add/"), body)

    assert answer.status_code == 302, answer.content.decode()
    made = Schedule.objects.get(key="nights")
    rotation = {
        "layers-TOTAL_FORMS": 1, "layers-0-name": "Primary", "layers-0-position": 1,
        "layers-0-starts_on": "2026-03-02", "layers-0-handoff": "09:00", "layers-0-days": 7,
        "layers-0-schedule": made.pk, "seen_revision": made.revision, "edit_reason": "x",
    }  # fmt: skip
    answer = browser.post(address("schedule", f"{made.pk}/change/"), {**body, **rotation})
    assert answer.status_code == 302, answer.content.decode()
    assert made.layers.get().days == 7


def test_says_that_a_time_zone_is_none(world, root: User) -> None:
    """What is ahead is shown beside the error: by the time zone that is stored."""
    url = address("schedule", f"{world['schedule']}/change/")

    answer = people.browser(root).post(url, {"name": "Primary", "time_zone": "Nowhere/Land"})

    assert answer.status_code == 200
    assert "time_zone" in answer.context["adminform"].form.errors


def test_refuses_a_schedule_for_another_team(world, payments, logistics, alice: User) -> None:
    people.role(Role.UNIT_ADMINISTRATOR, to=alice, on=logistics)
    body = {
        "name": "Nights", "key": "nights", "team": payments.pk, "time_zone": "UTC",
        "is_active": "on", "layers-TOTAL_FORMS": 0, "layers-INITIAL_FORMS": 0,
    }  # fmt: skip

    people.browser(alice).post(address("schedule", "add/"), body)

    assert not Schedule.objects.filter(key="nights").exists()


def test_adds_and_withdraws_an_override(world, bob: User, alice: User) -> None:
    browser = people.browser(alice)
    body = {
        "schedule": world["schedule"], "user": bob.pk, "reason": "swap",
        "span_0_0": "2030-12-24", "span_0_1": "00:00", "span_1_0": "2030-12-26",
        "span_1_1": "00:00",
    }  # fmt: skip

    answer = browser.post(address("override", "add/"), body)
    assert answer.status_code == 302, answer.content.decode()
    made = Override.objects.order_by("pk").last()
    assert made is not None
    assert made.span.lower.isoformat() == "2030-12-24T00:00:00+00:00"
    assert made.history.get().origin == "admin"
    open_end = browser.post(address("override", "add/"), {**body, "span_1_0": "", "span_1_1": ""})
    assert open_end.status_code == 200
    overlap = browser.post(address("override", "add/"), body)
    assert "Another override covers part of that time." in overlap.content.decode()
    assert Override.objects.count() == 2

    done = browser.post(address("override", f"{made.pk}/do/withdraw/"), {"reason": "no swap"})
    assert done.status_code == 302
    made.refresh_from_db()
    assert made.withdrawn_at is not None


def test_verifies_an_address(world, alice: User) -> None:
    browser = people.browser(alice)
    answer = browser.post(
        address("contactmethod", "add/"),
        {"channel": "mail", "address": "second@example.org", "position": 2},
    )
    assert answer.status_code == 302, answer.content.decode()
    made = ContactMethod.objects.get(address="second@example.org")
    page = address("contactmethod", f"{made.pk}/do/verify/")
    assert "wrong or too old" in browser.post(page, {"code": "x"}).content.decode()
    assert browser.post(page, {"code": code_of(made)}).status_code == 302
    made.refresh_from_db()
    assert (made.user, made.is_usable) == (alice, True)


def test_edits_the_tiers_of_a_draft(world, policy, root: User, bob: User) -> None:
    browser = people.browser(root)
    row = address("escalationpolicyversion", f"{policy.pk}/do/new_draft/")

    answer = browser.post(row)

    assert answer.status_code == 302
    draft = browser.get(answer["Location"])
    assert draft.status_code == 200
    shown = draft.content.decode()
    assert "tiers-0-target" in shown
    assert "Rounds" in shown


def test_changes_which_policy_is_used(world, policy, root: User, alice: User) -> None:
    other = make.policy([make.person_tier(alice)], key="shop")
    page = address("policyuse", f"{world['policyuse']}/change/")
    shown = people.browser(root).get(page)
    use = shown.context["original"]

    answer = people.browser(root).post(
        page, {"policy": other.policy_id, "seen_revision": use.revision, "edit_reason": "better"}
    )

    assert answer.status_code == 302, answer.content.decode()
    use.refresh_from_db()
    assert use.policy == other.policy
    assert use.history.first().history_change_reason == "better"
