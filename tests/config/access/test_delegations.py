"""Standing in: rights only while it is said, 'X for Y' in the records, one person to four eyes."""

import datetime
from typing import Any

import pytest

from config import clock
from config.access.delegations import delegate
from config.access.models import Delegation
from config.access.rules import Role
from config.access.separation import Segregated
from config.due.worker import run_due
from config.duties.operations import seed_matrix
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
URL = "/api/v1/delegations/"


@pytest.fixture
def delegation(alice: User, mallory: User, checkout: Service) -> Delegation:
    """mallory stands in for alice until tomorrow."""
    return delegate(delegate=mallory, until=clock.now() + DAY, reason="on leave", actor=alice)


def test_gives_the_others_rights_only_while_it_is_said(
    delegation: Delegation, mallory: User, checkout: Service
) -> None:
    incident = make_incidents.incident(service=checkout)
    client, path = make.api(mallory), f"/api/v1/incidents/{incident.reference}/"
    said: Any = {"HTTP_X_WATCHBILL_ACTING_FOR": "alice"}

    silent = client.get(path)
    shown = client.get(path, **said)
    done = client.post(f"{path}acknowledge/", {}, **said)
    other = client.get(path, HTTP_X_WATCHBILL_ACTING_FOR="bob")

    assert [each.status_code for each in (silent, shown, done, other)] == [404, 200, 200, 403]
    event = Event.objects.get(kind="incident.acknowledged")
    assert (event.actor, event.data["for"]) == (mallory, "alice")
    line = incident.timeline.get(event=event)
    assert line.source == "for Alice Abel"
    change = incident.history.first()
    assert change.history_change_reason.endswith("(for Alice Abel)")


def test_ends_by_itself_and_says_so(
    delegation: Delegation, mallory: User, checkout: Service
) -> None:
    client = make.api(mallory)
    with clock.simulated(clock.now() + DAY):
        run_due(clock.now())
        answer = client.get("/api/v1/incidents/", HTTP_X_WATCHBILL_ACTING_FOR="alice")

    assert (answer.status_code, answer.json()["code"]) == (403, "delegation_missing")
    assert Event.objects.filter(kind="delegation.ended").count() == 1


def test_never_lets_in_to_what_needs_a_grant(
    delegation: Delegation, alice: User, mallory: User, checkout: Service
) -> None:
    secret = make_incidents.incident(service=checkout, actor=alice, is_restricted=True)

    answer = make.api(mallory).get(
        f"/api/v1/incidents/{secret.reference}/", HTTP_X_WATCHBILL_ACTING_FOR="alice"
    )

    assert make.api(alice).get(f"/api/v1/incidents/{secret.reference}/").status_code == 200
    assert answer.status_code == 404


def test_acts_in_the_admin_until_stopped(
    delegation: Delegation, mallory: User, checkout: Service
) -> None:
    incident = make_incidents.incident(service=checkout)
    client = make.browser(mallory)
    page = f"/admin/incidents/incident/{incident.pk}/change/"
    do = f"/admin/config/delegation/{delegation.pk}/do"

    before = client.get(page).status_code
    client.post(f"{do}/act/")
    during = client.get(page)
    client.post(f"{do}/stop/")
    after = client.get(page).status_code

    assert (before, during.status_code, after) == (404, 200, 404)
    assert "You act for Alice Abel" in during.content.decode()


def test_is_given_by_oneself_or_an_administrator(
    alice: User, bob: User, mallory: User, root: User
) -> None:
    body = {"delegate": "bob", "until": (clock.now() + DAY).isoformat(), "reason": "leave"}

    own = make.api(alice).post(URL, body)
    by_delegate = make.api(bob).post(URL, {**body, "principal": "alice"})
    by_root = make.api(root).post(URL, {**body, "principal": "alice", "delegate": "mallory"})
    unseen = make.api(mallory).get(f"{URL}{own.json()['id']}/")

    assert [r.status_code for r in (own, by_delegate, by_root, unseen)] == [201, 403, 201, 404]
    assert Delegation.objects.count() == 2


def test_refuses_a_delegate_who_would_hold_what_is_kept_apart(
    alice: User, bob: User, payments: Team
) -> None:
    seed_matrix(make.system())
    make.role(Role.POLICY_AUTHOR, to=alice)
    make.role(Role.POLICY_APPROVER, to=bob)

    with pytest.raises(Segregated):
        delegate(delegate=bob, until=clock.now() + DAY, reason="leave", actor=alice)
    assert not Delegation.objects.exists()
