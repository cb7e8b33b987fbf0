"""What incidents teach about the catalogue, decided by the owners of its items."""

import pytest

from config.access.rules import Role
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.cmdb.models import UpdateProposal
from incidents.cmdb.operations import accept, propose_update
from incidents.components.models import Component, Dependency
from incidents.lifecycle.models import Incident
from tests.config import make as people
from tests.incidents import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/cmdb-proposals/"


@pytest.fixture
def dora(payments: Team) -> User:
    person = people.user("dora")
    people.role(Role.SERVICE_OWNER, to=person, on=payments)
    return person


@pytest.fixture
def ledger(payments: Team) -> Component:
    return make.component("ledger", team=payments, name="Ledger")


def body(incident: Incident, **fields: object) -> dict[str, object]:
    return {
        "incident": incident.reference,
        "kind": "new_dependency",
        "item_service": "checkout",
        "target_component": "ledger",
        "strength": "hard",
        "note": "Checkout fell with the ledger.",
        **fields,
    }


@pytest.mark.check("INC-02.2")
def test_becomes_an_edge_once_the_owner_accepts_and_never_by_its_proposer(
    incident: Incident, ledger: Component, checkout: Service, dora: User
) -> None:
    owner = people.user("olga")
    people.role(Role.SERVICE_OWNER, to=owner, on=checkout.team)

    made = people.api(dora).post(URL, body(incident))
    row = f"{URL}{made.data['id']}/"
    own = people.api(dora).post(f"{row}accept/")
    page = people.browser(dora).post(
        f"/admin/incidents/updateproposal/{made.data['id']}/do/accept/", {"note": ""}
    )
    assert (made.status_code, own.status_code, own.data["code"]) == (201, 409, "proposal_own")
    assert page.status_code == 200
    assert not Dependency.objects.exists()

    accepted = people.api(owner).post(f"{row}accept/", {"note": "Right"})

    assert (accepted.status_code, accepted.data["state"]) == (200, "accepted")
    edge = Dependency.objects.get()
    assert (edge.source, edge.target, edge.strength) == (checkout, ledger, "hard")
    history = edge.history.get()
    assert incident.reference in history.history_change_reason
    assert history.history_user == owner


def test_is_refused_to_a_superuser_who_proposed_it(
    incident: Incident, ledger: Component, root: User
) -> None:
    made = propose_update(incident, actor=root, kind="retired", item=ledger, note="Gone")

    answer = people.api(root).post(f"{URL}{made.pk}/accept/")

    assert (answer.status_code, answer.data["code"]) == (409, "proposal_own")


def test_hands_an_item_over_or_retires_it(
    incident: Incident, ledger: Component, bob: User, dora: User, logistics: Team
) -> None:
    people.role(Role.SERVICE_OWNER, to=dora, on=logistics)
    for kind, fields in (("wrong_owner", {"new_team": logistics}), ("retired", {})):
        made = propose_update(incident, actor=bob, kind=kind, item=ledger, note="As seen", **fields)
        accept(made, actor=dora)
        ledger.refresh_from_db()

    assert (ledger.team, ledger.status) == (logistics, "retired")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"target_component": None}, "proposal_names_dependency"),
        ({"strength": ""}, "proposal_names_dependency"),
        ({"kind": "wrong_owner"}, "proposal_names_owner"),
        ({"item_service": None}, "invalid"),
        ({"item_component": "ledger"}, "invalid"),
        ({"note": ""}, "invalid"),
    ],
)
def test_needs_what_its_kind_is_about(
    incident: Incident, ledger: Component, bob: User, wrong: dict, code: str
) -> None:
    answer = people.api(bob).post(URL, body(incident, **wrong))

    assert answer.status_code in (400, 409), answer.data
    assert code in {answer.data["code"], *(each["code"] for each in answer.data["errors"])}
    assert not UpdateProposal.objects.exists()


def test_is_rejected_with_a_reason(
    incident: Incident, ledger: Component, bob: User, dora: User
) -> None:
    made = propose_update(incident, actor=bob, kind="retired", item=ledger, note="Gone")
    client = people.api(dora)

    assert client.post(f"{URL}{made.pk}/reject/").status_code == 400
    assert client.post(f"{URL}{made.pk}/reject/", {"note": "It lives"}).status_code == 200
    again = client.post(f"{URL}{made.pk}/accept/")

    assert (again.status_code, again.data["code"]) == (409, "proposal_decided")
    assert Component.objects.get().status == "live"
    assert Event.objects.filter(kind="cmdb.rejected", reason="It lives").exists()


def test_is_made_and_decided_in_the_admin(
    incident: Incident, ledger: Component, bob: User, dora: User
) -> None:
    form = {
        "incident": incident.pk, "kind": "retired", "item_service": "", "note": "Gone",
        "item_component": ledger.pk, "target_service": "", "target_component": "",
        "strength": "", "new_team": "",
    }  # fmt: skip

    made = people.browser(bob).post("/admin/incidents/updateproposal/add/", form)
    assert made.status_code == 302, made.context["adminform"].form.errors
    proposal = UpdateProposal.objects.get()
    done = people.browser(dora).post(
        f"/admin/incidents/updateproposal/{proposal.pk}/do/accept/", {"note": ""}
    )

    assert done.status_code == 302
    assert Component.objects.get().status == "retired"


def test_names_no_restricted_incident_where_others_read(
    checkout: Service, ledger: Component, bob: User, dora: User
) -> None:
    secret = make.incident(service=checkout, actor=bob, is_restricted=True)
    made = propose_update(secret, actor=bob, kind="retired", item=ledger, note="Gone")
    assert not UpdateProposal.objects.visible_to(dora).exists()

    accept(made, actor=dora)

    assert secret.reference not in ledger.history.first().history_change_reason


def test_is_open_to_who_works_on_the_incident(
    incident: Incident, ledger: Component, bob: User, carol: User, mallory: User
) -> None:
    for person, status in ((carol, 403), (mallory, 400), (bob, 201)):
        answer = people.api(person).post(URL, body(incident))
        assert answer.status_code == status
    assert people.api(mallory).get(URL).data["results"] == []
