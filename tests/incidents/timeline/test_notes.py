"""Lines that people write."""

import datetime

import pytest

from config import clock
from config.errors import Invalid, Refused
from config.organisation.models import User
from config.origin import Origin, acting
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import State
from incidents.timeline.models import EntryKind, TimelineEntry
from incidents.timeline.operations import NOTE_KINDS, add_note
from incidents.timeline.rules import html
from tests.config import make as people
from tests.incidents import make

MINUTE = datetime.timedelta(minutes=1)


@pytest.mark.usefixtures("no_guards")
@pytest.mark.parametrize("state", State)
def test_is_added_in_every_state(checkout, bob: User, state: str) -> None:
    incident = make.incident_in(state, service=checkout)

    line = add_note(incident, actor=bob, text=" Queue is full. ", kind="observation")

    assert (line.text, line.actor, line.kind) == ("Queue is full.", bob, "observation")
    assert make.last_line(incident).event.kind == "timeline.noted"
    assert Incident.objects.get().revision == incident.revision


@pytest.mark.parametrize("kind", NOTE_KINDS)
def test_can_be_of_any_kind_but_the_systems(incident: Incident, bob: User, kind: str) -> None:
    assert add_note(incident, actor=bob, text="x", kind=kind).kind == kind


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("text", {"text": "  "}),
        ("text", {"text": "x" * 20_001}),
        ("kind", {"kind": "system"}),
        ("kind", {"kind": "gossip"}),
        ("at", {"at": datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)}),
    ],
)
def test_names_the_field_that_is_wrong(incident, bob, field: str, wrong) -> None:
    with pytest.raises(Invalid) as refusal:
        add_note(incident, actor=bob, **{"text": "x", "kind": "action", **wrong})

    assert refusal.value.field == field
    assert incident.timeline.count() == 1


@pytest.mark.check("INC-26.1")
def test_sorts_by_the_time_of_the_event_and_is_marked_late(incident, bob: User) -> None:
    client = people.api(bob)
    url = f"/api/v1/incidents/{incident.reference}/timeline/"
    earlier = clock.now() - 6 * MINUTE
    client.post(url, {"kind": "action", "text": "Now."})

    answer = client.post(url, {"kind": "action", "text": "Earlier.", "at": earlier.isoformat()})

    assert (answer.status_code, answer.data["late"], answer.data["origin"]) == (201, True, "api")
    lines = client.get(url).data["results"]
    assert [line["text"].split()[0] for line in lines] == ["Earlier.", "Opened", "Now."]
    assert [line["late"] for line in lines] == [True, False, False]
    assert TimelineEntry.objects.get(text="Earlier.").at == earlier
    page = people.browser(bob).get(f"/admin/incidents/incident/{incident.pk}/change/")
    assert page.content.decode().count("recorded late") == 1


@pytest.mark.parametrize(("age", "late"), [(5 * MINUTE, False), (5.1 * MINUTE, True)])
def test_is_late_after_five_minutes(incident, bob, age, late: bool) -> None:
    now = clock.now()
    with clock.simulated(now):
        line = add_note(incident, actor=bob, text="x", at=now - age)

    assert TimelineEntry.objects.get(pk=line.pk).is_late is late


def test_is_never_late_when_imported(incident, bob) -> None:
    with acting(Origin.IMPORT):
        line = add_note(incident, actor=bob, text="x", at=clock.now() - 60 * MINUTE)

    assert not line.is_late


def test_corrects_a_line_that_stays(incident: Incident, bob: User, alice: User) -> None:
    line = add_note(incident, actor=bob, text="Restarted db-1.", kind="action")

    correction = add_note(
        incident, actor=alice, text="Restarted db-2.", kind="action", supersedes=line
    )

    assert incident.timeline.get(pk=line.pk).text == "Restarted db-1."
    assert incident.timeline.get(pk=line.pk).superseded_by == correction
    assert make.last_line(incident).event.kind == "timeline.corrected"


def test_is_corrected_once(incident: Incident, bob: User) -> None:
    line = add_note(incident, actor=bob, text="x")
    add_note(incident, actor=bob, text="y", supersedes=line)

    with pytest.raises(Refused) as refusal:
        add_note(incident, actor=bob, text="z", supersedes=line)

    assert refusal.value.public_code == "timeline_superseded"
    assert incident.timeline.count() == 3


def test_corrects_no_line_of_another_incident(incident, checkout, bob: User) -> None:
    line = add_note(make.incident(service=checkout), actor=bob, text="x")

    with pytest.raises(Invalid) as refusal:
        add_note(incident, actor=bob, text="y", supersedes=line)
    answer = people.api(bob).post(
        f"/api/v1/incidents/{incident.reference}/timeline/", {"text": "y", "supersedes": line.pk}
    )

    assert refusal.value.field == "supersedes"
    assert (answer.status_code, answer.data["errors"][0]["pointer"]) == (400, "#/supersedes")


def test_corrects_no_line_of_the_system(incident: Incident, bob: User) -> None:
    line = incident.timeline.get(kind=EntryKind.SYSTEM)

    with pytest.raises(Invalid) as refusal:
        add_note(incident, actor=bob, text="y", supersedes=line)

    assert refusal.value.field == "supersedes"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**loud**", "<p><strong>loud</strong></p>\n"),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("<img src=x onerror=alert(1)>", "&lt;img"),
        ("[x](javascript:alert(1))", "[x](javascript"),
        ("![x](https://tracker.example/1.png)", "<p></p>"),
        ("[x](https://example.org)", 'href="https://example.org"'),
        ("a | b\n--|--\n1 | 2", "<table>"),
    ],
)
def test_is_shown_without_markup_of_its_author(text: str, shown: str) -> None:
    rendered = html(text)

    assert shown in rendered
    for banned in ("<script", "<img", 'href="javascript', "onerror=alert(1)>x"):
        assert banned not in rendered
