"""Keeping views, sharing them, and choosing how one works: one function each."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from config.audit.tracking import lock
from config.errors import Invalid, NotAllowed, Refused
from config.events.operations import record
from config.organisation.models import Team, User
from config.workspace.models import Preferences, SavedView
from config.workspace.rules import MOST_VIEWS, normal

EDITABLE = frozenset({"name", "query", "team"})


@transaction.atomic
def save_view(
    *, model: str, name: str, query: str, actor: User, team: Team | None = None
) -> SavedView:
    """Keep a list's filters under a name, for oneself or for a team that one is a member of.

    Raises `Refused` (`view_too_many`) beyond 50 views.
    """
    lock(actor)  # one after the other, so that the limit holds
    if SavedView.objects.filter(owner=actor).count() >= MOST_VIEWS:
        text = f"You keep {MOST_VIEWS} views already: delete one that you don't use."
        raise Refused(text, code="view_too_many")
    _require_member(team, actor)
    view = SavedView(owner=actor, team=team, model=model, name=name.strip(), query=normal(query))
    view.full_clean()
    view.save_as(actor)
    record("view.saved", view, actor=actor, model=model, team_id=team.pk if team else None)
    return view


@transaction.atomic
def edit_view(
    view: SavedView, *, changes: Mapping[str, Any], actor: User, reason: str = ""
) -> None:
    """Rename it, change its filters, share it with a team, or take it back."""
    lock(view)
    unknown = set(changes) - EDITABLE
    if unknown:
        raise Invalid(f"This can't be changed: {', '.join(sorted(unknown))}.")
    if "team" in changes and changes["team"] != view.team:
        _require_member(changes["team"], actor)
    for field, value in changes.items():
        setattr(view, field, value)
    view.name, view.query = view.name.strip(), normal(view.query)
    view.full_clean()
    view.save_as(actor, *changes, reason=reason)
    record("view.edited", view, actor=actor, reason=reason, fields=sorted(changes))


@transaction.atomic
def remove_view(view: SavedView, *, actor: User, reason: str = "") -> None:
    """Delete it; its history stays."""
    lock(view)
    record("view.removed", view, actor=actor, reason=reason, model=view.model)
    view.delete_as(actor, reason=reason)


@transaction.atomic
def pin(view: SavedView, *, actor: User) -> None:
    """Show it in the actor's own sidebar."""
    _require_at_hand(view, actor)
    _set_pinned([view.key], [], actor)


@transaction.atomic
def unpin(view: SavedView, *, actor: User) -> None:
    """Take it out of the actor's own sidebar; others keep it."""
    _require_at_hand(view, actor)
    _set_pinned([], [view.key], actor)


@transaction.atomic
def set_preferences(*, list_keys: bool, unpinned: Collection[str], actor: User) -> Preferences:
    """Switch single-key shortcuts, and say which queues the sidebar leaves out."""
    return _save(_locked_preferences(actor), actor, unpinned, list_keys=list_keys)


def _set_pinned(pinned: Collection[str], unpinned: Collection[str], actor: User) -> None:
    row = _locked_preferences(actor)
    _save(row, actor, {*row.unpinned, *unpinned} - {*pinned})


def _locked_preferences(actor: User) -> Preferences:
    """Those of the actor, whose row is locked: they may have none yet."""
    lock(actor)
    return Preferences.of(actor)


def _save(row: Preferences, actor: User, unpinned: Collection[str], **values: bool) -> Preferences:
    # Only the history says it: no event, as it concerns nobody else.
    row.unpinned = sorted(unpinned)
    for field, value in values.items():
        setattr(row, field, value)
    row.full_clean()
    return row.save_as(actor)


def _require_at_hand(view: SavedView, actor: User) -> None:
    if not view.is_at_hand_of(actor):
        raise NotAllowed("It is a view of a team that you aren't in: save one of your own.")


def _require_member(team: Team | None, actor: User) -> None:
    if team is None or actor.is_superuser or team.memberships.filter(user=actor).exists():
        return
    raise NotAllowed(
        "You can share a view with a team that you are a member of.",
        code="view_team_not_yours",
        field="team",
    )
