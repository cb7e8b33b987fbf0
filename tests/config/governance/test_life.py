"""The life of a version: drafted, submitted, approved, activated, retired."""

import datetime
from collections.abc import Callable

import pytest

from config import clock
from config.audit.tracking import UntrackedWrite
from config.errors import FourEyes, HumanRequired, Invalid, Refused, Stale, TransitionRefused
from config.events import operations as events
from config.events.models import Event
from config.governance.activation import activate, retire
from config.governance.in_force import active, setting, setting_version
from config.governance.models import Approval, Policy, SettingVersion, VersionState
from config.governance.operations import approve, new_draft, propose, save_draft, send_back, submit
from config.organisation.models import User
from tests.config import make
from tests.config.governance.conftest import KEY

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.UTC)
STATES = list(VersionState)


def kinds(version: SettingVersion) -> list[str]:
    rows = Event.objects.filter(subject_type="config.settingversion", subject_id=version.pk)
    return list(rows.order_by("id").values_list("kind", flat=True))


def approved(version: SettingVersion, author: User, approver: User) -> SettingVersion:
    submit(version, actor=author)
    return approve(version, actor=approver, content_hash=version.content_hash)


def test_goes_from_draft_to_active(draft, seeded, author, approvers):
    approver = approvers[0]
    with clock.simulated(clock.now() + datetime.timedelta(hours=1)):
        approved(draft, author, approver)
        activate(draft, actor=author)
        at = clock.now()

    stored = SettingVersion.objects.get(pk=draft.pk)
    assert stored.state == VersionState.ACTIVE
    assert (stored.in_force.lower, stored.in_force.upper) == (at, None)
    before = SettingVersion.objects.get(pk=seeded.pk)
    assert before.state == VersionState.RETIRED
    assert before.in_force.upper == at
    assert kinds(draft) == [
        "policy.drafted",
        "policy.submitted",
        "policy.approved",
        "policy.activated",
    ]
    approval = Approval.objects.get(version_id=draft.pk)
    assert (approval.reviewer, approval.content_hash) == (approver, stored.content_hash)
    assert not approval.in_setup_mode
    assert setting(KEY, at=at) == 9
    assert setting(KEY, at=at - datetime.timedelta(microseconds=1)) == 7


def test_writes_history_with_actor_and_reason(draft, author, approvers):
    approved(draft, author, approvers[0])

    history = list(draft.history.order_by("history_id"))

    assert [(row.state, row.history_user.username) for row in history] == [
        ("draft", "anna"),
        ("in_review", "anna"),
        ("approved", "paul"),
    ]
    assert history[1].history_change_reason == "Customers come back late"


def test_begins_a_draft_as_a_copy_of_the_version_in_force(policy, author):
    version = new_draft(policy, actor=author)

    assert (version.number, version.value, version.author) == (2, 7, author)
    assert version.state == VersionState.DRAFT


def test_refuses_a_second_draft(draft, policy, author):
    with pytest.raises(Refused) as refusal:
        new_draft(policy, actor=author)

    assert refusal.value.public_code == "version_one_draft"
    assert SettingVersion.objects.filter(policy=policy).count() == 2


def test_refuses_a_stale_form(draft, author):
    seen = draft.revision
    save_draft(draft, actor=author, values={"value": 10}, revision=seen)

    with pytest.raises(Stale):
        save_draft(draft, actor=author, values={"value": 11}, revision=seen)

    assert SettingVersion.objects.get(pk=draft.pk).value == 10


@pytest.mark.parametrize("state", [s for s in STATES if s != VersionState.DRAFT])
def test_refuses_to_edit_anything_but_drafts(draft, author, approvers, state):
    bring_to(draft, state, author, approvers[0])

    with pytest.raises(TransitionRefused):
        save_draft(draft, actor=author, values={"value": 11})

    assert SettingVersion.objects.get(pk=draft.pk).value == 9


def bring_to(version: SettingVersion, state: str, author: User, approver: User) -> None:
    steps: dict[str, Callable[[], object]] = {
        VersionState.IN_REVIEW: lambda: submit(version, actor=author),
        VersionState.APPROVED: lambda: approved(version, author, approver),
        VersionState.ACTIVE: lambda: activate(approved(version, author, approver), actor=author),
        VersionState.RETIRED: lambda: retire(version, actor=author, reason="Not needed"),
        VersionState.DRAFT: lambda: None,
    }
    steps[VersionState(state)]()


REFUSED: dict[str, list[VersionState]] = {
    "submit": [s for s in STATES if s != VersionState.DRAFT],
    "approve": [s for s in STATES if s != VersionState.IN_REVIEW],
    "activate": [s for s in STATES if s != VersionState.APPROVED],
    "send_back": [s for s in STATES if s not in (VersionState.IN_REVIEW, VersionState.APPROVED)],
    "retire": [VersionState.IN_REVIEW, VersionState.RETIRED],
}


@pytest.mark.parametrize(
    ("verb", "state"), [(verb, state) for verb, states in REFUSED.items() for state in states]
)
def test_refuses_what_the_table_does_not_allow(draft, author, approvers, verb, state):
    bring_to(draft, state, author, approvers[0])
    other = approvers[1]
    calls = {
        "submit": lambda: submit(draft, actor=author),
        "approve": lambda: approve(draft, actor=other, content_hash=draft.content_hash),
        "activate": lambda: activate(draft, actor=author),
        "send_back": lambda: send_back(draft, actor=other, reason="No"),
        "retire": lambda: retire(draft, actor=author, reason="No"),
    }
    recorded = Event.objects.count()

    with pytest.raises(TransitionRefused) as refusal:
        calls[verb]()

    assert verb not in refusal.value.extra["allowed"]
    assert SettingVersion.objects.get(pk=draft.pk).state == state
    assert Event.objects.count() == recorded


def test_needs_a_reason_to_submit(policy, author):
    version = new_draft(policy, actor=author)

    with pytest.raises(Invalid) as refusal:
        submit(version, actor=author)

    assert refusal.value.field == "change_reason"


def test_refuses_approval_by_the_author(draft, approvers):
    own = make.user("both")
    save_draft(draft, actor=own, values={"value": 12})
    submit(draft, actor=own)

    for person in (own, draft.author):
        with pytest.raises(FourEyes) as refusal:
            approve(draft, actor=person, content_hash=draft.content_hash)

        assert refusal.value.audit
    assert SettingVersion.objects.get(pk=draft.pk).state == VersionState.IN_REVIEW
    assert not Approval.objects.exists()


def test_binds_superusers_to_four_eyes(policy, approvers):
    root = make.superuser()
    version = new_draft(policy, actor=root)
    submit(version, actor=root, reason="Because I can")

    with pytest.raises(FourEyes):
        approve(version, actor=root, content_hash=version.content_hash)


def test_refuses_approval_by_who_submitted_it(draft, approvers):
    submit(draft, actor=approvers[0])

    with pytest.raises(FourEyes):
        approve(draft, actor=approvers[0], content_hash=draft.content_hash)


def test_refuses_approval_by_who_stands_in_for_the_author(draft, author, approvers, monkeypatch):
    answer = {"access.acts_for": lambda person: (author.pk,) if person == approvers[0] else ()}
    monkeypatch.setattr(events, "_providers", answer)
    submit(draft, actor=author)

    with pytest.raises(FourEyes):
        approve(draft, actor=approvers[0], content_hash=draft.content_hash)
    approve(draft, actor=approvers[1], content_hash=draft.content_hash)


def test_refuses_approval_by_a_service_account(draft, author, approvers):
    submit(draft, actor=author)

    with pytest.raises(HumanRequired):
        approve(draft, actor=make.service_account("robot"), content_hash=draft.content_hash)


def test_approves_only_the_content_that_was_read(draft, author, approvers):
    submit(draft, actor=author)

    with pytest.raises(Refused) as refusal:
        approve(draft, actor=approvers[0], content_hash="0" * 64)

    assert refusal.value.public_code == "content_changed"


def test_goes_back_to_its_authors_with_a_reason(draft, author, approvers):
    approved(draft, author, approvers[0])

    send_back(draft, actor=approvers[1], reason="Too long for payments")

    stored = SettingVersion.objects.get(pk=draft.pk)
    assert (stored.state, stored.content_hash) == (VersionState.DRAFT, "")
    said = Approval.objects.filter(version_id=draft.pk).order_by("id")
    assert [each.decision for each in said] == ["approved", "sent_back"]


def test_discards_a_draft(draft, author, policy):
    retire(draft, actor=author, reason="A bad idea")

    assert new_draft(policy, actor=author).number == 3


def test_retires_what_is_in_force(seeded, author):
    retire(seeded, actor=author, reason="Not governed any more")

    assert setting_version(KEY) is None
    assert active("setting", KEY, at=seeded.in_force.lower) == seeded


def test_refuses_an_older_version_after_a_newer_one(draft, policy, author, approvers):
    approved(draft, author, approvers[0])
    newer = new_draft(policy, actor=author)
    save_draft(newer, actor=author, values={"value": 11}, reason="Quick")
    activate(approved(newer, author, approvers[0]), actor=author)

    with pytest.raises(Refused) as refusal:
        activate(draft, actor=author)

    assert refusal.value.public_code == "version_superseded"
    assert setting(KEY) == 11


def test_closes_plain_saves(draft):
    draft.value = 1

    with pytest.raises(UntrackedWrite):
        draft.save()


def test_keeps_one_policy_for_a_key_and_unit(seeded, author):
    retail = make.unit("retail")
    for days in (3, 4):
        version = propose(SettingVersion, KEY, unit=retail, actor=author, values={"value": days})
        assert version.policy.unit == retail
        retire(version, actor=author, reason="Again")

    assert Policy.objects.filter(key=KEY).count() == 2
