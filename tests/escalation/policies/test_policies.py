"""Escalation policies: which one holds, whom it means, and when it may be activated."""

import datetime
from typing import Any

import pytest

from config import clock
from config.access.rules import Role
from config.due.models import Channel, OutboundMessage
from config.errors import Invalid
from config.governance.models import Policy, VersionState
from config.governance.seeding import seed_setting_policies
from config.organisation.models import User
from escalation.paging.models import Page
from escalation.policies import operations
from escalation.policies.models import EscalationPolicyVersion, PolicyUse, Target
from escalation.policies.operations import Situation, targets_of, use_policy
from incidents.catalog.models import Service
from tests.config import make as people
from tests.escalation import make
from tests.escalation.make import START

URL = "/api/v1/escalation-policies/"
USES = "/api/v1/escalation-policy-uses/"


def situation(service: Service, severity: str = "SEV2") -> Situation:
    return Situation.at(service, severity)


def tiers(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"line": f"t{n}", "position": n, **row} for n, row in enumerate(rows, start=1)]


@pytest.fixture
def author(db) -> User:
    person = people.user("anna")
    people.role(Role.POLICY_AUTHOR, to=person)
    return person


@pytest.fixture
def approver(db) -> User:
    paul, petra = people.user("paul"), people.user("petra")
    for person in (paul, petra):
        people.role(Role.POLICY_APPROVER, to=person)
    return paul


def approved(author: User, approver: User, rows: list[dict[str, Any]], key: str = "shop") -> str:
    """The address of an approved version with these tiers."""
    body = {"key": key, "title": "Shop", "change_reason": "New", "tiers": rows}
    made = people.api(author).post(URL, body)
    assert made.status_code == 201, made.data
    row = f"{URL}{made.data['id']}/"
    assert people.api(author).post(f"{row}submit/").status_code == 200
    read = people.api(approver).get(f"{row}review/").data
    answer = people.api(approver).post(f"{row}approve/", {"content_hash": read["content_hash"]})
    assert answer.status_code == 200, answer.data
    return row


@pytest.mark.check("ESC-04.1")
@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([{"target": "team_leads"}], ["escalation_no_expertise", "escalation_no_fallback"]),
        ([{"target": "team_leads"}, {"target": "role", "role": "duty_manager"}],
         ["escalation_no_expertise"]),
        ([{"target": "team_on_call"}, {"target": "team_leads"}], ["escalation_no_fallback"]),
        ([], ["escalation_no_tiers"]),
    ],
)  # fmt: skip
def test_is_not_activated_without_expertise_or_fallback(
    author: User, approver: User, rows, codes: list[str]
) -> None:
    row = approved(author, approver, tiers(*rows))

    answer = people.api(author).post(f"{row}activate/")

    assert (answer.status_code, answer.data["code"]) == (409, "blocked")
    assert [each["code"] for each in answer.data["blockers"]] == codes
    assert EscalationPolicyVersion.objects.get().state == VersionState.APPROVED


def test_is_activated_when_it_is_complete(author: User, approver: User) -> None:
    rows = tiers({"target": "team_on_call"}, {"target": "role", "role": "duty_manager"})
    row = approved(author, approver, rows)

    answer = people.api(author).post(f"{row}activate/")

    assert (answer.status_code, answer.data["state"]) == (200, "active")
    assert [tier["target"] for tier in answer.data["tiers"]] == ["team_on_call", "role"]


def test_is_not_activated_with_a_person_who_left(author: User, approver: User, bob) -> None:
    row = approved(author, approver, tiers({"target": "person", "person": "bob"}))
    bob.is_active = False
    bob.save_as(people.system(), "is_active")

    answer = people.api(author).post(f"{row}activate/")

    assert [each["code"] for each in answer.data["blockers"]] == ["escalation_person_gone"]


@pytest.mark.parametrize(
    "row",
    [
        {"target": "person"},
        {"target": "schedule"},
        {"target": "role"},
        {"target": "role", "role": "king"},
        {"target": "team_on_call", "person": "bob"},
        {"target": "team_on_call", "wait_minutes": 0},
        {"target": "nobody"},
    ],
)
def test_refuses_a_tier_that_means_nobody(author: User, bob: User, row: dict[str, Any]) -> None:
    body = {"key": "shop", "title": "Shop", "change_reason": "New", "tiers": tiers(row)}

    answer = people.api(author).post(URL, body)

    assert answer.status_code in (400, 409), answer.data
    assert not EscalationPolicyVersion.objects.exists()


@pytest.mark.check("ESC-04.2")
def test_is_simulated_for_an_instant_without_sending_anything(
    author: User, payments, checkout, alice: User, bob: User
) -> None:
    make.schedule(payments, alice, bob)
    make.contact(alice)
    make.contact(bob)
    make.contact(bob, "https://phone.example.org", channel=Channel.WEBHOOK, position=2)
    before = OutboundMessage.objects.count()
    rows = tiers(
        {"target": "team_on_call"},
        {"target": "team_leads"},
        {"target": "person", "person": "alice", "wait_minutes": 3},
    )
    body = {"key": "shop", "title": "Shop", "change_reason": "New", "rounds": 1, "tiers": rows}
    draft = people.api(author).post(URL, body)
    people.role(Role.ENGINEER, to=author, on=payments)

    answer = people.api(author).post(
        f"{URL}{draft.data['id']}/simulate/",
        {"service": "checkout", "severity": "SEV1", "at": "2026-03-10T09:00:00Z"},
    )

    assert answer.status_code == 200, answer.data
    lines = [
        (line["at"], line["tier"], line["person"], line["channels"])
        for line in answer.data["lines"]
    ]
    assert lines == [
        ("2026-03-10T09:00:00Z", 1, "bob", ["mail", "webhook"]),
        ("2026-03-10T09:05:00Z", 2, None, []),
        ("2026-03-10T09:05:00Z", 3, "alice", ["mail"]),
    ]
    assert OutboundMessage.objects.count() == before
    assert not Page.objects.exists()


def test_holds_for_the_service_before_its_team_before_all(
    checkout: Service, payments, tracking, alice, bob, dora
) -> None:
    default, team, service = (
        make.policy([make.person_tier(each)], key=key)
        for each, key in ((alice, "default"), (bob, "team"), (dora, "service"))
    )
    system = people.system()

    assert operations.policy_for(situation(checkout)) == default
    use_policy(team.policy, team=payments, actor=system)
    assert operations.policy_for(situation(checkout)) == team
    use_policy(service.policy, service=checkout, actor=system)
    assert operations.policy_for(situation(checkout)) == service
    assert operations.policy_for(situation(tracking)) == default


def test_passes_over_a_policy_of_which_nothing_is_in_force(
    checkout: Service, payments, author: User, alice: User
) -> None:
    default = make.policy([make.person_tier(alice)])
    draft = people.api(author).post(URL, {"key": "late", "title": "Late", "change_reason": "x"})
    late = EscalationPolicyVersion.objects.get(pk=draft.data["id"])
    use_policy(late.policy, team=payments, actor=people.system())

    assert operations.policy_for(situation(checkout)) == default


def test_is_chosen_anew_in_place(payments, alice: User, bob: User) -> None:
    first, second = (
        make.policy([make.person_tier(each)], key=each.username) for each in (alice, bob)
    )
    system = people.system()

    use_policy(first.policy, team=payments, actor=system)
    use_policy(second.policy, team=payments, actor=system, reason="better")

    use = PolicyUse.objects.get()
    assert (use.policy, use.history.count()) == (second.policy, 2)


def test_refuses_a_use_of_anything_else(payments, checkout, alice: User) -> None:
    seed_setting_policies(people.system())
    setting = Policy.objects.filter(kind="setting").first()
    version = make.policy([make.person_tier(alice)])
    assert setting is not None

    for arguments in (
        {"policy": setting, "team": payments},
        {"policy": version.policy},
        {"policy": version.policy, "team": payments, "service": checkout},
    ):
        with pytest.raises(Invalid):
            use_policy(arguments.pop("policy"), actor=alice, **arguments)
    assert not PolicyUse.objects.exists()


def test_is_chosen_over_the_api_by_who_manages(payments, checkout, alice, root: User) -> None:
    make.policy([make.person_tier(alice)], key="shop")
    body = {"service": "checkout", "policy": "shop"}

    refused = people.api(alice).post(USES, body)
    made = people.api(root).post(USES, body)
    unknown = people.api(root).post(USES, {**body, "policy": "none"})
    nowhere = people.api(root).post(USES, {"policy": "shop"})

    assert [each.status_code for each in (refused, made, unknown, nowhere)] == [403, 201, 400, 400]
    assert PolicyUse.objects.get().service == checkout


def test_is_not_retired_while_it_is_needed(payments, author: User, alice: User, root: User) -> None:
    default = make.policy([make.person_tier(alice)])
    used = make.policy([make.person_tier(alice)], key="shop")
    use_policy(used.policy, team=payments, actor=people.system())
    unused = make.policy([make.person_tier(alice)], key="old")
    client = people.api(root)

    answers = [
        client.post(f"{URL}{version.pk}/retire/", {"reason": "x"})
        for version in (default, used, unused)
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 200]
    codes = [answer.data["blockers"][0]["code"] for answer in answers[:2]]
    assert codes == ["escalation_default_needed", "escalation_policy_in_use"]


def test_means_active_people_without_repeats(
    checkout, payments, retail, alice: User, bob: User, mallory: User
) -> None:
    gone = people.user("gone", is_active=False)
    manager, elsewhere = people.user("manager"), people.user("elsewhere")
    people.role(Role.DUTY_MANAGER, to=manager, on=retail)
    people.role(Role.DUTY_MANAGER, to=gone, on=retail)
    people.role(Role.DUTY_MANAGER, to=elsewhere, on=mallory.memberships.get().team)
    rota = make.schedule(payments, bob)
    lead = alice.memberships.get()
    lead.is_lead = True
    lead.save_as(people.system(), "is_lead")
    version = make.policy(
        [
            {"target": Target.TEAM_ON_CALL},
            {"target": Target.SCHEDULE, "schedule": rota},
            {"target": Target.TEAM_LEADS},
            {"target": Target.PERSON, "person": gone},
            {"target": Target.ROLE, "role": Role.DUTY_MANAGER},
        ]
    )
    at = START + datetime.timedelta(hours=1)

    found = [targets_of(tier, situation(checkout), at) for tier in version.tiers.all()]

    assert found == [[bob], [bob], [alice], [], [manager]]
    assert [tier.describe() for tier in version.tiers.all()][1] == f"on call in {rota}"


def test_keeps_the_waiting_time_that_held_when_it_began(checkout, alice: User) -> None:
    with clock.simulated(START):
        seed_setting_policies(people.system())
    version = make.policy([make.person_tier(alice, None)])
    tier = version.tiers.get()

    found = {
        severity: operations.wait_of(tier, situation(checkout, severity), START).seconds // 60
        for severity in ("SEV1", "SEV2", "SEV3", "SEV4")
    }

    assert found == {"SEV1": 5, "SEV2": 10, "SEV3": 30, "SEV4": 240}
