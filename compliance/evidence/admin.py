"""The auditor's desk in the admin: requests, decisions, exports with progress."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from compliance.evidence import operations
from compliance.evidence.models import AuditRequest, Export, ExportState, RequestState
from compliance.evidence.rules import REQUESTERS
from config.access.restricted import traced
from config.access.rules import Role
from config.access.visibility import require
from config.adminkit import refusals
from config.adminkit.base import (
    NoteForm,
    OperationAdmin,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ReasonForm,
    Verb,
    access_of,
    actor_of,
    display,
    register,
)
from config.adminkit.home import Item, Section, home_section
from config.errors import DomainError
from config.organisation.models import User

SHOWN = 6
TONES = {
    ExportState.QUEUED: "neutral",
    ExportState.RUNNING: "info",
    ExportState.READY: "success",
    ExportState.FAILED: "danger",
}


REQUEST_STATES: dict[str, str] = {
    RequestState.REQUESTED.label: "warning",
    RequestState.APPROVED.label: "success",
    RequestState.REFUSED.label: "danger",
}
EXPORT_STATES = {state.label: tone for state, tone in TONES.items()}


def _approve(request: AuditRequest, *, actor: User, note: str = "") -> None:
    operations.approve_request(request, actor=actor, reason=note)


def progress_of(export: Export) -> SafeString | str:
    """How far an export has come, in words and as a bar."""
    if export.state in (ExportState.READY, ExportState.FAILED):
        return "Done" if export.state == ExportState.READY else f"Failed: {export.error}"
    if export.is_stalled:
        return "Its job has stopped. It is begun again within minutes, or order it again."
    percent = export.progress.percent
    return format_html(
        '<progress max="100" value="{}" aria-label="Progress">{} %</progress> {} %',
        percent, percent, percent,
    )  # fmt: skip


def download_of(export: Export) -> SafeString | str:
    """The link to the pack, when it is ready."""
    if export.state != ExportState.READY:
        return "Not ready yet" if export.state != ExportState.FAILED else "None"
    url = reverse("admin:compliance_export_download", args=[export.pk])
    return format_html('<a href="{}">Download the pack</a>', url)


class ExportInline(ReadOnlyInline):
    """The packs that were made for a request."""

    model = Export
    fields = ["state", "done", "rows", "ordered_by", "ordered_at", "file"]
    readonly_fields = ["state", "done", "rows", "ordered_by", "ordered_at", "file"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With all that is shown."""
        rows = super().get_queryset(request)
        return rows.select_related("request", "ordered_by", "progress")

    @display(description="Progress")
    def done(self, export: Export) -> SafeString | str:
        """How far it has come."""
        return progress_of(export)

    @display(description="File")
    def file(self, export: Export) -> SafeString | str:
        """The pack."""
        return download_of(export)


@register(AuditRequest)
class AuditRequestAdmin(OperationAdmin):
    """What is wanted as evidence, by whom, why; and who allowed it."""

    icon = "fact_check"
    list_display = [
        *("title", "shown_state", "period_from", "period_until", "requested_by", "decided_by"),
    ]
    list_filter = ["state", "requested_at"]
    empty_text = (
        "Nobody has asked for evidence yet. Add a request: which period, which part, and why. "
        "Compliance approves it; then the pack is made here."
    )
    nav_order = 10
    search_fields = ["title", "reason"]
    autocomplete_fields = ["unit", "service", "incident"]
    readonly_fields = ["shown_state", "requested_by", "requested_at", "decided_by", "decided_at",
                       "decision_reason"]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["title", "reason", "legal_basis"]}),
        ("Scope", {"fields": ["period_from", "period_until", "unit", "service", "incident"],
                   "description": "Narrow it to a unit, a service or an incident: to one of them, "
                                  "or to none for the whole enterprise."}),
        ("Decision", {"fields": ["shown_state", "requested_by", "decided_by", "decided_at",
                                 "decision_reason"]}),
    ]  # fmt: skip
    inlines = [ExportInline]
    list_select_related = ["requested_by", "decided_by"]
    add_roles = REQUESTERS
    create_operation = operations.request_audit
    verbs = (
        Verb("approve", _approve, form=NoteForm, help="Allow the export of exactly this scope."),
        Verb("refuse", operations.refuse_request, form=ReasonForm, danger=True),
        Verb("export", operations.order_export, label="Make the evidence pack"),
    )

    def verbs_from(self, obj: AuditRequest) -> list[str]:
        """Decide once; export what was approved."""
        if obj.state == RequestState.REQUESTED:
            return ["approve", "refuse"]
        return ["export"] if obj.state == RequestState.APPROVED else []

    @display(description="State", ordering="state", label=REQUEST_STATES)
    def shown_state(self, request: AuditRequest) -> str:
        """As a badge with text."""
        return str(request.get_state_display())


@register(Export)
class ExportAdmin(ReadOnlyAdmin):
    """Evidence packs: their progress, their hash, and the file."""

    nav_title = "Evidence packs"
    icon = "folder_zip"
    list_display = ["request", "shown_state", "done", "rows", "size", "ordered_by", "file"]
    list_filter = ["state", "ordered_at"]
    empty_text = (
        "No pack was made yet. Open an approved audit request and press “Make the evidence pack”."
    )
    nav_order = 11
    search_fields = ["request__title", "sha256"]
    readonly_fields = ["shown_state", "done", "file"]
    fieldsets = [
        (None, {"fields": ["request", "shown_state", "done", "file"]}),
        ("Pack", {"fields": ["sha256", "size", "rows", "holds_restricted", "ordered_by",
                             "ordered_at", "finished_at"],
                  "description": "Anyone can check a pack without this software: its README.txt "
                                 "says how. Here: manage.py verify_export FILE."}),
    ]  # fmt: skip
    list_select_related = ["request", "ordered_by", "progress"]

    @display(description="State", ordering="state", label=EXPORT_STATES)
    def shown_state(self, export: Export) -> str:
        """As a badge with text."""
        return str(export.get_state_display())

    @display(description="Progress")
    def done(self, export: Export) -> SafeString | str:
        """How far it has come."""
        return progress_of(export)

    @display(description="File")
    def file(self, export: Export) -> SafeString | str:
        """The pack, when it is ready."""
        return download_of(export)

    def get_urls(self) -> list[URLPattern]:
        """The download has a page of its own, as it is recorded."""
        view = self.admin_site.admin_view(self.download_view)
        name = "compliance_export_download"
        return [path("<int:object_id>/download/", view, name=name), *super().get_urls()]

    def download_view(self, request: HttpRequest, object_id: int) -> Any:
        """Record who takes the pack, and send it."""
        export = self.required_object(request, str(object_id))
        require(request.user, "download", export)
        try:
            place = operations.note_download(export, actor=actor_of(request))
        except DomainError as error:
            refusals.leave_trace(request, error)
            refusals.as_message(request, error)
            return HttpResponseRedirect(reverse("admin:compliance_export_change", args=[export.pk]))
        return FileResponse(place.open("rb"), as_attachment=True, filename=export.file_name)


@home_section(order=16)
def audit_requests_awaiting_my_decision(request: HttpRequest) -> Section | None:
    """What auditors ask for, for compliance; never one's own."""
    actor, access = actor_of(request), access_of(request)
    if not access.holds(Role.COMPLIANCE_OFFICER):
        return None
    rows = AuditRequest.objects.visible_to(actor).filter(state=RequestState.REQUESTED)
    rows = rows.exclude(requested_by=actor).select_related("requested_by", "incident")
    return Section(
        "Audit requests awaiting my decision",
        [_asked(each) for each in rows.order_by("pk")[:SHOWN] if access.may("approve", each)],
        empty_text="Nobody waits for your decision.",
        link=f"{reverse('admin:compliance_auditrequest_changelist')}?state__exact=requested",
    )


@home_section(order=17)
def my_exports(request: HttpRequest) -> Section | None:
    """The packs that an auditor ordered, or that answer what they asked for."""
    actor = actor_of(request)
    if not access_of(request).holds(Role.AUDITOR):
        return None
    mine = Q(ordered_by=actor) | Q(request__requested_by=actor)
    rows = traced(Export.objects.visible_to(actor).filter(mine))
    rows = rows.select_related("request", "progress").order_by("-pk")[:SHOWN]
    return Section(
        "My exports",
        list(_packs(rows)),
        empty_text="No pack yet: ask for evidence; when compliance has approved it, make the pack.",
        link=reverse("admin:compliance_auditrequest_changelist"),
        link_text="My audit requests",
    )


def _asked(row: AuditRequest) -> Item:
    link = reverse("admin:compliance_auditrequest_change", args=[row.pk])
    detail = f"{row.requested_by}: {row.reason[:100]}"
    return Item(str(row), link, detail=detail, badge="to decide", tone="warning", record=row)


def _packs(rows: Iterable[Export]) -> Iterable[Item]:
    for row in rows:
        link = reverse("admin:compliance_export_change", args=[row.pk])
        percent = f"{row.progress.percent} %" if row.state == ExportState.RUNNING else ""
        state = ExportState(row.state)
        yield Item(
            str(row.request), link, detail=percent, badge=state.label, tone=TONES[state], record=row
        )
