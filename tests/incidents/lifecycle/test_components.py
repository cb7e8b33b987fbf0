"""Partial restoration: components, what keeps an incident from being resolved, and its rest."""

import datetime
from typing import Any

import pytest

from config import clock
from config.due.worker import run_due
from config.errors import Blocked, Invalid, Refused
from config.events import operations as events
from config.events.models import Event
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import AffectedComponent, Incident, IncidentLink
from incidents.lifecycle.operations import (
    close,
    edit,
    reopen,
    resolve,
    set_component,
    split_off,
)
from tests.config import make as people
from tests.incidents import make
from tests.incidents.alerts import make as make_alerts

MINUTE = datetime.timedelta(minutes=1)


def address(incident: Incident, name: str) -> str:
    return f"/api/v1/incidents/{incident.reference}/{name}/"


def page_of(incident: Incident) -> str:
    return f"/admin/incidents/incident/{incident.pk}/change/"


def form_of(incident: Incident, name: str) -> str:
    return f"/admin/incidents/incident/{incident.pk}/do/{name}/"


def test_keeps_a_state_for_each_component(incident: Incident, bob: User) -> None:
    client = people.api(bob)

    for name, state in (("Search", "down"), ("Basket", "degraded"), ("search ", "degraded")):
        answer = client.post(address(incident, "components"), {"name": name, "state": state})
        assert answer.status_code == 201, answer.json()

    listed = client.get(address(incident, "components")).json()["results"]
    assert {each["name"]: each["state"] for each in listed} == {
        "Search": "degraded",
        "Basket": "degraded",
    }
    changes = Event.objects.filter(kind="incident.component_changed").order_by("id")
    assert [(each.data["from"], each.data["to"]) for each in changes] == [
        (None, "down"),
        (None, "degraded"),
        ("down", "degraded"),
    ]
    assert AffectedComponent.objects.get(name="Search").history.count() == 2


def test_records_nothing_where_the_state_is_the_same(incident: Incident, bob: User) -> None:
    first = set_component(incident, actor=bob, name="Search", state="down")

    assert set_component(incident, actor=bob, name="SEARCH", state="down") == first
    assert Event.objects.filter(kind="incident.component_changed").count() == 1


def test_is_not_resolved_while_a_component_is_degraded_at_the_api(
    incident: Incident, bob: User
) -> None:
    client = people.api(bob)
    set_component(incident, actor=bob, name="Search", state="restored")
    set_component(incident, actor=bob, name="Basket", state="degraded")

    shown = client.get(f"/api/v1/incidents/{incident.reference}/").json()
    refused = client.post(address(incident, "resolve"), {})

    assert [each["code"] for each in shown["blockers"]] == ["component_unrestored"]
    assert (refused.status_code, refused.json()["code"]) == (409, "blocked")
    assert "Basket of Checkout is degraded" in refused.json()["blockers"][0]["text"]
    assert Incident.objects.get().state == "new"
    client.post(address(incident, "components"), {"name": "Basket", "state": "restored"})

    assert client.post(address(incident, "resolve"), {}).status_code == 200


def test_is_not_resolved_while_a_component_is_degraded_in_the_admin(
    incident: Incident, bob: User
) -> None:
    browser = people.browser(bob)
    values = {"name": "Basket", "state": "degraded"}
    assert browser.post(form_of(incident, "set_component"), values).status_code == 302

    page = browser.get(f"/admin/incidents/incident/{incident.pk}/change/").content.decode()
    refused = browser.post(form_of(incident, "resolve"), {"note": ""})

    assert "Components (1)" in page
    assert "Basket of Checkout is degraded" in refused.content.decode()
    assert Incident.objects.get().state == "new"


def test_is_resolved_once_the_rest_goes_on_with_an_owner(
    incident: Incident, bob: User, alice: User
) -> None:
    set_component(incident, actor=bob, name="Search", state="restored")
    set_component(incident, actor=bob, name="Basket", state="degraded")

    answer = people.api(bob).post(
        address(incident, "split-off"), {"owner": "alice", "reason": "A part is on its way."}
    )

    assert answer.status_code == 201, answer.json()
    rest = Incident.objects.get(reference=answer.json()["reference"])
    assert rest.title == "Checkout is slow: rest (Basket)"
    assert (rest.service, rest.severity, rest.state) == (incident.service, "SEV2", "new")
    assert rest.components.get().state == "degraded"
    link = IncidentLink.objects.get()
    assert (link.incident, link.other, link.owner, link.linked_by) == (incident, rest, alice, bob)
    moved = incident.components.get(name="Basket")
    assert (moved.state, moved.link) == ("split_off", link)
    with pytest.raises(Refused) as refusal:
        set_component(incident, actor=bob, name="Basket", state="restored")
    assert refusal.value.public_code == "component_split_off"

    resolve(incident, actor=bob)

    with pytest.raises(Blocked):
        resolve(rest, actor=bob)
    listed = people.api(bob).get(address(rest, "links")).json()["results"]
    assert [(each["incident"], each["other"], each["owner"]) for each in listed] == [
        (incident.reference, rest.reference, "alice")
    ]


def test_splits_the_rest_off_in_the_admin(incident: Incident, bob: User, alice: User) -> None:
    browser = people.browser(bob)
    assert "/do/split_off/" not in browser.get(page_of(incident)).content.decode()
    set_component(incident, actor=bob, name="Basket", state="down")
    assert "/do/split_off/" in browser.get(page_of(incident)).content.decode()

    done = browser.post(
        form_of(incident, "split_off"), {"owner": alice.pk, "reason": "Later.", "title": ""}
    )

    assert done.status_code == 302, done.content.decode()
    link = IncidentLink.objects.get()
    assert link.owner == alice
    assert f"{link.other.reference}</a>, owner Alice Abel" in (
        browser.get(page_of(incident)).content.decode()
    )


def test_keeps_the_rest_of_a_restricted_incident_restricted(
    incident: Incident, bob: User, alice: User, carol: User
) -> None:
    edit(incident, actor=alice, changes={"is_restricted": True})
    set_component(incident, actor=alice, name="Basket", state="down")

    rest = split_off(incident, actor=alice, owner=alice, reason="Later.")

    assert rest.is_restricted
    assert not Incident.objects.visible_to(bob).exists()
    assert set(Incident.objects.visible_to(alice)) == {incident, rest}
    for one, other in ((incident, rest), (rest, incident)):
        assert other.reference not in "".join(one.timeline.values_list("text", flat=True))


def test_hides_the_other_end_from_who_does_not_see_it(
    incident: Incident, bob: User, alice: User
) -> None:
    set_component(incident, actor=bob, name="Basket", state="down")
    rest = split_off(incident, actor=bob, owner=alice, reason="Later.")
    edit(rest, actor=alice, changes={"is_restricted": True})

    listed = people.api(bob).get(address(incident, "links")).json()["results"]
    page = people.browser(bob).get(page_of(incident)).content.decode()

    assert [each["other"] for each in listed] == [None]
    assert f"{rest.pk}/change/" not in page


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 121}),
        ("state", {"state": "split_off"}),
        ("at", {"at": datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC)}),
    ],
)
def test_names_the_field_of_a_component_that_is_wrong(
    incident: Incident, bob: User, field: str, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refusal:
        set_component(incident, actor=bob, **{"name": "Search", "state": "down", **wrong})

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("reason", {"reason": " "}),
        ("owner", {"owner": "mallory"}),
        ("owner", {"owner": "carol"}),
        ("components", {"components": [0]}),
    ],
)
def test_names_what_is_wrong_about_a_rest(
    request: pytest.FixtureRequest, incident: Incident, bob: User, field: str, wrong: Any
) -> None:
    set_component(incident, actor=bob, name="Basket", state="down")
    values = {"owner": "bob", "reason": "Later.", **wrong}
    values["owner"] = request.getfixturevalue(values["owner"])

    with pytest.raises(Invalid) as refusal:
        split_off(incident, actor=bob, **values)

    assert refusal.value.field == field
    assert Incident.objects.count() == 1


def test_leaves_no_component_to_who_ended_it(incident: Incident, bob: User) -> None:
    resolve(incident, actor=bob)

    with pytest.raises(Refused) as refusal:
        set_component(incident, actor=bob, name="Search", state="down")

    assert refusal.value.public_code == "incident_over"


def test_waits_for_a_person_where_alerts_clear_too_early(checkout: Service, bob: User) -> None:
    source = make_alerts.source(service=checkout)
    make_alerts.received(source, make_alerts.firing(level="info"))
    incident = make_alerts.only_incident()
    set_component(incident, actor=bob, name="Basket", state="down")

    with clock.simulated(clock.now() + MINUTE):
        make_alerts.received(source, make_alerts.resolved())
        run_due(clock.now() + 5 * MINUTE)

    stored = make_alerts.only_incident()
    assert stored.state == "monitoring"
    assert "Basket" in make.last_line(stored).text


@pytest.mark.usefixtures("no_guards")
def test_goes_on_after_reopening_as_if_its_clock_had_never_stopped(
    checkout: Service, alice: User
) -> None:
    began = clock.now() - 3 * datetime.timedelta(hours=1)
    with clock.simulated(began):
        incident = make.incident(service=checkout, actor=alice, started_at=began - MINUTE)
    with clock.simulated(began + 30 * MINUTE):
        resolve(incident, actor=alice)
    with clock.simulated(began + 40 * MINUTE):
        close(incident, actor=alice)
    reopen(incident, actor=alice, reason="It is back.")

    stored = Incident.objects.get()
    assert (stored.started_at, stored.reported_at) == (began - MINUTE, began)
    assert (stored.resolved_at, stored.closed_at, stored.restored_at) == (None, None, None)
    assert (stored.reopened_count, stored.state) == (1, "investigating")
    assert Event.objects.get(kind="incident.reopened").data["from"] == "closed"


def test_asks_again_for_components_that_fail_after_reopening(
    incident: Incident, alice: User, bob: User
) -> None:
    set_component(incident, actor=bob, name="Basket", state="restored")
    resolve(incident, actor=bob)
    reopen(incident, actor=alice, reason="It is back.")
    set_component(incident, actor=bob, name="Basket", state="degraded")

    with pytest.raises(Blocked):
        resolve(incident, actor=bob)
    assert [each.code for each in events.blockers("incident.resolve", incident)] == [
        "component_unrestored"
    ]
