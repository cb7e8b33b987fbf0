"""What units may do with an enterprise policy: one proposes, another approves."""

from typing import Any

import pytest
from django.urls import reverse

from config import clock
from config.access.rules import Role
from config.events.models import Event
from config.federation.models import FreedomVersion
from config.governance.activation import activate
from config.governance.content import content_of
from config.governance.in_force import active
from config.governance.models import Policy, VersionState
from config.governance.operations import approve, propose, submit
from config.organisation.models import BusinessUnit, User
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.operations import seed_severity_table
from tests.config import make

pytestmark = pytest.mark.django_db
FREEDOMS = "/api/v1/policy-freedoms/"


@pytest.fixture
def adam(db: None) -> User:
    person = make.user("adam", name="Adam Author")
    make.role(Role.POLICY_AUTHOR, to=person)
    return person


@pytest.fixture
def paul(db: None) -> User:
    """An approver; petra is another, so that set-up mode is over."""
    people = [make.user(name, name=name.title()) for name in ("paul", "petra")]
    for person in people:
        make.role(Role.POLICY_APPROVER, to=person)
    return people[0]


@pytest.fixture
def policy(db: None) -> Policy:
    """The severity matrix, which is free as shipped."""
    found = seed_severity_table(make.system())
    assert found is not None
    return found.policy


def proposed(by: User, policy: Policy, freedom: str = "locked") -> Any:
    body = {"about": policy.pk, "freedom": freedom, "change_reason": "One standard"}
    return make.api(by).post(FREEDOMS, body)


def test_changes_nothing_before_somebody_else_approved(
    policy: Policy, adam: User, paul: User
) -> None:
    make.role(Role.POLICY_APPROVER, to=adam)
    writer, reviewer = make.api(adam), make.api(paul)
    made = proposed(adam, policy)
    row = f"{FREEDOMS}{made.json()['id']}/"
    writer.post(f"{row}submit/", {})

    own = writer.post(f"{row}approve/", {})
    early = writer.post(f"{row}activate/", {})
    policy.refresh_from_db()
    before = policy.freedom
    steps = [reviewer.post(f"{row}{verb}/", {}).status_code for verb in ("approve", "activate")]

    assert (made.status_code, made.json()["freedom"], before) == (201, "locked", "free")
    assert [(each.status_code, each.json()["code"]) for each in (own, early)] == [
        (409, "four_eyes"),
        (409, "transition_refused"),
    ]
    assert steps == [200, 200]
    policy.refresh_from_db()
    assert policy.freedom == "locked"
    event = Event.objects.get(kind="policy.freedom_changed", subject_id=policy.pk)
    assert (event.actor, event.reason) == (paul, "One standard")
    assert event.data == {"was": "free", "freedom": "locked", "version": made.json()["id"]}
    assert policy.history.first().history_change_reason == "One standard"


def test_takes_a_proposal_through_the_admin(policy: Policy, adam: User, paul: User) -> None:
    writer, reviewer = make.browser(adam), make.browser(paul)
    shown = writer.get(reverse("admin:config_policy_change", args=(policy.pk,))).content.decode()
    add = reverse("admin:config_freedomversion_add")

    form = writer.get(add, {"about": policy.pk})
    writer.post(add, {"about": policy.pk, "freedom": "extendable"})
    draft = FreedomVersion.objects.get(about=policy)
    page = reverse("admin:config_freedomversion_change", args=(draft.pk,))
    saved = writer.post(
        page, {"freedom": "locked", "change_reason": "One", "seen_revision": draft.revision}
    )
    steps = [
        (writer, "submit", {}),
        (reviewer, "approve", {}),
        (reviewer, "activate", {"at_0": "", "at_1": ""}),
    ]
    for who, name, body in steps:
        draft.refresh_from_db()
        hashed = {"content_hash": draft.content_hash} if name == "approve" else {}
        url = reverse("admin:config_freedomversion_verb", args=(draft.pk, name))
        assert who.post(url, {**body, **hashed}).status_code == 302

    assert f"{add}?about={policy.pk}" in shown
    assert (form.status_code, saved.status_code) == (200, 302)
    policy.refresh_from_db()
    assert policy.freedom == "locked"
    assert "Severity" in writer.get(page).content.decode()


def test_refuses_what_cannot_be_proposed(
    policy: Policy, adam: User, paul: User, retail: BusinessUnit
) -> None:
    own = Policy(kind=policy.kind, key=policy.key, title="Ours", unit=retail).save_as(adam)
    first = proposed(adam, policy)
    theirs = FreedomVersion.objects.get().policy

    answers = {
        "a unit's": proposed(adam, own),
        "of itself": proposed(adam, theirs),
        "the same": proposed(adam, policy, "free"),
        "nonsense": proposed(adam, policy, "wild"),
        "twice": proposed(adam, policy),
        "an approver's": proposed(paul, policy),
        "the old way": make.api(paul).post(f"/api/v1/policies/{policy.pk}/set-freedom/", {}),
    }

    assert first.status_code == 201
    assert {name: each.status_code for name, each in answers.items()} == {
        "a unit's": 409,
        "of itself": 409,
        "the same": 409,
        "nonsense": 400,
        "twice": 409,
        "an approver's": 403,
        "the old way": 404,
    }
    codes = [answers[name].json()["code"] for name in ("a unit's", "of itself", "the same")]
    assert codes == ["freedom_of_unit", "freedom_of_unit", "freedom_unchanged"]
    assert FreedomVersion.objects.count() == 1


def test_is_followed_never_retired(policy: Policy, adam: User, paul: User) -> None:
    reviewer = make.api(paul)
    row = f"{FREEDOMS}{proposed(adam, policy).json()['id']}/"
    make.api(adam).post(f"{row}submit/", {})
    for verb in ("approve", "activate"):
        reviewer.post(f"{row}{verb}/", {})

    answer = reviewer.post(f"{row}retire/", {"reason": "x"})

    assert (answer.status_code, answer.json()["blockers"][0]["code"]) == (409, "freedom_needed")
    assert FreedomVersion.objects.get().state == VersionState.ACTIVE


def test_leaves_what_held_before_as_it_was(policy: Policy, adam: User, paul: User) -> None:
    unit = make.unit("retail", name="Retail")
    rows = content_of(SeverityTableVersion.objects.get(policy=policy)).parts
    own = propose(
        SeverityTableVersion, policy.key, actor=adam, unit=unit, parts=rows, reason="Ours"
    )
    submit(own, actor=adam)
    approve(own, actor=paul, content_hash=own.content_hash)
    activate(own, actor=adam)
    before = clock.now()

    row = f"{FREEDOMS}{proposed(adam, policy).json()['id']}/"
    make.api(adam).post(f"{row}submit/", {})
    for verb in ("approve", "activate"):
        assert make.api(paul).post(f"{row}{verb}/", {}).status_code == 200

    held = [active(policy.kind, policy.key, unit, at) for at in (before, None)]
    assert [each.pk for each in held] == [own.pk, policy.versions.get().pk]
    answer = make.api(adam).get(
        "/api/v1/policies/in-force/", {"unit": "retail", "at": before.isoformat()}
    )
    assert own.pk in [each["version"] for each in answer.json()["results"]]
