"""The matrix itself: a policy among others, by forms and over the API, which governs itself."""

import pytest
from django.urls import reverse

from config.access.operations import revoke_role
from config.access.rules import Role
from config.approvals.models import ApprovalDemand, ApprovalMatrixVersion
from config.approvals.operations import matrix_in_force, seed_approval_matrix
from config.errors import Blocked, Refused
from config.events.operations import blockers
from config.governance.activation import activate, activation_blockers, retire
from config.governance.models import Freedom, VersionState
from config.governance.operations import approve, new_draft, propose, submit
from config.governance.rules import Demand
from config.governance.setup import is_setup_mode
from config.governance.wording import worded
from tests.config import make
from tests.config.adminkit.forms import save
from tests.config.approvals.conftest import matrix_draft

pytestmark = pytest.mark.django_db
URL = "/api/v1/approval-matrices/"
OTHERS = {"kind": "", "people": 1, "roles": []}


def page(version):
    return reverse("admin:config_approvalmatrixversion_change", args=(version.pk,))


def rows(version):
    found = ApprovalDemand.objects.filter(version=version.pk).order_by("kind")
    return list(found.values_list("kind", "people", "roles"))


def state(version):
    return ApprovalMatrixVersion.objects.get(pk=version.pk).state


def test_is_shipped_once_for_the_whole_enterprise(shipped):
    assert seed_approval_matrix(make.system()) is None

    assert ApprovalMatrixVersion.objects.count() == 1
    assert shipped.policy.freedom == Freedom.LOCKED
    assert matrix_in_force().by_kind == {"": Demand(1, ())}


def test_is_no_units(shipped, people):
    with pytest.raises(Refused) as refusal:
        propose(ApprovalMatrixVersion, "default", actor=people.author, unit=make.unit("retail"))

    assert refusal.value.public_code == "policy_locked"


def test_is_written_in_a_form_of_dropdowns(shipped, people):
    browser = make.browser(people.author)
    draft = new_draft(shipped.policy, actor=people.author)
    shown = browser.get(page(draft)).content.decode()
    assert "Every other kind" in shown
    assert "Escalation policies" in shown
    assert "Compliance officer" in shown

    answer = save(
        browser, page(draft), change_reason="Stricter",
        **{
            "demands-1-kind": "escalation_policy",
            "demands-1-people": "2",
            "demands-1-roles": ["legal", "compliance_officer"],
        },
    )  # fmt: skip

    assert answer.status_code == 302, answer.context["errors"]
    assert rows(draft) == [
        ("", 1, []),
        ("escalation_policy", 2, ["legal", "compliance_officer"]),
    ]
    submit(draft, actor=people.author)
    shown = make.browser(people.paul).get(page(draft)).content.decode()
    assert "Escalation policies" in shown
    assert "Legal, Compliance officer" in shown


def test_takes_an_untouched_spare_row_for_none(shipped, people):
    draft = new_draft(shipped.policy, actor=people.author)

    answer = save(make.browser(people.author), page(draft), change_reason="Nothing new")

    assert answer.status_code == 302, answer.context["errors"]
    assert rows(draft) == [("", 1, [])]


def test_is_written_over_the_api(shipped, people):
    demands = [OTHERS, {"kind": "setting", "people": 3, "roles": ["legal"]}]

    answer = make.api(people.author).post(URL, {"demands": demands, "change_reason": "Stricter"})

    assert answer.status_code == 201, answer.json()
    made = ApprovalMatrixVersion.objects.get(pk=answer.json()["id"])
    assert rows(made) == [("", 1, []), ("setting", 3, ["legal"])]
    shown = make.api(people.paul).get(f"{URL}{made.pk}/").json()["demands"]
    assert {(each["kind"], each["people"], *each["roles"]) for each in shown} == {
        ("", 1), ("setting", 3, "legal"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "settings"},
        {"kind": "setting", "people": 0},
        {"kind": "setting", "people": 6},
        {"kind": "setting", "roles": ["king"]},
        {"kind": "setting", "roles": ["auditor"]},
    ],
)
def test_refuses_what_it_can_not_mean(shipped, people, row):
    answer = make.api(people.author).post(URL, {"demands": [row]})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert ApprovalMatrixVersion.objects.count() == 1


def test_refuses_two_rows_of_a_kind(shipped, people):
    answer = make.api(people.author).post(URL, {"demands": [OTHERS, OTHERS]})

    assert answer.status_code in (400, 409)
    assert ApprovalMatrixVersion.objects.count() == 1


def test_tells_the_difference_in_words(shipped, people):
    draft = matrix_draft(
        people.author,
        {"line": "every-other", **OTHERS},
        {"kind": "setting", "people": 2, "roles": ["legal"]},
    )

    (block,) = worded(shipped, draft)

    assert (block.title, block.what) == ("Settings", "added")
    assert {(line.field, line.new) for line in block.lines} == {
        ("Kind of policy", "Settings"), ("People", "2"), ("Among them", "Legal"),
    }  # fmt: skip


def test_governs_itself(demand, people):
    demand({"kind": "approval_matrix", "people": 2, "roles": ["legal"]}, OTHERS)
    looser = submit(matrix_draft(people.author, OTHERS), actor=people.author)

    approve(looser, actor=people.paul, content_hash=looser.content_hash)

    assert state(looser) == VersionState.IN_REVIEW
    approve(looser, actor=people.lee, content_hash=looser.content_hash)
    assert state(looser) == VersionState.APPROVED


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            {"kind": "", "people": 5, "roles": ["legal"]},
            "Every other kind: 5 different people must approve, and only 4 hold one of the roles "
            "on the whole enterprise.",
        ),
        (
            {"kind": "setting", "people": 1, "roles": ["executive"]},
            "Settings: nobody holds the role Executive on the whole enterprise.",
        ),
    ],
)
def test_is_not_activated_where_too_few_hold_the_roles(shipped, people, row, text):
    draft = submit(matrix_draft(people.author, row), actor=people.author)
    approve(draft, actor=people.paul, content_hash=draft.content_hash)

    with pytest.raises(Blocked) as refusal:
        activate(draft, actor=people.author)

    found = refusal.value.extra["blockers"]
    assert [(each["code"], each["text"]) for each in found] == [("approval_unattainable", text)]
    assert matrix_in_force().matrix == shipped.pk
    assert text in make.browser(people.author).get(page(draft)).content.decode()


def test_counts_members_of_teams_and_nobody_who_left_or_works_in_a_unit_alone(shipped, people):
    row = {"kind": "setting", "people": 1, "roles": ["executive"]}
    draft = matrix_draft(people.author, row)
    make.role(Role.EXECUTIVE, to=make.user("uwe"), on=make.unit("retail"))
    make.role(Role.EXECUTIVE, to=make.user("udo", is_active=False))
    make.role(Role.EXECUTIVE, to=make.service_account("robot"))
    assert len(activation_blockers(draft)) == 1

    held = make.role(Role.EXECUTIVE, to=make.team(members=(make.user("eve"),)))

    assert activation_blockers(draft) == []
    revoke_role(held, actor=people.paul, reason="Left")
    assert len(activation_blockers(draft)) == 1


def test_is_never_without_a_version(shipped, people):
    assert [each.code for each in blockers("policy.retire:approval_matrix", shipped)] == [
        "approval_matrix_needed"
    ]
    with pytest.raises(Blocked):
        retire(shipped, actor=people.paul, reason="No more")

    assert state(shipped) == VersionState.ACTIVE
    retire(matrix_draft(people.author, OTHERS), actor=people.author)


def test_lets_the_only_approver_set_it_up(shipped):
    first = make.superuser("first")
    make.role(Role.LEGAL, to=make.user("lee"))
    draft = matrix_draft(first, {**OTHERS, "people": 2, "roles": ["legal"]})
    submit(draft, actor=first)

    approve(draft, actor=first, content_hash=draft.content_hash)

    assert is_setup_mode()
    activate(draft, actor=first)
    assert matrix_in_force().of("setting") == Demand(2, ("legal",))
