"""Asking for evidence, deciding about it, and ordering exports."""

import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from compliance.evidence import rules
from compliance.evidence.models import (
    AuditRequest,
    Export,
    ExportProgress,
    ExportState,
    RequestState,
)
from config import clock
from config.access.separation import require_separate
from config.access.visibility import access_for
from config.audit.tracking import lock
from config.errors import FourEyes, HumanRequired, Invalid, NotAllowed, Refused
from config.events.operations import record
from config.organisation.models import BusinessUnit, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident

JOB = "compliance.evidence.exporting.run_export"


@transaction.atomic
def request_audit(
    *,
    title: str,
    period_from: datetime.datetime,
    period_until: datetime.datetime,
    reason: str,
    actor: User,
    legal_basis: str = "",
    unit: BusinessUnit | None = None,
    service: Service | None = None,
    incident: Incident | None = None,
) -> AuditRequest:
    """Ask for evidence. Auditors and compliance may; somebody else decides.

    Raises `NotAllowed`, `Invalid` and ValidationError (field errors).
    """
    if not (actor.is_superuser or access_for(actor).holds(*rules.REQUESTERS)):
        raise NotAllowed("Auditors and compliance officers ask for evidence.", audit=True)
    if not reason.strip():
        raise Invalid("Say what the evidence is needed for.", field="reason")
    if sum(each is not None for each in (unit, service, incident)) > 1:
        raise Invalid(
            "Narrow it to a unit, a service or an incident: to one of them.", field="unit"
        )
    request = AuditRequest(
        title=title,
        period_from=period_from,
        period_until=period_until,
        unit=unit,
        service=service,
        incident=incident,
        reason=reason.strip(),
        legal_basis=legal_basis,
        requested_by=actor,
    )
    request.full_clean()
    request.save_as(actor, reason=reason)
    record("audit.requested", request, actor=actor, reason=reason)
    return request


@transaction.atomic
def approve_request(request: AuditRequest, *, actor: User, reason: str = "") -> AuditRequest:
    """Compliance allows the export of exactly this scope."""
    return _decide(request, RequestState.APPROVED, actor, reason)


@transaction.atomic
def refuse_request(request: AuditRequest, *, actor: User, reason: str) -> AuditRequest:
    """Compliance refuses, and says why."""
    if not reason.strip():
        raise Invalid("Say why the request is refused.", field="reason")
    return _decide(request, RequestState.REFUSED, actor, reason)


def _decide(request: AuditRequest, state: RequestState, actor: User, reason: str) -> AuditRequest:
    lock(request)
    if not actor.is_person:
        raise HumanRequired("Only a person can decide about evidence.", audit=True)
    if request.requested_by_id == actor.pk:
        raise FourEyes("Somebody else decides about your request.", audit=True)
    require_separate("evidence.decide", request, actor=actor)
    if request.state != RequestState.REQUESTED:
        raise Refused(
            f"This request is {request.get_state_display().lower()} already.", code="audit_decided"
        )
    request.state = state
    request.decided_by = actor
    request.decided_at = clock.now()
    request.decision_reason = reason.strip()
    request.save_as(actor, "state", "decided_by", "decided_at", "decision_reason", reason=reason)
    record(f"audit.{state.value}", request, actor=actor, reason=reason)
    return request


@transaction.atomic
def order_export(request: AuditRequest, *, actor: User) -> Export:
    """Make the evidence pack in the background; one whose job died is begun again.

    Raises `Refused` unless the request is approved, and while an export of it is under way.
    """
    lock(request)
    if request.state != RequestState.APPROVED:
        raise Refused(
            "Compliance has to approve this request before anything is exported.",
            code="audit_not_approved",
        )
    found = request.exports.under_way().select_related("progress").first()
    if found is not None:
        if not found.is_stalled:
            raise Refused("An export of this request is under way.", code="export_running")
        return restart(found, actor=actor)
    export = Export(request=request, ordered_by=actor)
    export.save_as(actor)
    ExportProgress.objects.create(export=export)
    record("export.ordered", request, actor=actor, export_id=export.pk)
    _enqueue(export)
    return export


@transaction.atomic
def restart(export: Export, *, actor: User) -> Export:
    """Put an export whose job died back into the queue. Another one stays as it is."""
    lock(export)
    progress = ExportProgress.objects.select_for_update().get(export=export)
    export.progress = progress
    if not export.is_stalled:
        return export
    export.state = ExportState.QUEUED
    export.save_as(actor, "state", reason="Its job had stopped half-way")
    progress.token, progress.seen_at, progress.done = None, clock.now(), 0
    progress.save()
    record("export.restarted", export.request, actor=actor, export_id=export.pk)
    _enqueue(export)
    return export


def _enqueue(export: Export) -> None:
    # The task is a row of the same transaction: it exists exactly when the order does.
    async_task(JOB, export.pk, task_name=f"export {export.pk}")


def file_of(export: Export) -> Path:
    """Where the pack lies."""
    return Path(settings.EXPORT_ROOT) / f"{export.key}.zip"


@transaction.atomic
def note_download(export: Export, *, actor: User) -> Path:
    """Record who takes the pack away, and return its place.

    Raises `Refused` until it is ready, and `NotAllowed` where it holds restricted incidents that
    were included for somebody else.
    """
    lock(export)
    path = file_of(export)
    if export.state != ExportState.READY or not path.is_file():
        raise Refused("This export isn't ready.", code="export_not_ready")
    theirs = actor.pk in (export.ordered_by_id, export.request.requested_by_id)
    if export.holds_restricted and not (theirs or actor.is_superuser):
        raise NotAllowed(
            "This pack holds restricted incidents: only who asked for it or ordered it takes it. "
            "Ask for one of your own.",
            audit=True,
        )
    record(
        "export.downloaded",
        export.request,
        actor=actor,
        export_id=export.pk,
        sha256=export.sha256,
    )
    return path
