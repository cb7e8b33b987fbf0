"""Saved views over the API: read, kept, shared, pinned, deleted, and counted."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.adminkit.matching import check_query, registered, rows_of
from config.adminkit.queues import COUNTED_TO
from config.apikit.serializers import Input, Ref
from config.apikit.views import OPEN, VIEW, Creates, Edits, Histories, Removes, Resource, verb
from config.organisation.models import Team, User
from config.workspace import operations
from config.workspace.models import Preferences, SavedView
from config.workspace.rules import LONGEST_NAME, LONGEST_QUERY

QUERY_HELP = "What stands after the question mark of the list's address in the admin."


class SavedViewOut(serializers.ModelSerializer[SavedView]):
    """A list's filters under a name."""

    owner = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    team = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    pinned = serializers.SerializerMethodField(help_text="Whether your own sidebar shows it.")
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = SavedView
        fields = read_only_fields = (
            "id", "model", "name", "query", "owner", "team", "pinned", "created_at", "version",
        )  # fmt: skip

    def get_pinned(self, view: SavedView) -> bool:
        """By the caller's own preferences, read once for all rows."""
        context: Any = self.context
        if "unpinned" not in context:
            context["unpinned"] = set(Preferences.of(context["request"].user).unpinned)
        return view.key not in context["unpinned"]


class SavedViewIn(Input):
    """A view of a list that the caller may open."""

    model = serializers.CharField(max_length=80, help_text="Such as incidents.incident.")
    name = serializers.CharField(max_length=LONGEST_NAME)
    query = serializers.CharField(max_length=LONGEST_QUERY, help_text=QUERY_HELP)
    team = Ref(Team, required=False, allow_null=True, help_text="A team of yours; none: only you.")


class SavedViewEditIn(Input):
    """What can be changed; the list stays."""

    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    query = serializers.CharField(max_length=LONGEST_QUERY, required=False, help_text=QUERY_HELP)
    team = Ref(Team, required=False, allow_null=True)


class CountOut(serializers.Serializer[Any]):
    """How many rows the caller finds in a view."""

    count = serializers.IntegerField(read_only=True, help_text=f"At most {COUNTED_TO}.")
    more = serializers.BooleanField(read_only=True, help_text="Whether there are more than that.")


class SavedViewFilters(django_filters.FilterSet):
    """Which views."""

    model = django_filters.CharFilter(label="The list, such as incidents.incident.")
    team = django_filters.CharFilter(field_name="team__key", label="Key of a team.")
    owner = django_filters.CharFilter(field_name="owner__username", label="User name.")


class SavedViewViewSet(Creates, Edits, Removes, Histories, Resource[SavedView]):
    """One's own views, and those shared with teams that one may see."""

    model = SavedView
    out = SavedViewOut
    inputs = {"create": SavedViewIn, "partial_update": SavedViewEditIn}
    filterset_class = SavedViewFilters
    derived = True  # each caller has their own `pinned`
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW, "count": VIEW, "create": OPEN,
        "partial_update": "edit", "destroy": "remove", "pin": VIEW, "unpin": VIEW,
    }  # fmt: skip

    def shown(self, rows: QuerySet[SavedView]) -> QuerySet[SavedView]:
        """With the names."""
        return rows.select_related("owner", "team")

    def perform_create(self, data: dict[str, Any], actor: User) -> SavedView:
        """Keep it, if the list can show it."""
        check_query(data["model"], data["query"], actor)
        return operations.save_view(actor=actor, **data)

    def perform_edit(self, row: SavedView, data: dict[str, Any], actor: User) -> None:
        """Rename, share or narrow it."""
        if "query" in data:
            check_query(row.model, data["query"], actor)
        operations.edit_view(row, changes=data, actor=actor)

    def perform_remove(self, row: Any, actor: User) -> None:
        """Delete it; its history stays."""
        operations.remove_view(row, actor=actor)

    @verb()
    def pin(self, row: SavedView, data: dict[str, Any], actor: User) -> None:
        """Show it in one's own sidebar."""
        operations.pin(row, actor=actor)

    @verb()
    def unpin(self, row: SavedView, data: dict[str, Any], actor: User) -> None:
        """Take it out of one's own sidebar."""
        operations.unpin(row, actor=actor)

    @extend_schema(responses=CountOut)
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def count(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How many of its rows the caller may see, counted up to a hundred."""
        view = self.get_object()
        user: Any = request.user
        check_query(view.model, view.query, user)
        rows = rows_of(registered(view.model), user, view.query).order_by()
        found = rows[: COUNTED_TO + 1].count()
        return Response({"count": min(found, COUNTED_TO), "more": found > COUNTED_TO})
