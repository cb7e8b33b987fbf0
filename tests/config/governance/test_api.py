"""Policies over the API: the whole life, and what it refuses."""

import datetime

import pytest

from config import clock
from config.access.rules import Role
from config.events.models import Event
from config.governance.in_force import setting
from config.governance.models import Approval, SettingVersion, VersionState
from config.governance.seeding import seed_setting_policies
from tests.config import make
from tests.config.governance.conftest import KEY

pytestmark = pytest.mark.django_db
URL = "/api/v1/settings/"


def draft_by(person, value=9, **fields):
    body = {"key": KEY, "value": value, "change_reason": "Customers come back late", **fields}
    return make.api(person).post(URL, body)


def test_lists_what_holds(seeded, mallory):
    answer = make.api(mallory).get(URL)

    assert answer.status_code == 200
    assert (answer.data["next"], answer.data["previous"]) == (None, None)
    found = {row["key"]: row for row in answer.data["results"]}
    assert found[KEY]["value"] == 7
    assert (found[KEY]["id"], found[KEY]["number"], found[KEY]["state"]) == (seeded.pk, 1, "active")
    assert found["ack.target_minutes"]["shown"] == "SEV1 5, SEV2 10, SEV3 30, SEV4 240 minutes"


def test_takes_a_setting_through_its_life(seeded, author, approvers):
    writer, reviewer = make.api(author), make.api(approvers[0])
    made = draft_by(author)
    assert made.status_code == 201, made.data
    row = f"{URL}{made.data['id']}/"
    assert made.headers["Location"].endswith(row)

    submitted = writer.post(f"{row}submit/")
    assert (submitted.status_code, submitted.data["state"]) == (200, "in_review")
    read = reviewer.get(f"{row}review/").data
    assert read["changes"] == [
        {"what": "changed", "part": "", "line": "", "field": "value", "old": 7, "new": 9}
    ]
    approved = reviewer.post(f"{row}approve/", {"content_hash": read["content_hash"]})
    assert (approved.status_code, approved.data["state"]) == (200, "approved")
    activated = writer.post(f"{row}activate/")
    assert (activated.status_code, activated.data["state"]) == (200, "active")

    assert setting(KEY) == 9
    stored = SettingVersion.objects.get(pk=made.data["id"])
    assert stored.in_force.upper is None
    origins = set(stored.history.values_list("origin", flat=True))
    assert origins == {"api"}


@pytest.mark.check("CMP-01.1")
def test_refuses_approval_by_the_author(seeded, approvers):
    make.role(Role.POLICY_AUTHOR, to=approvers[0])
    made = draft_by(approvers[0])
    row = f"{URL}{made.data['id']}/"
    client = make.api(approvers[0])
    client.post(f"{row}submit/")

    answer = client.post(f"{row}approve/")

    assert (answer.status_code, answer.data["code"]) == (409, "four_eyes")
    assert SettingVersion.objects.get(pk=made.data["id"]).state == VersionState.IN_REVIEW
    assert not Approval.objects.exists()
    assert Event.objects.filter(kind="access.refused", actor=approvers[0]).count() == 1


def test_binds_superusers_to_four_eyes(seeded, approvers, root):
    made = draft_by(root)
    client = make.api(root)
    client.post(f"{URL}{made.data['id']}/submit/")

    answer = client.post(f"{URL}{made.data['id']}/approve/")

    assert (answer.status_code, answer.data["code"]) == (409, "four_eyes")


def test_refuses_a_service_account_as_approver(draft, author, approvers):
    robot = make.service_account("robot")
    make.role(Role.POLICY_APPROVER, to=robot)
    make.api(author).post(f"{URL}{draft.pk}/submit/")

    answer = make.api(robot).post(f"{URL}{draft.pk}/approve/")

    assert (answer.status_code, answer.data["code"]) == (403, "human_required")


def test_edits_a_draft_of_the_version_that_was_read(draft, author):
    client = make.api(author)
    tag = client.get(f"{URL}{draft.pk}/").headers["ETag"]

    missing = client.patch(f"{URL}{draft.pk}/", {"value": 10})
    first = client.patch(f"{URL}{draft.pk}/", {"value": 10}, headers={"If-Match": tag})
    stale = client.patch(f"{URL}{draft.pk}/", {"value": 11}, headers={"If-Match": tag})

    assert [missing.status_code, first.status_code, stale.status_code] == [428, 200, 412]
    assert SettingVersion.objects.get(pk=draft.pk).value == 10


@pytest.mark.check("CMP-01.1")
def test_refuses_to_edit_what_is_in_force(seeded, author):
    client = make.api(author)
    tag = client.get(f"{URL}{seeded.pk}/").headers["ETag"]

    answer = client.patch(f"{URL}{seeded.pk}/", {"value": 10}, headers={"If-Match": tag})

    assert (answer.status_code, answer.data["code"]) == (409, "transition_refused")
    assert "new draft" in answer.data["detail"]
    assert SettingVersion.objects.get(pk=seeded.pk).value == 7


@pytest.mark.parametrize("value", ["7", 7.5, -1, 1000, None, True, [], {}])
def test_refuses_values_of_the_wrong_type(seeded, author, value):
    answer = draft_by(author, value=value)

    assert (answer.status_code, answer.data["code"]) == (400, "invalid")
    assert answer.data["errors"][0]["pointer"] == "#/value"
    assert SettingVersion.objects.filter(policy__key=KEY).count() == 1


def test_refuses_keys_that_nobody_reads(author):
    answer = draft_by(author, key="made.up")

    assert answer.status_code == 400
    assert answer.data["errors"][0]["pointer"] == "#/key"


def test_refuses_a_second_draft(draft, author):
    answer = draft_by(author)

    assert (answer.status_code, answer.data["code"]) == (409, "version_one_draft")


@pytest.mark.parametrize("verb", ["submit", "approve", "send-back", "activate", "retire"])
def test_closes_the_verbs_to_strangers(draft, mallory, verb):
    body = {"reason": "No"} if verb == "send-back" else {}
    answer = make.api(mallory).post(f"{URL}{draft.pk}/{verb}/", body)

    assert (answer.status_code, answer.data["code"]) == (403, "not_allowed")
    assert SettingVersion.objects.get(pk=draft.pk).state == VersionState.DRAFT


def test_lets_only_authors_draft(seeded, mallory, carol, approver):
    assert [draft_by(each).status_code for each in (mallory, carol, approver)] == [403, 403, 403]


def test_promises_an_activation(draft, author, approvers):
    make.api(author).post(f"{URL}{draft.pk}/submit/")
    make.api(approvers[0]).post(f"{URL}{draft.pk}/approve/")
    at = clock.now().replace(microsecond=0) + datetime.timedelta(days=2)

    answer = make.api(author).post(f"{URL}{draft.pk}/activate/", {"at": at.isoformat()})

    assert (answer.status_code, answer.data["state"]) == (200, "approved")
    assert SettingVersion.objects.get(pk=draft.pk).activates_at == at
    assert setting(KEY) == 7


def test_hides_policies_of_other_units(retail, freight, mallory, alice):
    seed_setting_policies(make.system())
    writer = make.user("walter")
    make.role(Role.POLICY_AUTHOR, to=writer, on=retail)
    made = draft_by(writer, unit="retail")
    assert made.status_code == 201, made.data
    assert made.data["unit"] == "retail"

    row = f"{URL}{made.data['id']}/"
    assert make.api(mallory).get(row).status_code == 404
    assert make.api(alice).get(row).status_code == 200
    assert draft_by(writer).status_code == 403


def test_shows_the_history_of_a_version(draft, author):
    answer = make.api(author).get(f"{URL}{draft.pk}/history/")

    newest = answer.data["results"][0]
    assert (newest["actor"], newest["reason"]) == ("anna", "Customers come back late")
    assert {"field": "value", "old": None, "new": 9} in newest["changes"]


def test_lists_policies_of_all_kinds_with_their_versions(draft, carol):
    client = make.api(carol)
    found = client.get("/api/v1/policies/", {"key": KEY}).data["results"]

    assert [(row["kind"], row["unit"], row["freedom"]) for row in found] == [
        ("setting", None, "free")
    ]
    versions = client.get(f"/api/v1/policies/{found[0]['id']}/versions/").data["results"]
    assert [(row["number"], row["state"]) for row in versions] == [(2, "draft"), (1, "active")]


def test_lists_versions_by_state(draft, author):
    answer = make.api(author).get(URL, {"state": "draft"})

    assert [row["id"] for row in answer.data["results"]] == [draft.pk]
