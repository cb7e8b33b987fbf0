"""Approvals through API and admin: how many are needed, of whom, and what is still missing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.access.delegations import delegate
from config.access.rules import Role
from config.access.visibility import Access
from config.clock import now
from config.errors import FourEyes
from config.events.models import Event
from config.governance.activation import activate
from config.governance.approving import brought_forward_by
from config.governance.models import Approval, SettingVersion, VersionState
from config.governance.operations import approve, propose, save_draft, send_back, submit
from tests.config import make
from tests.config.approvals.conftest import matrix_draft

pytestmark = pytest.mark.django_db
HOME = reverse("admin:index")
TWO_WITH_LEGAL = {"kind": "setting", "people": 2, "roles": ["legal"]}
OTHERS = {"kind": "", "people": 1, "roles": []}


def url(version, verb):
    return f"/api/v1/settings/{version.pk}/{verb}/"


def page(version):
    return reverse("admin:config_settingversion_change", args=(version.pk,))


def post(person, version, verb="approve", **body):
    answer = make.api(person).post(url(version, verb), body)
    return answer.status_code, answer.json().get("code")


def review(person, version):
    return make.api(person).get(url(version, "review")).json()


def state(version):
    return SettingVersion.objects.get(pk=version.pk).state


def kinds(version):
    rows = Event.objects.filter(subject_type="config.settingversion", subject_id=version.pk)
    return list(rows.order_by("id").values_list("kind", flat=True))


def said(person, version):
    return approve(version, actor=person, content_hash=version.content_hash)


def test_asks_for_one_approver_as_shipped(shipped, submitted, people):
    assert review(people.paul, submitted)["pending"] == {
        "people": 1, "roles": [], "matrix": shipped.pk, "given_by": [],
        "missing": ["one more approval"],
    }  # fmt: skip

    assert post(people.paul, submitted) == (200, None)

    assert state(submitted) == VersionState.APPROVED
    assert Approval.objects.get(version=submitted.pk).matrix_id == shipped.pk
    assert review(people.paul, submitted)["pending"] is None


def test_asks_for_one_approver_without_a_matrix(submitted, people):
    assert post(people.paul, submitted) == (200, None)

    assert state(submitted) == VersionState.APPROVED
    assert Approval.objects.get(version=submitted.pk).matrix_id is None


def test_waits_for_all_that_is_demanded(demand, submitted, people):
    matrix = demand(TWO_WITH_LEGAL, OTHERS)

    assert post(people.paul, submitted, comment="Fine") == (200, None)

    assert state(submitted) == VersionState.IN_REVIEW
    assert review(people.lee, submitted)["pending"] == {
        "people": 2, "roles": ["legal"], "matrix": matrix.pk, "given_by": ["paul"],
        "missing": ["an approval by Legal"],
    }  # fmt: skip
    with pytest.raises(Exception, match="in review"):
        activate(submitted, actor=people.author)
    assert post(people.lee, submitted) == (200, None)
    assert state(submitted) == VersionState.APPROVED
    rows = Approval.objects.filter(version=submitted.pk).order_by("id")
    assert [(row.reviewer, row.roles, row.matrix_id) for row in rows] == [
        (people.paul, ["policy_approver"], matrix.pk),
        (people.lee, ["legal"], matrix.pk),
    ]
    assert kinds(submitted)[-2:] == ["policy.approval_recorded", "policy.approved"]
    waiting = Event.objects.get(kind="policy.approval_recorded", subject_id=submitted.pk)
    assert waiting.data["missing"] == ["an approval by Legal"]
    activate(submitted, actor=people.author)
    assert state(submitted) == VersionState.ACTIVE


def test_tells_on_the_page_what_is_missing(demand, submitted, people):
    demand({**TWO_WITH_LEGAL, "people": 3}, OTHERS)
    browser = make.browser(people.paul)
    target = reverse("admin:config_settingversion_verb", args=(submitted.pk, "approve"))

    browser.post(target, {"content_hash": submitted.content_hash, "comment": "Fine"})

    assert state(submitted) == VersionState.IN_REVIEW
    shown = browser.get(page(submitted)).content.decode()
    assert "Still needed: one more approval, an approval by Legal." in shown
    assert "1 approval, by Paul" in shown


def test_lets_who_is_named_approve_and_nothing_else(demand, draft, people):
    submit(draft, actor=people.author)
    assert post(people.lee, draft) == (403, "not_allowed")
    demand(TWO_WITH_LEGAL, OTHERS)
    target = reverse("admin:config_settingversion_verb", args=(draft.pk, "approve"))

    assert make.browser(people.lee).get(target).status_code == 200
    assert target in make.browser(people.lee).get(page(draft)).content.decode()
    assert post(people.lee, draft, "send-back", reason="No")[0] == 403
    assert post(make.user("mallory"), draft)[0] in (403, 404)
    assert post(people.lee, draft) == (200, None)
    assert state(draft) == VersionState.IN_REVIEW


def test_takes_no_superuser_for_legal(demand, submitted, people):
    demand({**TWO_WITH_LEGAL, "people": 1}, OTHERS)

    assert post(make.superuser(), submitted) == (200, None)

    assert state(submitted) == VersionState.IN_REVIEW
    assert review(people.paul, submitted)["pending"]["missing"] == ["an approval by Legal"]


def test_counts_nobody_twice(demand, submitted, people):
    demand({**OTHERS, "people": 2})
    said(people.paul, submitted)

    assert post(people.paul, submitted) == (409, "approval_given")

    assert state(submitted) == VersionState.IN_REVIEW
    assert Approval.objects.filter(version=submitted.pk).count() == 1


@pytest.mark.parametrize("first", ["principal", "delegate"])
def test_counts_who_stands_in_for_each_other_as_one(demand, submitted, people, first):
    demand({**OTHERS, "people": 2})
    delegate(
        delegate=people.petra, actor=people.paul, reason="Away",
        until=now().replace(year=now().year + 1),
    )  # fmt: skip
    pair = (people.paul, people.petra)
    one, other = pair if first == "principal" else pair[::-1]
    said(one, submitted)

    with pytest.raises(FourEyes) as refusal:
        said(other, submitted)

    assert refusal.value.audit
    said(people.pia, submitted)
    assert state(submitted) == VersionState.APPROVED


def test_counts_no_author(demand, draft, people):
    make.role(Role.LEGAL, to=people.author)
    demand(TWO_WITH_LEGAL, OTHERS)
    submit(draft, actor=people.author)

    assert post(people.author, draft) == (409, "four_eyes")

    assert not Approval.objects.filter(version=draft.pk).exists()


def test_counts_from_the_last_submission_on(demand, submitted, people):
    demand({**OTHERS, "people": 2})
    said(people.paul, submitted)
    send_back(submitted, actor=people.petra, reason="Say why")
    submit(submitted, actor=people.author)
    said(people.petra, submitted)
    assert state(submitted) == VersionState.IN_REVIEW
    assert review(people.pia, submitted)["pending"]["given_by"] == ["petra"]

    said(people.paul, submitted)

    assert state(submitted) == VersionState.APPROVED


def test_counts_for_other_content_no_more(demand, submitted, people):
    demand({**OTHERS, "people": 2})
    said(people.paul, submitted)
    send_back(submitted, actor=people.petra, reason="Rather ten")
    save_draft(submitted, actor=people.author, values={"value": 10})
    submit(submitted, actor=people.author)

    said(people.petra, submitted)

    assert state(submitted) == VersionState.IN_REVIEW


def test_asks_what_the_matrix_of_the_moment_demands(demand, submitted, people):
    demand({**OTHERS, "people": 3})
    said(people.paul, submitted)
    said(people.petra, submitted)
    assert state(submitted) == VersionState.IN_REVIEW
    looser = submit(matrix_draft(people.author, {**OTHERS, "people": 2}), actor=people.author)
    for person in (people.paul, people.petra, people.pia):
        said(person, looser)
    activate(looser, actor=people.author)
    assert review(people.pia, submitted)["pending"]["missing"] == ["one more approval"]

    said(people.pia, submitted)

    assert state(submitted) == VersionState.APPROVED
    assert Approval.objects.filter(version=submitted.pk).latest("id").matrix_id == looser.pk


def test_lists_on_the_home_page_what_the_visitor_brings_forward(demand, submitted, people):
    demand(TWO_WITH_LEGAL, OTHERS)

    def listed(person):
        return page(submitted) in make.browser(person).get(HOME).content.decode()

    assert [listed(each) for each in (people.paul, people.lee, people.author)] == [
        True, True, False,
    ]  # fmt: skip
    said(people.paul, submitted)
    assert [listed(each) for each in (people.paul, people.petra, people.lee)] == [
        False, False, True,
    ]  # fmt: skip


def test_looks_through_many_versions_in_as_many_queries_as_through_one(demand, draft, people):
    demand(TWO_WITH_LEGAL, OTHERS)
    for key, value in (("alerts.dedup_minutes", 5), ("intake.max_open_fields", 5)):
        propose(SettingVersion, key, actor=people.author, values={"value": value}, reason="Less")
    drafts = SettingVersion.objects.filter(state=VersionState.DRAFT)
    versions = [submit(each, actor=people.author) for each in drafts.select_related("policy")]
    assert len(versions) == 3

    def asked(some):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = brought_forward_by(some, Access(people.lee))
        assert found == some
        return len(queries)

    brought_forward_by(versions, Access(people.lee))  # what is remembered is remembered

    assert asked(versions) == asked(versions[:1])


def test_leaves_the_emergency_path_as_it_is(demand, draft, people):
    demand(TWO_WITH_LEGAL, OTHERS)

    answer = post(people.paul, draft, "activate-in-emergency", reason="Fire")

    assert answer == (200, None)
    assert state(draft) == VersionState.ACTIVE
    assert SettingVersion.objects.get(pk=draft.pk).is_emergency
