"""Break-glass: opens at once, ends by itself, and stays a finding until it is reviewed."""

import datetime

import pytest
from rest_framework.test import APIClient

from config import clock
from config.access.rules import Role
from config.breakglass.models import BreakGlass
from config.due.models import OutboundMessage
from config.due.operations import outbound_purpose
from config.due.worker import run_due
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
URL = "/api/v1/break-glass/"
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def lena(db: None) -> User:
    person = make.user("lena", name="Lena Vogt")
    make.role(Role.COMPLIANCE_OFFICER, to=person)
    return person


@pytest.fixture
def owner(payments: Team) -> User:
    person = make.user("olga", name="Olga Owner")
    make.role(Role.SERVICE_OWNER, to=person, on=payments)
    return person


@pytest.fixture
def secret(alice: User, checkout: Service) -> Incident:
    """Of payments, where bob responds; alice alone is in it."""
    return make_incidents.incident("Leak", service=checkout, actor=alice, is_restricted=True)


def opened(client: APIClient, secret: Incident) -> int:
    answer = client.post(URL, {"record": secret.reference, "reason": "Customers are cut off"})
    assert answer.status_code == 201
    return int(answer.json()["id"])


def findings(reader: User) -> list[int]:
    rows = make.api(reader).get(f"{URL}?open_finding=true").json()["results"]
    return [row["id"] for row in rows]


@pytest.mark.check("CMP-03.3")
def test_opens_at_once_and_ends_by_itself(secret: Incident, bob: User, lena: User) -> None:
    client, page = make.api(bob), f"/api/v1/incidents/{secret.reference}/"
    before = client.get(page).status_code
    pk = opened(client, secret)
    during = client.get(page).status_code
    with clock.simulated(clock.now() + HOUR):
        unswept = client.get(page).status_code  # no worker has run
        run_due(clock.now())
        after = client.get(page).status_code

    row = BreakGlass.objects.get(pk=pk)
    assert (before, during, unswept, after) == (404, 200, 404, 404)
    assert row.ended_at == row.until
    assert row.until - row.opened_at == HOUR
    assert Event.objects.filter(kind="breakglass.ended", subject_id=pk).exists()
    assert findings(lena) == [pk]


@pytest.mark.check("CMP-03.3")
def test_stays_a_finding_until_somebody_else_has_reviewed_it(
    secret: Incident, bob: User, lena: User
) -> None:
    pk = opened(make.api(bob), secret)
    review, body = f"{URL}{pk}/review/", {"outcome": "justified", "finding": "It was needed"}
    compliance = make.api(lena)
    too_early = compliance.post(review, body)
    ended = make.api(bob).post(f"{URL}{pk}/end/", {})
    make.role(Role.COMPLIANCE_OFFICER, to=bob)
    own = make.api(bob).post(review, body)
    before = findings(lena)

    done = compliance.post(review, body)
    again = compliance.post(review, body)

    assert (too_early.status_code, too_early.json()["code"]) == (409, "breakglass_running")
    assert (ended.status_code, own.status_code, own.json()["code"]) == (200, 409, "four_eyes")
    assert (before, findings(lena)) == ([pk], [])
    assert (done.status_code, again.json()["code"]) == (200, "breakglass_reviewed")
    row = BreakGlass.objects.get(pk=pk)
    assert (row.outcome, row.reviewed_by) == ("justified", lena)


@pytest.mark.check("CMP-03.3")
def test_tells_owner_and_compliance_at_once(
    secret: Incident, bob: User, lena: User, owner: User
) -> None:
    opened(make.api(bob), secret)

    rows = OutboundMessage.objects.filter(purpose="breakglass.opened")
    assert {row.address for row in rows} == {owner.email, lena.email}
    registration = outbound_purpose("breakglass.opened")
    assert registration is not None
    mail = registration.prepare(rows[0])
    assert secret.reference in mail.subject  # type: ignore[union-attr]  # it is sent
    assert "Leak" not in mail.text  # type: ignore[union-attr]  # it is sent


def test_writes_on_the_timeline_of_the_incident(secret: Incident, bob: User) -> None:
    opened(make.api(bob), secret)

    line = secret.timeline.get(event__kind="incident.glass_broken")
    assert "Bob Berg" in line.text
    assert line.event.reason == "Customers are cut off"


def test_finds_nothing_out_for_strangers(
    secret: Incident, checkout: Service, mallory: User, bob: User
) -> None:
    open_one = make_incidents.incident(service=checkout)
    client = make.api(mallory)
    answers = [
        client.post(URL, {"record": name, "reason": "x"})
        for name in (secret.reference, "INC-999999", open_one.reference)
    ]

    bodies = [{**each.json(), "request_id": ""} for each in answers]
    assert [each.status_code for each in answers] == [400, 400, 400]
    assert bodies[0]["errors"] == bodies[1]["errors"] == bodies[2]["errors"]
    not_needed = make.api(bob).post(URL, {"record": open_one.reference, "reason": "x"})
    assert not_needed.json()["code"] == "breakglass_not_needed"
    assert not BreakGlass.objects.exists()


def test_reminds_compliance_when_the_review_is_late(
    secret: Incident, bob: User, lena: User
) -> None:
    pk = opened(make.api(bob), secret)
    for hours in (1, 25):
        with clock.simulated(clock.now() + hours * HOUR):
            run_due(clock.now())

    assert Event.objects.filter(kind="breakglass.review_overdue", subject_id=pk).count() == 1
    late = OutboundMessage.objects.filter(purpose="breakglass.review_overdue")
    assert [row.address for row in late] == [lena.email]


def test_works_in_the_admin(secret: Incident, bob: User, lena: User) -> None:
    client = make.browser(bob)

    client.post("/admin/config/breakglass/add/", {"record": secret.reference, "reason": "Now"})
    wrong = client.post("/admin/config/breakglass/add/", {"record": "INC-9", "reason": "Now"})

    row = BreakGlass.objects.get()
    assert (row.person, row.record_name) == (bob, secret.reference)
    assert "no restricted record" in wrong.content.decode()
    assert client.get(f"/admin/incidents/incident/{secret.pk}/change/").status_code == 200
    home = make.browser(lena).get("/admin/").content.decode()
    assert f"{secret.reference}, opened by Bob Berg" in home
    assert make.browser(lena).get(
        f"/admin/incidents/incident/{secret.pk}/change/"
    ).status_code == 404  # fmt: skip
