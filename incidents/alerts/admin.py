"""Sources with their set-up pages, the inbox with its quarantine, and the alerts."""

import datetime
import json
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from config import clock
from config.access.reading import note_reads
from config.access.restricted import traced
from config.access.rules import Level, Role
from config.access.visibility import require
from config.adminkit.base import (
    OperationAdmin,
    ReadOnlyAdmin,
    ReasonForm,
    Verb,
    display,
    register,
)
from config.adminkit.home import StepState, home_step
from config.adminkit.paginator import CAP
from config.adminkit.periods import PeriodFilter
from config.adminkit.scoping import access_of, actor_of
from incidents.alerts import operations
from incidents.alerts.adapters import address_of, guide_for
from incidents.alerts.models import Alert, IngestSource, PayloadState, RawPayload
from incidents.alerts.operations import LONGEST_OVERLAP, Issued
from incidents.alerts.reading import link
from incidents.alerts.rules import Status

STATES: dict[str, str] = {
    PayloadState.NEW: "info",
    PayloadState.DONE: "success",
    PayloadState.QUARANTINED: "danger",
}
ALERT_STATES: dict[str, str] = {Status.FIRING: "danger", Status.RESOLVED: "success"}
LEVELS = {"critical": "danger", "error": "warning", "warning": "info"}
SHOWN = 20
PLACEHOLDER = "TOKEN"
NOT_TOLD = "Shown to those alone who may replay it: nobody knows yet whom it concerns."


class RotateForm(ReasonForm):
    """How long both tokens are valid."""

    hours = forms.IntegerField(
        label="Hours for which the present token stays valid",
        min_value=0,
        max_value=LONGEST_OVERLAP,
        initial=24,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="0 ends it at once: for a token that has leaked.",
    )

    def arguments(self) -> dict[str, Any]:
        """0 hours are an answer too."""
        return dict(self.cleaned_data)


@register(IngestSource)
class IngestSourceAdmin(OperationAdmin):
    """Tools that send alerts: set-up, token, and what came in last."""

    nav_title = "Integrations"
    nav_order = 20
    icon = "cable"
    empty_text = (
        "No tool is connected. Add one: Alertmanager, Grafana, any that speaks to PagerDuty or "
        "Opsgenie, or any that can post JSON."
    )
    in_palette = True
    change_form_outer_before_template = "incidents/source_head.html"
    change_form_outer_after_template = "incidents/source_panel.html"

    list_display = ["name", "adapter", "team", "service", "is_active", "last_received"]
    list_filter = ["adapter", "is_active", "team"]
    search_fields = ["name"]
    autocomplete_fields = ["team", "service"]
    readonly_fields = ["shown_hint", "previous_until", "account", "created_at"]
    fieldsets = [
        (None, {"fields": [("name", "adapter"), ("team", "service"), "is_active"]}),
        ("Limits", {"fields": ["rate_per_minute"]}),
        ("Token", {"fields": [("shown_hint", "previous_until"), ("account", "created_at")]}),
    ]
    inlines: ClassVar[list[Any]] = []
    actions: list[Any] = []
    list_select_related = ["team", "service"]

    change_verb = "change"
    add_level = Level.MANAGE
    add_roles = (Role.INTEGRATOR,)
    create_operation = operations.create_source
    edit_operation = operations.edit_source
    verbs = (
        Verb("test", operations.send_test, label="Send a test alert"),
        Verb("rotate", operations.rotate, label="Rotate the token", form=RotateForm),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the time of the last payload that is no secret to the visitor."""
        rows = access_of(request).open_rows(RawPayload.objects.read())
        last = rows.filter(source=OuterRef("pk")).order_by("-pk").values("received_at")[:1]
        return super().get_queryset(request).annotate(last_at=Subquery(last))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The adapter is chosen once: the token stands in that tool's configuration."""
        return [*self.readonly_fields, "adapter"] if obj is not None else self.readonly_fields

    @display(description="Token begins with")
    def shown_hint(self, source: IngestSource) -> str:
        """Enough to tell tokens apart."""
        return f"{source.hint}…" if source.hint else ""

    @display(description="Last received", ordering="last_at")
    def last_received(self, source: Any) -> Any:
        """When the last payload came in."""
        return source.last_at

    # The token is shown in the answer itself: it is kept neither in a message nor in the session.

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """For a team whose sources the visitor manages."""
        require(actor_of(request), "add_ingest_source", values["team"])
        return self._keep(request, super().create(request, values))

    def run(self, request: HttpRequest, verb: Verb, obj: Any, arguments: dict[str, Any]) -> None:
        """A rotation's token goes into the answer."""
        with transaction.atomic():
            self._keep(request, verb.operation(obj, actor=actor_of(request), **arguments))

    def _keep(self, request: HttpRequest, result: Any) -> Any:
        if not isinstance(result, Issued):
            return result
        request._watchbill_issued = result  # type: ignore[attr-defined]  # read by _or_token
        return result.source

    def response_add(self, request: HttpRequest, obj: Any, *args: Any) -> HttpResponse:
        """The page with the token."""
        return self._or_token(request, super().response_add(request, obj, *args))

    def verb_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """After a rotation the page with the token."""
        return self._or_token(request, super().verb_view(request, object_id, name))

    def _or_token(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        issued: Issued | None = getattr(request, "_watchbill_issued", None)
        if issued is None:
            return response
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Token of {issued.source}",
            "token": issued.token,
            "guides": guide_for(issued.source.adapter, settings.BASE_URL, issued.token),
            "change_url": self.page_of(issued.source),
        }
        page = TemplateResponse(request, "incidents/source_token.html", context)
        page["Cache-Control"] = "no-store"
        return page

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Add set-up and what came in."""
        source = kwargs.get("obj")
        if source is not None:
            context |= _panel(request, source)
        return super().render_change_form(request, context, *args, **kwargs)


def _panel(request: HttpRequest, source: IngestSource) -> dict[str, Any]:
    rows = RawPayload.objects.visible_to(actor_of(request)).filter(source=source)
    since = clock.now() - datetime.timedelta(hours=24)
    found = rows.filter(received_at__gte=since).values_list("state").annotate(Count("pk"))
    # How many wait is told, though not which: whose they are nobody knows before they are read.
    waiting = RawPayload.objects.in_reach_of(actor_of(request)).new().filter(source=source)
    counts = {**dict(found.order_by()), PayloadState.NEW: waiting.count()}
    payloads: list[Any] = list(traced(rows).select_related("source").order_by("-id")[:SHOWN])
    note_reads(payloads, request)
    for payload in payloads:  # both are read by the template
        payload.tone = STATES[payload.state]
        payload.is_told = payload.is_told_to(access_of(request))
    return {
        "source": source,
        "address": address_of(source.adapter, settings.BASE_URL, PLACEHOLDER),
        "guides": guide_for(source.adapter, settings.BASE_URL, PLACEHOLDER),
        "placeholder": PLACEHOLDER,
        "counts": [(each.label, counts.get(each, 0), STATES[each]) for each in PayloadState],
        "payloads": payloads,
        "last": payloads[0] if payloads else None,
    }


@register(RawPayload)
class RawPayloadAdmin(OperationAdmin):
    """What came in, as it came; those in quarantine wait for somebody to replay them."""

    nav_title = "Inbox"
    nav_order = 30
    icon = "inbox"
    empty_text = (
        "Nothing has come in. What tools send is kept here as it came; what can't be read waits "
        "here for a replay."
    )
    list_display = ["received_at", "source", "adapter", "kind", "shown_state"]
    list_filter = ["state", "kind", "source", ("received_at", PeriodFilter)]
    list_filter_submit = True
    search_fields: ClassVar[list[str]] = []
    autocomplete_fields: ClassVar[list[str]] = []
    readonly_fields = ["shown_error", "shown_body", "shown_outcome"]
    fieldsets = [
        (None, {"fields": [("source", "adapter", "kind"), ("state", "shown_error")]}),
        ("What came in", {"fields": ["received_at", "content_type", "headers", "shown_body"]}),
        ("What became of it", {"fields": ["shown_outcome", ("processed_at", "attempts")]}),
    ]
    inlines: ClassVar[list[Any]] = []
    actions: list[Any] = []
    list_select_related = ["source"]

    verbs = (Verb("replay", operations.replay, form=ReasonForm, bulk=True),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """The source carries the rights; lists need no bodies."""
        return super().get_queryset(request).select_related("source")

    def verbs_from(self, obj: RawPayload) -> list[str]:
        """Only what is in quarantine is replayed."""
        return ["replay"] if obj.state == PayloadState.QUARANTINED else []

    @display(description="State", ordering="state", label=STATES)
    def shown_state(self, payload: RawPayload) -> tuple[str, str]:
        """The state as a badge."""
        return payload.state, payload.get_state_display()

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The row, with what the visitor may read of it."""
        found = super().get_object(request, *args, **kwargs)
        if found is not None:
            found.is_told = found.is_told_to(access_of(request))
        return found

    @display(description="Error")
    def shown_error(self, payload: Any) -> str:
        """Why it can't be read; it may repeat a part of the body."""
        return str(payload.error) if payload.is_told else NOT_TOLD

    @display(description="Body (secrets redacted)")
    def shown_body(self, payload: Any) -> str:
        """The text."""
        return str(payload.text) if payload.is_told else NOT_TOLD

    @display(description="Outcome")
    def shown_outcome(self, payload: RawPayload) -> str:
        """What became of each alert."""
        return json.dumps(payload.outcome, indent=2)


@home_step("alert")
def alerts_firing(request: HttpRequest) -> StepState:
    """How many fire now."""
    rows = Alert.objects.visible_to(actor_of(request)).filter(state=Status.FIRING)
    link = reverse("admin:incidents_alert_changelist") + f"?state__exact={Status.FIRING}"
    return StepState(rows.order_by()[: CAP + 1].count(), link, "firing")


@register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What tools say, one row a condition."""

    nav_order = 10
    icon = "notifications_active"
    empty_text = (
        "No alert has come in. Connect a tool under Integrations, and send a test alert from its "
        "page."
    )
    list_display = [
        *("title", "shown_state", "shown_level", "count", "service", "incident", "last_seen_at"),
    ]
    list_filter = ["state", "level", "source", "service", ("last_seen_at", PeriodFilter)]
    list_filter_submit = True
    search_fields = ["title", "dedup_key", "incident__reference"]
    autocomplete_fields: ClassVar[list[str]] = []
    readonly_fields: ClassVar[list[str]] = [
        *("shown_state", "shown_level", "shown_labels", "shown_links"),
    ]
    fieldsets = [
        (None, {"fields": ["title", "description", ("shown_state", "shown_level", "count")]}),
        (
            "What it is about",
            {
                "fields": [
                    ("service", "team"),
                    ("incident", "report"),
                    "shown_labels",
                    "shown_links",
                ]
            },
        ),
        (
            "When",
            {
                "fields": [
                    ("starts_at", "ends_at", "resolve_pending_at"),
                    ("first_seen_at", "last_seen_at"),
                ]
            },
        ),
        ("Where it comes from", {"fields": ["source", "dedup_key", "fingerprint"]}),
    ]
    inlines: ClassVar[list[Any]] = []
    actions: list[Any] = []
    list_select_related = ["service", "incident", "source"]

    @display(description="State", ordering="state", label=ALERT_STATES)
    def shown_state(self, alert: Alert) -> tuple[str, str]:
        """The state as a badge."""
        return alert.state, alert.get_state_display()

    @display(description="Level", ordering="level", label=LEVELS)
    def shown_level(self, alert: Alert) -> tuple[str, str]:
        """The level as a badge."""
        return alert.level, alert.get_level_display()

    @display(description="Labels")
    def shown_labels(self, alert: Alert) -> SafeString:
        """Each with its value."""
        return render_to_string("incidents/labels.html", {"labels": sorted(alert.labels.items())})

    @display(description="Links")
    def shown_links(self, alert: Alert) -> SafeString:
        """Where the tool says more."""
        known = [found for each in alert.links for found in link(each["href"], each["text"])]
        return render_to_string("incidents/links.html", {"links": known})
