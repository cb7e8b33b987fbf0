"""Policies of all kinds, the settings, and what waits for one's own hands on the home page."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget

from config import clock
from config.adminkit.base import (
    OperationAdmin,
    ReadOnlyInline,
    SimpleListFilter,
    access_of,
    actor_of,
    display,
    register,
    site,
    unit_shown,
)
from config.adminkit.home import Item, Section, home_section
from config.adminkit.navigation import title_of
from config.adminkit.policy import PolicyAdmin
from config.adminkit.policy_forms import DraftForm, NewPolicyForm
from config.adminkit.scoping import visible_rows
from config.events.operations import provides
from config.governance import registry
from config.governance.approving import approvers_named, brought_forward_by
from config.governance.as_of import MISREAD, held_at, page_of
from config.governance.content import concrete
from config.governance.forms import field_of
from config.governance.in_force import version_model
from config.governance.models import (
    Decision,
    Policy,
    PolicyVersion,
    SettingVersion,
    VersionState,
)
from config.governance.operations import is_own_work, own_among
from config.governance.rules import moment_of
from config.governance.setup import is_setup_mode
from config.governance.signing import FROZEN, all_signatories, capacities_of
from config.governance.wording import period_of
from config.organisation.models import BusinessUnit

MOST = 6
LOOKED_AT = 50


@provides("policy.kind_in_words")
def kind_in_words(kind: str) -> str:
    """As the sidebar names the kind."""
    model = version_model(kind)
    return title_of(model, site._registry.get(model))


class VersionInline(ReadOnlyInline):
    """Who changed it, when and why."""

    model = PolicyVersion
    fields = ("version_link", "state", "author", "created_at", "change_reason", "holds")
    readonly_fields = fields
    verbose_name_plural = "versions"
    show_change_link = False
    ordering = ("-number",)

    @display(description="Holds")
    def holds(self, version: PolicyVersion) -> str:
        """From when to when."""
        return period_of(version)

    @display(description="Version")
    def version_link(self, version: PolicyVersion) -> str:
        """Leads to the version's own page."""
        link = page_of(version)
        name = f"v{version.number}"
        return format_html('<a href="{}">{}</a>', link, name) if link else name


class KindFilter(SimpleListFilter):
    """Kinds by the names that the sidebar has for them."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Those of which there are policies."""
        kinds = Policy.objects.values_list("kind", flat=True).distinct()
        return sorted(((kind, kind_in_words(kind)) for kind in kinds), key=lambda row: row[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The policies of the kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


@register(Policy)
class AllPoliciesAdmin(OperationAdmin):
    """Every policy of every kind, with its versions."""

    nav_title = "All policies"
    icon = "policy"
    empty_text = "There is no policy. The first start adds those that are shipped."
    nav_order = 10
    list_display = ["title", "shown_kind", "key", unit_shown, "freedom"]
    list_filter = [KindFilter, "freedom", "unit"]
    list_select_related = ["unit"]
    search_fields = ["key", "title"]
    readonly_fields = ["shown_kind", "key", "place", "title", "units_may"]
    fields = ["title", "shown_kind", "key", "place", "units_may"]
    inlines = [VersionInline]
    list_before_template = "governance/above_list.html"

    def get_urls(self) -> list[URLPattern]:
        """With the page of what held at an instant."""
        view = self.admin_site.admin_view(self.as_of_view)
        return [path("as-of/", view, name="config_policy_as_of"), *super().get_urls()]

    def as_of_view(self, request: HttpRequest) -> TemplateResponse:
        """Which version of every policy was in force at `?at=`, for `?unit=`; without them now."""
        units = visible_rows(BusinessUnit, request).filter(parent__isnull=False).order_by("name")
        asked, key = request.GET.get("at", ""), request.GET.get("unit", "")
        at = moment_of(asked) if asked else clock.now()
        unit = next((each for each in units if each.key == key), None)
        problem = MISREAD if at is None else ""
        if key and unit is None:
            problem = "There is no such unit that you may see."
        rows = [] if problem or at is None else held_at(actor_of(request), at, unit)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Policies in force",
            "at": at,
            "units": units,
            "unit": unit,
            "problem": problem,
            "rows": [(kind_in_words(row.version.policy.kind), row) for row in rows],
        }
        return TemplateResponse(request, "governance/as_of.html", context)

    @display(description="What units may do")
    def units_may(self, policy: Policy) -> str:
        """In words, with the way to propose something else; a unit's own policy says nothing."""
        if policy.unit_id is not None:
            return ""
        link = f"{reverse('admin:config_freedomversion_add')}?about={policy.pk}"
        return format_html(
            '{}. <a href="{}">Propose something else</a>', policy.get_freedom_display(), link
        )

    @display(description="Kind", ordering="kind")
    def shown_kind(self, policy: Policy) -> str:
        """In words."""
        return kind_in_words(policy.kind)

    @display(description="Unit")
    def place(self, policy: Policy) -> str:
        """Where it holds."""
        return unit_shown(policy)


class NewSettingForm(NewPolicyForm):
    """Which setting, and for whom."""

    key = forms.ChoiceField(label="Setting", widget=UnfoldAdminSelectWidget)
    title = None  # the setting's own

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(each.key, f"{each.title} ({each.key})") for each in registry.all_settings()]
        self.fields["key"].choices = choices  # type: ignore[attr-defined]  # a choice field


@register(SettingVersion)
class SettingAdmin(PolicyAdmin):
    """Settings, each by a field of its own type."""

    nav_title = "Settings"
    icon = "tune"
    empty_text = "No setting has been changed. Add a draft to propose another value."
    nav_order = 20
    new_form = NewSettingForm
    list_display = ["title", "shown", *PolicyAdmin.list_display[1:]]
    readonly_fields = (*PolicyAdmin.readonly_fields, "shown", "title")

    def names_of_content(self, request: HttpRequest, obj: PolicyVersion) -> list[str]:
        """A field to edit; words to read."""
        name = "value" if self.has_change_permission(request, obj) else "shown"
        return ["title", name, "change_reason"]

    def form_class(self, request: HttpRequest, obj: Any) -> Any:
        """With the field of the setting's type."""
        form = super().form_class(request, obj)
        known = registry.find(obj.policy.key) if obj is not None else None
        if known is None or form is not DraftForm:
            return form
        return type("SettingForm", (DraftForm,), {"value": field_of(known)})

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under the setting's own title."""
        return super().create(
            request, {**values, "title": registry.registered(values["key"]).title}
        )

    @display(description="Setting", ordering="policy__title")
    def title(self, version: SettingVersion) -> str:
        """In words, with its key."""
        return f"{version.policy.title} ({version.policy.key})"

    @display(description="Value")
    def shown(self, version: SettingVersion) -> str:
        """As people read it."""
        known = registry.find(version.policy.key)
        return known.show(version.value) if known else str(version.value)


@home_section(order=15)
def awaiting_my_approval(request: HttpRequest) -> Section | None:
    """Versions that somebody else wrote and my approval brings forward; emergencies to review."""
    actor, access = actor_of(request), access_of(request)
    if not actor.is_superuser and not access.holds(*approvers_named()):
        return None
    rows = PolicyVersion.objects.visible_to(actor).select_related("policy__unit", "author")
    unreviewed = rows.filter(is_emergency=True, in_force__isnull=False)
    emergencies = unreviewed.exclude(approvals__decision=Decision.REVIEWED).order_by("pk")
    waiting = rows.filter(state=VersionState.IN_REVIEW).order_by("pk")[:LOOKED_AT]
    found = [
        *(each for each in emergencies[:LOOKED_AT] if access.may("review_emergency", each)),
        *brought_forward_by(list(waiting), access),
    ]
    own = set() if is_setup_mode() else own_among(found, actor)
    items = [
        _item(each, "to review" if each.is_emergency else "to approve")
        for each in found
        if each.pk not in own
    ]
    return Section(
        "Awaiting my approval",
        items[:MOST],
        empty_text="No policy waits for you.",
        link=reverse("admin:config_policy_changelist"),
    )


@home_section(order=16)
def awaiting_my_signature(request: HttpRequest) -> Section | None:
    """Versions that a signed agreement binds, for the sides for which I speak."""
    actor = actor_of(request)
    if not access_of(request).holds(*all_signatories()):
        return None
    rows = PolicyVersion.objects.visible_to(actor).filter(state__in=FROZEN)
    found = [concrete(each) for each in rows.select_related("policy")[:LOOKED_AT]]
    items = [
        _item(each, "to sign")
        for each in found
        if capacities_of(each, actor) and not is_own_work(each, actor)
    ]
    return Section("Awaiting my signature", items[:MOST]) if items else None


@home_section(order=30)
def my_drafts(request: HttpRequest) -> Section | None:
    """What I began and have not submitted, or got back."""
    rows = PolicyVersion.objects.filter(author=actor_of(request), state=VersionState.DRAFT)
    items = [_item(each, "draft") for each in rows.select_related("policy__unit", "author")[:MOST]]
    return Section("My drafts", items) if items else None


def _item(version: PolicyVersion, badge: str) -> Item:
    detail = f"by {version.author}: {version.change_reason or 'no reason yet'}"
    tone = "danger" if version.is_emergency else "info"
    return Item(str(version), page_of(version), detail=detail, badge=badge, tone=tone)
