"""Saved views in the admin: kept from above a list, renamed, shared, pinned and deleted here."""

from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.adminkit.base import OperationAdmin, Verb, VerbForm, display, register
from config.adminkit.matching import check_query, list_address, registered
from config.adminkit.queues import desk_of
from config.adminkit.scoping import actor_of, visible_rows
from config.organisation.models import Team
from config.workspace import operations
from config.workspace.models import SavedView


class RemoveForm(VerbForm):
    """Nothing to ask: the page itself is the question."""


def _edit(view: SavedView, *, actor: Any, changes: dict[str, Any], reason: str = "") -> None:
    if "query" in changes:
        check_query(view.model, changes["query"], actor)
    operations.edit_view(view, changes=changes, actor=actor, reason=reason)


@register(SavedView)
class SavedViewAdmin(OperationAdmin):
    """One's own views, and those shared with one's teams."""

    section = ""  # the sidebar's queues lead here
    icon = "bookmarks"
    empty_text = (
        "No saved view. Narrow any list by filters or words, then choose 'Save this view' above it."
    )
    list_display = ["name", "shown_list", "owner", "team", "is_pinned"]
    list_filter = ["team"]
    search_fields = ["name"]
    readonly_fields = ["owner", "shown_list", "opens", "is_pinned", "created_at"]
    fieldsets = [
        (None, {"fields": [("name", "team"), "query"]}),
        ("View", {"fields": [("shown_list", "opens"), ("owner", "is_pinned"), "created_at"]}),
    ]
    list_select_related = ["owner", "team"]
    ordering = ("name",)
    change_verb = "edit"
    edit_operation = _edit
    verbs = (
        Verb("pin", operations.pin, label="Pin to my sidebar"),
        Verb("unpin", operations.unpin, label="Unpin from my sidebar"),
        Verb(
            "remove",
            operations.remove_view,
            label="Delete this view",
            form=RemoveForm,
            danger=True,
            help="Nobody can open it any more. The records that it lists stay as they are.",
        ),
    )

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """One's own teams; a superuser may choose any."""
        if db_field.name == "team":
            actor = actor_of(request)
            own = actor.teams.all()
            kwargs["queryset"] = visible_rows(Team, request) if actor.is_superuser else own
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def may_do(self, request: HttpRequest, verb: Verb, obj: SavedView) -> bool:
        """Everybody arranges their own sidebar; the rest is its owner's."""
        if verb.name in ("pin", "unpin"):
            return obj.is_at_hand_of(actor_of(request))
        return super().may_do(request, verb, obj)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Each knowing whether the visitor's own sidebar shows it."""
        unpinned = desk_of(request).preferences.unpinned
        ids = [int(key.removeprefix("view/")) for key in unpinned if key.startswith("view/")]
        pinned = ExpressionWrapper(~Q(pk__in=ids), output_field=BooleanField())
        return super().get_queryset(request).annotate(pinned=pinned)

    def verbs_from(self, obj: Any) -> list[str]:
        """In the sidebar, or out of it."""
        return ["unpin" if obj.pinned else "pin", "remove"]

    @display(description="In my sidebar", boolean=True)
    def is_pinned(self, view: Any) -> bool:
        """Whether the visitor's sidebar shows it."""
        return bool(view.pinned)

    @display(description="List")
    def shown_list(self, view: SavedView) -> str:
        """The list that it narrows, by the name of the sidebar."""
        found = registered(view.model)
        return found.plural if found is not None else view.model

    @display(description="Open")
    def opens(self, view: SavedView) -> SafeString | str:
        """The list as the view shows it."""
        found = registered(view.model)
        if found is None:
            return "Its list is not there any more."
        return format_html('<a href="{}?{}">Open the list</a>', list_address(found), view.query)
