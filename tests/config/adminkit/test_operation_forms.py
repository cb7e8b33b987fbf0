"""Forms, verbs and bulk actions call operations, and say in words what was refused."""

import html
import re

import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.urls import reverse

from config.access.models import RoleAssignment
from config.access.rules import Role
from config.events.models import Event
from config.organisation import operations
from config.organisation.models import BusinessUnit, Membership, Team, User
from config.origin import Origin
from tests.config import make
from tests.config.adminkit import forms

pytestmark = pytest.mark.django_db


def change(row: Team | User | BusinessUnit) -> str:
    return reverse(f"admin:config_{row._meta.model_name}_change", args=(row.pk,))


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_edits_by_the_operation(root: User, payments: Team):
    answer = forms.save(
        make.browser(root), change(payments), name="Payments 2", edit_reason="renamed"
    )

    assert answer.status_code == 302, forms.errors(answer)
    row = payments.history.first()
    event = Event.objects.filter(kind="team.edited").get()
    assert (row.name, row.history_user, row.history_change_reason) == (
        "Payments 2",
        root,
        "renamed",
    )
    assert (row.origin, event.origin) == (Origin.ADMIN, Origin.ADMIN)
    assert event.data == {"fields": ["name"]}


def test_records_nothing_when_nothing_was_changed(root: User, payments: Team):
    before = payments.history.count()

    forms.save(make.browser(root), change(payments), edit_reason="no change")

    assert payments.history.count() == before


def test_refuses_a_form_older_than_the_record(root: User, alice: User, payments: Team):
    client = make.browser(root)
    values = forms.held(client, change(payments))
    operations.edit_team(payments, changes={"name": "First"}, actor=alice)

    answer = client.post(change(payments), values | {"name": "Second"})

    assert "Alice Abel saved this record" in str(forms.errors(answer))
    payments.refresh_from_db()
    assert payments.name == "First"


def test_shows_a_refusal_beside_its_field(root: User, retail: BusinessUnit):
    below = make.unit("below", parent=retail)

    answer = forms.save(make.browser(root), change(retail), parent=below.pk)

    assert forms.errors(answer) == {
        "parent": ["That unit lies below this one; choose another parent."]
    }
    retail.refresh_from_db()
    assert retail.parent != below


def test_shows_a_constraint_as_words(root: User, payments: Team):
    answer = forms.save(
        make.browser(root),
        reverse("admin:config_team_add"),
        key="payments",
        name="Again",
        unit=payments.unit_id,
    )

    assert "A team with this key exists." in str(forms.errors(answer))
    assert Team.objects.filter(key="payments").count() == 1


def test_adds_by_the_operation(root: User, retail: BusinessUnit):
    answer = forms.save(
        make.browser(root), reverse("admin:config_team_add"), key="new", name="New", unit=retail.pk
    )

    assert answer.status_code == 302, forms.errors(answer)
    made = Team.objects.get(key="new")
    assert Event.objects.filter(kind="team.created", subject_id=made.pk, actor=root).count() == 1


def test_takes_child_rows_in_and_out(root: User, payments: Team, bob: User, mallory: User):
    client = make.browser(root)

    forms.save(client, change(payments), **{
        "memberships-TOTAL_FORMS": 2, "memberships-1-user": mallory.pk,
        "memberships-1-team": payments.pk, "memberships-0-DELETE": "on",
    })  # fmt: skip

    assert [row.user for row in Membership.objects.filter(team=payments)] == [mallory]
    kinds = Event.objects.filter(origin=Origin.ADMIN).values_list("kind", flat=True)
    assert sorted(kinds) == ["team.member_added", "team.member_removed"]


def test_does_a_verb(root: User, bob: User):
    answer = make.browser(root).post(
        reverse("admin:config_user_verb", args=(bob.pk, "deactivate")), {"reason": "left"}
    )

    bob.refresh_from_db()
    assert (answer.status_code, bob.is_active) == (302, False)
    assert Event.objects.filter(kind="user.deactivated", reason="left", actor=root).count() == 1


def test_asks_for_the_reason_of_a_verb(root: User, bob: User):
    answer = make.browser(root).post(
        reverse("admin:config_user_verb", args=(bob.pk, "deactivate")), {"reason": " "}
    )

    bob.refresh_from_db()
    assert list(answer.context["form"].errors) == ["reason"]
    assert bob.is_active


def test_records_a_refusal_that_matters_to_security(root: User):
    answer = make.browser(root).post(
        reverse("admin:config_user_verb", args=(root.pk, "deactivate")), {"reason": "tired"}
    )

    assert "deactivate yourself" in str(answer.context["form"].errors)
    assert Event.objects.filter(kind="access.refused", actor=root).count() == 1


def test_offers_only_what_one_may_do(alice: User, bob: User, root: User):
    def titles(visitor: User) -> list[str]:
        page = make.browser(visitor).get(change(bob)).content.decode()
        panel = re.search(r'aria-label="What you can do".*?</section>', page, re.DOTALL)
        return re.findall(r"wb-button[^>]*>([^<]+)<", panel[0]) if panel else []

    assert titles(root) == ["Deactivate", "Set password"]
    assert titles(alice) == []


def test_needs_a_reason_for_a_bulk_action(root: User, bob: User):
    answer = bulk(root, "deactivate", [bob], reason="")

    bob.refresh_from_db()
    assert said(answer) == ["Deactivate: write a reason; nothing was done."]
    assert bob.is_active


def test_reports_a_bulk_action_row_by_row(root: User, alice: User, bob: User):
    answer = bulk(root, "deactivate", [alice, bob, root], reason="reorganised")

    alice.refresh_from_db()
    assert not alice.is_active
    results = [(str(result.row), result.refusal) for result in answer.context["results"]]
    refusal = "You can't deactivate yourself; ask a colleague."
    assert results[0] == ("Root", refusal)
    assert sorted(results[1:]) == [("Alice Abel", ""), ("Bob Berg", "")]
    assert (answer.context["done"], answer.context["refused"]) == (2, 1)
    assert refusal in text_of(answer)


def test_checks_the_right_on_each_row_of_a_bulk_action(mallory: User):
    answer = bulk(mallory, "deactivate", [mallory], reason="why not")

    mallory.refresh_from_db()
    assert mallory.is_active
    (result,) = answer.context["results"]
    assert result.refusal == "you don't have the right to do this"


def test_goes_back_to_the_list_where_a_few_were_all_done(root: User, bob: User):
    answer = bulk(root, "deactivate", [bob], reason="reorganised")

    assert (answer.status_code, said(answer)) == (302, ["Deactivate: 1 done."])


def test_asks_again_before_it_does_something_to_many(
    root: User, bob: User, alice: User, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("config.adminkit.bulk.ASKED_ABOVE", 1)

    question = bulk(root, "deactivate", [alice, bob], reason="reorganised")
    held = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text_of(question)))
    bob.refresh_from_db()
    untouched = bob.is_active
    answer = bulk(root, held["action"], [alice, bob], reason=held["reason"], confirmed="yes")

    assert "Deactivate these 2?" in text_of(question)
    assert untouched
    assert answer.context["done"] == 2
    bob.refresh_from_db()
    assert not bob.is_active
    assert bob.history.first().history_change_reason == "reorganised"


def test_does_nothing_to_more_than_it_can_report(
    root: User, bob: User, alice: User, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("config.adminkit.bulk.MOST", 1)

    answer = bulk(root, "deactivate", [alice, bob], reason="reorganised", confirmed="yes")

    assert said(answer) == ["Deactivate: select at most 1 rows; nothing was done."]
    bob.refresh_from_db()
    assert bob.is_active


@pytest.mark.parametrize("chosen", ["x", "1.5", "9" * 40, ""])
def test_says_that_it_can_not_read_the_choice(root: User, bob: User, chosen: str):
    values = {"action": "deactivate", "reason": "why not", "_selected_action": [chosen]}

    answer = make.browser(root).post(reverse("admin:config_user_changelist"), values)

    assert answer.status_code == 302
    bob.refresh_from_db()
    assert bob.is_active


def test_grants_a_role_on_a_place_one_manages(root: User, bob: User, payments: Team):
    values = {"role": role_id(Role.DUTY_MANAGER), "person": bob.pk, "team": "",
              "container": f"team:{payments.pk}", "starts_at_0": "2026-01-01",
              "starts_at_1": "00:00:00", "until_0": "", "until_1": "",
              "reason": "stands in"}  # fmt: skip

    answer = make.browser(root).post(reverse("admin:config_roleassignment_add"), values)

    assert answer.status_code == 302
    assert RoleAssignment.objects.filter(person=bob, role__name=Role.DUTY_MANAGER).count() == 1


def role_id(role: Role) -> int:
    return Group.objects.get(name=role).pk


def bulk(visitor: User, action: str, rows: list[User], *, reason: str, **more: str):
    chosen = {"action": action, "reason": reason, "_selected_action": [row.pk for row in rows]}
    return make.browser(visitor).post(reverse("admin:config_user_changelist"), chosen | more)


def text_of(answer) -> str:
    return html.unescape(answer.content.decode())
