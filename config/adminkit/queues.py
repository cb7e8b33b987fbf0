"""Queues: the lists with filters that one works through, in the sidebar and above their list.

An admin class ships its own; the rest are saved views of oneself and of one's teams:

    queues = (Queue("unassigned", "Unassigned", "attention=unacknowledged"),)
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.admin import site
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from config.access.visibility import Access
from config.adminkit.matching import UnfitAddress, list_address, rows_of
from config.adminkit.scoping import access_of, actor_of
from config.errors import Invalid
from config.organisation.models import User
from config.workspace.models import Preferences, SavedView
from config.workspace.rules import is_same

COUNTED_TO = 100
KEPT_SECONDS = 30
ICON, SAVED_ICON, SHARED_ICON = "inbox", "bookmark", "group"


@dataclass(frozen=True)
class Queue:
    """A view that ships with a list. `query` is what stands after the question mark."""

    key: str
    title: str
    query: str
    icon: str = ICON


@dataclass(frozen=True)
class Entry:
    """A queue as one visitor finds it."""

    key: str
    title: str
    query: str
    icon: str
    model_admin: Any
    is_pinned: bool
    view: SavedView | None = None

    @property
    def link(self) -> str:
        """The list with its filters."""
        return f"{list_address(self.model_admin)}?{self.query}"

    def is_open_in(self, request: HttpRequest) -> bool:
        """Whether the page shows just this."""
        here = request.path == list_address(self.model_admin)
        return here and is_same(self.query, request.GET.urlencode())

    def count(self, user: User) -> str:
        """How many rows the user finds in it: '12', '99+', or nothing for a view that broke."""
        try:
            rows = rows_of(self.model_admin, user, self.query)
        except (UnfitAddress, Invalid):
            return ""
        found = rows.order_by()[:COUNTED_TO].count()
        return f"{COUNTED_TO - 1}+" if found == COUNTED_TO else str(found)


class Desk:
    """What one visitor works with: preferences and queues, read once a request."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = actor_of(request)

    @cached_property
    def preferences(self) -> Preferences:
        """How the visitor likes to work."""
        return Preferences.of(self.user)

    @cached_property
    def entries(self) -> list[Entry]:
        """Those that ship with lists which the visitor may open, then the saved ones."""
        return [*self._shipped(), *self._saved()]

    @property
    def pinned(self) -> list[Entry]:
        """Those of the sidebar."""
        return [entry for entry in self.entries if entry.is_pinned]

    def of_list(self, model_admin: Any) -> list[Entry]:
        """Those of one list."""
        return [entry for entry in self.entries if entry.model_admin is model_admin]

    def _shipped(self) -> list[Entry]:
        return [
            self._entry(f"{_label(each)}/{queue.key}", queue.title, queue.query, queue.icon, each)
            for each in site._registry.values()
            if getattr(each, "queues", ()) and each.has_module_permission(self.request)
            for queue in each.queues  # type: ignore[attr-defined]  # BaseAdmin's
        ]

    def _saved(self) -> list[Entry]:
        lists = {_label(each): each for each in site._registry.values()}
        views = SavedView.objects.at_hand_of(self.user).order_by("name", "pk")
        return [
            self._entry(
                view.key, view.name, view.query, _icon(view, self.user), lists[view.model], view
            )
            for view in views
            if view.model in lists and lists[view.model].has_module_permission(self.request)
        ]

    def _entry(
        self, key: str, title: str, query: str, icon: str, model_admin: Any,
        view: SavedView | None = None,
    ) -> Entry:  # fmt: skip
        is_pinned = key not in self.preferences.unpinned
        return Entry(key, title, query, icon, model_admin, is_pinned, view)


def desk_of(request: HttpRequest) -> Desk:
    """The visitor's desk."""
    found = getattr(request, "_watchbill_desk", None)
    if found is None:
        found = Desk(request)
        request._watchbill_desk = found  # type: ignore[attr-defined]  # kept for this request
    return found


def sidebar_group(request: HttpRequest) -> dict[str, Any] | None:
    """The pinned queues, for the navigation; nothing where there are none."""
    items = [
        {
            "title": entry.title,
            "link": entry.link,
            "icon": entry.icon,
            "active": entry.is_open_in(request),
            "queue": entry.key,
        }
        for entry in desk_of(request).pinned
    ]
    if not items:
        return None
    views = {"title": "Saved views", "icon": "bookmarks", "link": _saved_views()}
    return {"title": "Queues", "icon": "inbox", "open": True, "items": [*items, views]}


def counts(request: HttpRequest) -> JsonResponse:
    """How many rows lie in each pinned queue: counted anew after 30 s, or when rights change."""
    desk = desk_of(request)
    key = _cache_key(desk, access_of(request))
    found = cache.get(key)
    if found is None:
        found = {entry.key: entry.count(desk.user) for entry in desk.pinned}
        cache.set(key, found, KEPT_SECONDS)
    return JsonResponse(found)


def _cache_key(desk: Desk, access: Access) -> str:
    parts = [f"{entry.key} {entry.query}" for entry in desk.pinned]
    teams = sorted(desk.user.memberships.values_list("team_id", flat=True))
    whole = "\n".join([*parts, access.stamp, str(teams)])
    return f"queues:{desk.user.pk}:{hashlib.sha256(whole.encode()).hexdigest()}"


def _saved_views() -> str:
    return reverse("admin:config_savedview_changelist")


def _label(model_admin: Any) -> str:
    return str(model_admin.opts.label_lower)


def _icon(view: SavedView, user: User) -> str:
    return SHARED_ICON if view.owner_id != user.pk else SAVED_ICON
