"""Many at once on one policy: one wins, the others are told why, and nothing is half done."""

from typing import Any

import pytest

from config.access.rules import Role
from config.errors import DomainError
from config.events.models import Event
from config.governance.activation import activate
from config.governance.content import content_of
from config.governance.in_force import setting
from config.governance.models import Approval, SettingVersion, VersionState
from config.governance.operations import (
    approve,
    propose,
    save_draft,
    send_back,
    submit,
)
from config.governance.rules import content_hash
from config.governance.seeding import seed_setting_policies
from config.organisation.models import User
from tests.config import make
from tests.config.governance.conftest import KEY
from tests.harness.racing import together

URL = "/api/v1/settings/"


@pytest.fixture
def writer(fresh_db: Any) -> User:
    seed_setting_policies(make.system())
    person = make.user("anna")
    make.role(Role.POLICY_AUTHOR, to=person)
    return person


@pytest.fixture
def reviewers(writer: User) -> list[User]:
    people = [make.user(name) for name in ("paul", "petra", "pia", "piet")]
    for person in people:
        make.role(Role.POLICY_APPROVER, to=person)
    return people


@pytest.fixture
def submitted(writer: User, reviewers: list[User]) -> SettingVersion:
    version = propose(SettingVersion, KEY, actor=writer, values={"value": 9}, reason="Late")
    return submit(version, actor=writer)


def fresh(version: SettingVersion) -> SettingVersion:
    return SettingVersion.objects.get(pk=version.pk)


def count(kind: str, version: SettingVersion) -> int:
    return Event.objects.filter(kind=kind, subject_id=version.pk).count()


def posts(people: list[User], path: str, body: dict[str, Any]) -> list[Any]:
    """Each posts it at the same instant; status and code of each, sorted."""
    clients = [make.api(person) for person in people]
    answers = together(*[lambda client=each: client.post(path, body) for each in clients])
    return sorted((each.status_code, each.json().get("code")) for each in answers)


def test_lets_one_of_many_approvals_win(submitted, reviewers):
    body = {"content_hash": submitted.content_hash}

    answers = posts(reviewers, f"{URL}{submitted.pk}/approve/", body)

    assert answers == [(200, None), *[(409, "transition_refused")] * 3]
    assert fresh(submitted).state == VersionState.APPROVED
    assert Approval.objects.filter(version_id=submitted.pk).count() == 1
    assert count("policy.approved", submitted) == 1


def test_lets_one_of_many_activations_win(submitted, writer, reviewers):
    approve(submitted, actor=reviewers[0], content_hash=submitted.content_hash)

    answers = posts([writer, *reviewers[1:]], f"{URL}{submitted.pk}/activate/", {})

    assert answers == [(200, None), *[(409, "transition_refused")] * 3]
    assert count("policy.activated", submitted) == 1
    assert setting(KEY) == 9


def test_lets_one_version_hold_when_two_are_activated_at_once(writer, reviewers):
    versions = []
    for days in (8, 9):
        version = propose(SettingVersion, KEY, actor=writer, values={"value": days}, reason="Late")
        submit(version, actor=writer)
        versions.append(approve(version, actor=reviewers[0], content_hash=version.content_hash))

    results = together(*[lambda row=each: activate(fresh(row), actor=writer) for each in versions])

    refused = [each.public_code for each in results if isinstance(each, DomainError)]
    assert refused in ([], ["version_superseded"])
    holding = SettingVersion.objects.filter(policy__key=KEY, state=VersionState.ACTIVE)
    assert [each.number for each in holding] == [3]
    assert setting(KEY) == 9
    left = {each.state for each in map(fresh, versions)} - {VersionState.ACTIVE}
    assert left <= {VersionState.APPROVED, VersionState.RETIRED}
    assert sum(count("policy.activated", each) for each in versions) == 2 - len(refused)


def test_begins_one_draft(writer, reviewers):
    body = {"key": KEY, "value": 9, "change_reason": "Late"}

    answers = posts([writer] * 4, URL, body)

    assert answers == [(201, None), *[(409, "version_one_draft")] * 3]
    assert SettingVersion.objects.filter(policy__key=KEY, state=VersionState.DRAFT).count() == 1


def test_takes_one_of_many_edits_of_what_was_read(writer, reviewers):
    draft = propose(SettingVersion, KEY, actor=writer, values={"value": 9}, reason="Late")
    row = f"{URL}{draft.pk}/"
    clients = [make.api(writer) for _ in range(4)]
    tag = clients[0].get(row).headers["ETag"]

    answers = together(
        *[
            lambda client=each, days=days: client.patch(
                row, {"value": days}, headers={"If-Match": tag}
            )
            for days, each in enumerate(clients, start=10)
        ]
    )

    assert sorted(each.status_code for each in answers) == [200, 412, 412, 412]
    won = next(days for days, each in enumerate(answers, start=10) if each.status_code == 200)
    assert fresh(draft).value == won
    assert count("policy.draft_saved", draft) == 1


def test_freezes_what_was_submitted_however_an_edit_falls(writer, reviewers):
    draft = propose(SettingVersion, KEY, actor=writer, values={"value": 9}, reason="Late")

    saved, _ = together(
        lambda: save_draft(fresh(draft), actor=writer, values={"value": 12}),
        lambda: submit(fresh(draft), actor=writer),
    )

    stored = fresh(draft)
    refused = isinstance(saved, DomainError)
    assert stored.state == VersionState.IN_REVIEW
    assert stored.value == (9 if refused else 12)
    assert stored.content_hash == content_hash(content_of(stored))
    assert count("policy.draft_saved", draft) == (0 if refused else 1)


def test_approves_only_what_was_read_while_somebody_edits(submitted, writer, reviewers):
    seen = submitted.content_hash

    def edit() -> None:
        send_back(fresh(submitted), actor=reviewers[1], reason="Not nine")
        save_draft(fresh(submitted), actor=writer, values={"value": 12})
        submit(fresh(submitted), actor=writer)

    approved, edited = together(
        lambda: approve(fresh(submitted), actor=reviewers[0], content_hash=seen), edit
    )

    assert edited is None
    stored = fresh(submitted)
    assert (stored.state, stored.value) == (VersionState.IN_REVIEW, 12)
    if isinstance(approved, DomainError):
        assert approved.public_code in ("transition_refused", "content_changed")
    said = Approval.objects.filter(version_id=submitted.pk, decision="approved")
    assert {row.content_hash for row in said} <= {seen}
    assert len(said) == (0 if isinstance(approved, DomainError) else 1)
    assert setting(KEY) == 7
