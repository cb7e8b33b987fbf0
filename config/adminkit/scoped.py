"""Below all admin classes: scoped by what the visitor may see, and closed to deletion."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import Media
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from config.access.masking import masked, masked_in_lists
from config.access.reading import note_reads
from config.access.restricted import traced
from config.access.rules import Level
from config.adminkit import lists, live
from config.adminkit.changes import set_changes
from config.adminkit.columns import display, selection_box
from config.adminkit.filters import has_related, scoped_filters
from config.adminkit.matching import UnfitAddress
from config.adminkit.paginator import CappedChangeList, CappedPaginator
from config.adminkit.queues import Queue
from config.adminkit.scoping import access_of, actor_of, is_scoped, oversees, visible_rows
from config.adminkit.scripts import SLUG_SCRIPTS, without

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _Base = ModelAdmin[Any]
else:

    class _Base(SimpleHistoryAdmin, UnfoldModelAdmin):
        """Unfold's look over simple-history's pages."""


class BaseAdmin(_Base):
    """Scoped reading for every model; changes only through a subclass that knows operations."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering: ClassVar[Any] = ("-pk",)
    warn_unsaved_form = True
    history_list_display: ClassVar[list[str]] = ["origin"]
    object_history_list_template = "adminkit/history_list.html"
    list_before_template = "adminkit/above_list.html"
    show_facets: ClassVar[Any] = None
    list_sections: ClassVar[Any] = ()
    list_filter_submit = False
    list_defer: ClassVar[tuple[str, ...]] = ()  # long fields that the list doesn't show

    # How the sidebar names and orders it, and what an empty list says to do next.
    nav_title: ClassVar[str] = ""
    nav_order: ClassVar[int] = 50
    icon: ClassVar[str] = ""
    empty_text: ClassVar[str] = ""

    # The queues that ship with the list, and whether the list tells what changed (tracked models).
    queues: ClassVar[tuple[Queue, ...]] = ()
    is_live: ClassVar[bool] = False

    change_verb: ClassVar[str] = ""
    add_level: ClassVar[Level | None] = None
    add_roles: ClassVar[tuple[str, ...]] = ()

    # Reading

    @property
    def plural(self) -> str:
        """The records by the name that sidebar and titles use."""
        name = self.nav_title or str(self.opts.verbose_name_plural)
        return name[:1].upper() + name[1:]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        """A list that knows whether it shows everything."""
        return CappedChangeList

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list; `UnfitAddress` where its address asks for what the list doesn't know."""
        return lists.checked(self, request, super().get_changelist_instance)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list below its queues. What no longer fits an address is said, and left out."""
        context = {**lists.above(self, request), **(extra_context or {})}
        try:
            page: HttpResponse = self._noted(request, super().changelist_view(request, context))
        except UnfitAddress as error:
            if not request.GET:
                raise
            return lists.without_what_is_unfit(request, error)
        return page

    def _noted(self, request: HttpRequest, answer: Any) -> Any:
        """Restricted records on the page leave a trace."""
        found = (getattr(answer, "context_data", None) or {}).get("cl")
        if found is not None:
            note_reads(found.result_list, request)
        return answer

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Do it to the chosen rows, if those can be rows."""
        if lists.refuse_unreadable_choice(self, request):
            return None
        return super().response_action(request, queryset, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        """With the address that a live list asks."""
        urls: list[URLPattern] = super().get_urls()
        if not self.is_live:
            return urls
        name = f"{self.opts.app_label}_{self.opts.model_name}_live"
        return [path("live/", self.admin_site.admin_view(self.live_view), name=name), *urls]

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """What the list shows now, for the page that shows it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return live.answer(self, request)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Only what the visitor may see, for lists, forms, pickers, search and palette alike."""
        rows = traced(visible_rows(self.model, request))
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """By full text where the model offers `matching`."""
        matching = getattr(queryset, "matching", None)
        if matching is not None and search_term.strip():
            return matching(search_term), False
        return super().get_search_results(request, queryset, search_term)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Filters by a related record offer only the records that the visitor may see.

        None asks for what is masked in some row: its answers would tell.
        """
        hidden = masked_in_lists(access_of(request), self.model)
        offered = [each for each in super().get_list_filter(request) if _name(each) not in hidden]
        return scoped_filters(self.model, offered)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without columns that are masked in some row."""
        hidden = masked_in_lists(access_of(request), self.model)
        return [each for each in super().get_list_display(request) if each not in hidden]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the fields of the row that the visitor may not read; what has none can't say."""
        declared = super().get_fieldsets(request, obj)
        hidden = frozenset() if obj is None else masked(access_of(request), obj)
        if not hidden:
            return declared
        return [
            (title, {**options, "fields": _shown(options["fields"], hidden)})
            for title, options in declared
        ]

    @property
    def media(self) -> Media:
        """With what a filter by searching needs; without what makes slugs where no form has any."""
        found: Media = super().media
        if not self.prepopulated_fields:
            found = without(found, SLUG_SCRIPTS)
        if self.list_filter_submit and has_related(self.model, self.list_filter):
            found += Media(AutocompleteDropdownForm.Media)
        return found

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A picker offers, and a form accepts, only what the visitor may see."""
        kwargs.setdefault("queryset", visible_rows(db_field.remote_field.model, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """As for foreign keys."""
        kwargs.setdefault("queryset", visible_rows(db_field.remote_field.model, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def required_object(self, request: HttpRequest, object_id: str) -> Any:
        """The row, or 404: what one may not see isn't there."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404(f"There is no {self.opts.verbose_name} here.")
        note_reads([obj], request)
        request._watchbill_record = obj  # type: ignore[attr-defined]  # a refusal will be about it
        return obj

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Open the form; a restricted record's reader leaves a trace."""
        if object_id is not None:
            self.required_object(request, object_id)
        context: dict[str, Any] = {"show_history": self.is_tracked}
        if object_id is not None:
            context["title"] = self.plural  # the page names the record itself
        context |= extra_context or {}
        return super().changeform_view(request, object_id, form_url, context)

    @display(description=UnfoldModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: models.Model) -> SafeString:
        """The box that chooses the row."""
        return selection_box(obj.pk)

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """On the page that adds a record, only the rows that can be added with it."""
        found = super().get_inline_instances(request, obj)
        return [each for each in found if obj is not None or each.has_add_permission(request, obj)]

    # History

    @property
    def is_tracked(self) -> bool:
        """Whether the model keeps a history."""
        return hasattr(self.model._meta, "simple_history_manager_attribute")

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who changed what; simple-history alone would show it of invisible rows too."""
        self.required_object(request, object_id)
        if not self.is_tracked:
            raise Http404(f"{self.opts.verbose_name_plural} keep no history.")
        return super().history_view(request, object_id, extra_context)

    def set_history_delta_changes(
        self, request: HttpRequest, historical_records: Any, foreign_keys_are_objs: bool = True
    ) -> None:
        """What differs, of every field that the visitor may read."""
        record = getattr(request, "_watchbill_record", None)
        hidden = frozenset() if record is None else masked(access_of(request), record)
        set_changes(historical_records, hidden=hidden)

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, **kwargs: Any
    ) -> HttpResponse:
        """Closed: the history list shows every field, and nothing is reverted past an operation."""
        raise Http404("The history page shows every change.")

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """A revert would be a change past the operations."""
        return True

    # Rights

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the model shows in menus."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff may open the list of a scoped model, and find in it what they may see."""
        user = actor_of(request)
        if not (user.is_active and user.is_staff):
            return False
        return user.is_superuser or self.view_check(request)

    def view_check(self, request: HttpRequest) -> bool:
        """Who may open the list: everybody, where something says which rows they see in it."""
        return is_scoped(self.model)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """`change_verb` on this row; superusers may, and operations still check duties."""
        if not self.change_verb or not self.has_view_permission(request, obj):
            return False
        return obj is None or access_of(request).may(self.change_verb, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Closed, unless a subclass knows how to create."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Records are ended by operations, and purged by retention; never deleted here."""
        return False

    def add_check(self, request: HttpRequest) -> bool:
        """Who may create: superusers, `add_level` on any container, or one of `add_roles`."""
        access = access_of(request)
        if actor_of(request).is_superuser:
            return True
        if self.add_level is not None:
            reach = access.containers(self.add_level)
            if reach.everything or reach.units or reach.teams or reach.services:
                return True
        return bool(self.add_roles) and access.holds(*self.add_roles)

    # Django's own log would be a second, unsealed truth beside history and events.

    def log_addition(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing: the history has it."""

    def log_change(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing: the history has it."""

    def log_deletions(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing: the history has it."""


class ReadOnlyAdmin(BaseAdmin):
    """For what nobody edits: events, deliveries, timelines, evidence."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class OversightAdmin(ReadOnlyAdmin):
    """The platform's own tables, for who audits or manages the whole enterprise."""

    def view_check(self, request: HttpRequest) -> bool:
        """Overseers only: these rows lie in no container."""
        return oversees(request)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """All rows but those that tell of restricted records, or none."""
        rows: models.QuerySet[Any] = self.model._default_manager.order_by(
            *self.get_ordering(request)
        )
        return traced(access_of(request).open_rows(rows)) if oversees(request) else rows.none()


def _name(offered: Any) -> Any:
    """Of a filter: the field's name, however it is declared."""
    return offered[0] if isinstance(offered, tuple) else offered


def _shown(fields: Any, hidden: frozenset[str]) -> list[Any]:
    """The fields of a set, which may stand together in one line."""
    lines = [_shown(each, hidden) if isinstance(each, (list, tuple)) else each for each in fields]
    return [each for each in lines if each and (isinstance(each, list) or each not in hidden)]
