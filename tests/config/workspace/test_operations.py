"""Views are kept, shared and deleted with a history; preferences are each person's own."""

import pytest
from django.core.exceptions import ValidationError

from config.errors import Invalid, NotAllowed, Refused
from config.events.models import Event
from config.organisation.models import Team, User
from config.workspace import operations
from config.workspace.models import Preferences, SavedView
from config.workspace.rules import MOST_VIEWS

pytestmark = pytest.mark.django_db
LIST = "incidents.incident"


@pytest.fixture
def view(alice: User, payments: Team) -> SavedView:
    return operations.save_view(
        model=LIST, name="Storms", query="q=storm", team=payments, actor=alice
    )


def test_keeps_a_view_with_its_history(alice: User) -> None:
    made = operations.save_view(model=LIST, name=" Storms ", query="?q=storm&p=2", actor=alice)

    stored = SavedView.objects.get()
    assert stored == made
    assert (stored.name, stored.query, stored.owner, stored.team) == (
        "Storms", "q=storm", alice, None,
    )  # fmt: skip
    assert made.history.get().history_user == alice
    assert Event.objects.get(kind="view.saved").subject_id == made.pk


def test_refuses_a_second_view_of_that_name_on_the_list(view: SavedView, alice: User) -> None:
    with pytest.raises(ValidationError, match="of this name on this list"):
        operations.save_view(model=LIST, name="Storms", query="q=x", actor=alice)

    operations.save_view(model="incidents.alert", name="Storms", query="q=x", actor=alice)
    assert SavedView.objects.count() == 2


def test_refuses_a_view_without_a_name(alice: User) -> None:
    with pytest.raises(ValidationError):
        operations.save_view(model=LIST, name="  ", query="q=x", actor=alice)


def test_refuses_one_view_too_many(alice: User) -> None:
    for number in range(MOST_VIEWS):
        operations.save_view(model=LIST, name=f"View {number}", query="q=x", actor=alice)

    with pytest.raises(Refused) as refusal:
        operations.save_view(model=LIST, name="One more", query="q=x", actor=alice)

    assert refusal.value.public_code == "view_too_many"


def test_shares_only_with_a_team_of_ones_own(mallory: User, payments: Team) -> None:
    with pytest.raises(NotAllowed) as refusal:
        operations.save_view(model=LIST, name="Mine", query="q=x", team=payments, actor=mallory)

    assert refusal.value.public_code == "view_team_not_yours"
    assert not SavedView.objects.exists()


def test_renames_and_takes_back(view: SavedView, alice: User) -> None:
    operations.edit_view(view, changes={"name": "Old storms", "team": None}, actor=alice)

    view.refresh_from_db()
    assert (view.name, view.team, view.revision) == ("Old storms", None, 2)
    assert Event.objects.get(kind="view.edited").data == {"fields": ["name", "team"]}


def test_changes_nothing_but_what_can_be_changed(view: SavedView, alice: User, bob: User) -> None:
    with pytest.raises(Invalid):
        operations.edit_view(view, changes={"owner": bob}, actor=alice)


def test_deletes_a_view_and_keeps_its_history(view: SavedView, alice: User) -> None:
    history = SavedView.history.filter(id=view.pk)

    operations.remove_view(view, actor=alice, reason="nobody uses it")

    assert not SavedView.objects.exists()
    assert [row.history_type for row in history] == ["-", "+"]
    assert Event.objects.get(kind="view.removed").reason == "nobody uses it"


def test_pins_for_one_person_alone(view: SavedView, alice: User, bob: User) -> None:
    operations.unpin(view, actor=bob)
    operations.unpin(view, actor=bob)

    assert Preferences.of(bob).unpinned == [view.key]
    assert Preferences.of(alice).unpinned == []
    operations.pin(view, actor=bob)
    assert Preferences.of(bob).unpinned == []


def test_pins_nothing_that_is_not_at_hand(view: SavedView, carol: User) -> None:
    with pytest.raises(NotAllowed):
        operations.pin(view, actor=carol)


def test_keeps_preferences_with_their_history(alice: User) -> None:
    assert Preferences.of(alice).list_keys

    operations.set_preferences(list_keys=False, unpinned=["a/b"], actor=alice)

    kept = Preferences.of(alice)
    assert (kept.list_keys, kept.unpinned) == (False, ["a/b"])
    assert kept.history.get().history_user == alice


def test_shows_a_view_to_its_owner_and_to_whom_it_was_shared_with(
    view: SavedView, alice: User, bob: User, carol: User, mallory: User, root: User
) -> None:
    private = operations.save_view(model=LIST, name="Mine", query="q=x", actor=alice)
    people = (alice, bob, carol, mallory, root)

    seen = {person: set(SavedView.objects.visible_to(person)) for person in people}
    at_hand = {person: set(SavedView.objects.at_hand_of(person)) for person in people}

    assert seen == {
        alice: {view, private}, bob: {view}, carol: {view}, mallory: set(), root: {view, private},
    }  # fmt: skip
    assert at_hand == {
        alice: {view, private}, bob: {view}, carol: set(), mallory: set(), root: set(),
    }  # fmt: skip
