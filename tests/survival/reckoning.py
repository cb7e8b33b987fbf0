"""The reckoning after a storm: everything that was lost, doubled or too late, in words."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db.models import Count, F, Max, Min
from django.db.models.functions import Now

from compliance.evidence.exporting import sha256_of
from compliance.evidence.models import Export, ExportState
from compliance.evidence.operations import file_of
from config.audit.sealing import seal
from config.audit.tracking import Tracked
from config.audit.verify import verify
from config.due.models import Attempt, OutboundMessage, Timer
from config.events.models import Event, EventDelivery
from config.events.operations import subscriptions
from escalation.paging.models import Page, PageState
from escalation.runs.models import EscalationRun, RunState
from escalation.runs.operations import TIER
from incidents.alerts.models import Alert, PayloadState, RawPayload
from incidents.lifecycle.models import Incident
from tests.survival.storm import Phone, Responder, Storm

UNNOTICED = 3.0  # seconds from the look at the incident to a phone, on a machine under load


type Quiet = Callable[[int], Any]


def is_quiet() -> bool:
    """Nothing waits that is due."""
    return not still_waiting()


def still_waiting() -> list[str]:
    """What is due and not done, with how often it was tried, until when it rests, and why."""
    due = (Timer.objects.open(), EventDelivery.objects.open(), OutboundMessage.objects.open())
    found = [
        f"{row}: {row.attempts} attempts, leased: {row.token is not None}, next at {row.next_at}, "
        f"{row.last_error or 'no error'}"
        for rows in due
        for row in rows.filter(due_at__lte=Now())[:10]
    ]
    return found + [f"{row} is new" for row in RawPayload.objects.new()[:10]]


def faults(
    storm: Storm, phone: Phone, responder: Responder, *, kills: int, steady_clock: bool = True
) -> list[str]:
    """All that is wrong; empty when the storm did no harm.

    Whether a page came too late can't be told when the clock was set: an hour forth, and what
    should follow an acknowledgement is overdue, so that paging goes on.
    """
    return [*harm(storm, phone, responder, kills, steady_clock=steady_clock), *platform()]


def harm(
    storm: Storm, phone: Phone, responder: Responder, kills: int, *, steady_clock: bool = True
) -> list[str]:
    """What became of the storm's alerts, incidents, escalations and pages."""
    found: list[str] = [f"unclear answer: {reply}" for reply in storm.unclear]
    found += _payloads(storm)
    found += _alerts(storm)
    found += _escalations()
    found += _pages(phone, kills)
    found += _too_late(phone, responder) if steady_clock else []
    return found


def platform() -> list[str]:
    """What holds for any installation at any time: events, due rows, histories, the ledger."""
    return [*rows(), *_ledger()]


def rows() -> list[str]:
    """The same without the ledger, which `audit_verify` may check instead."""
    return [*_events(), *_letters(), *histories()]


def evidence() -> list[str]:
    """What is wrong with the packs that were ordered."""
    found = []
    for export in Export.objects.all():
        path = file_of(export)
        if export.state != ExportState.READY:
            found.append(f"{export} is {export.state}: {export.error}")
        elif sha256_of(path) != export.sha256 or not _verifies(path):
            found.append(f"{export} is not the pack that was written")
    return found


def _verifies(path: Path) -> bool:
    try:
        call_command("verify_export", str(path), stdout=io.StringIO())
    except SystemExit:
        return False
    return True


def _payloads(storm: Storm) -> Iterator[str]:
    rows = RawPayload.objects.in_bulk(list(storm.accepted))
    for number, body in storm.accepted.items():
        if (row := rows.get(number)) is None:
            yield f"accepted body {number} is gone"
        elif bytes(row.body) != body:
            yield f"accepted body {number} is another one"
    for row in RawPayload.objects.exclude(state=PayloadState.DONE):
        yield f"body {row.pk} is {row.state}: {row.error}"


def _alerts(storm: Storm) -> Iterator[str]:
    counted = sum(Alert.objects.values_list("count", flat=True))
    if counted != RawPayload.objects.count():
        yield f"{RawPayload.objects.count()} bodies made {counted} occurrences"
    if {Alert.objects.count(), Incident.objects.count()} != {storm.incidents}:
        yield f"{Alert.objects.count()} alerts and {Incident.objects.count()} incidents"


def _escalations() -> Iterator[str]:
    for incident in Incident.objects.exclude(escalation_runs__isnull=False):
        yield f"{incident.reference} is not escalated"
    timers = set(Timer.objects.open().filter(kind=TIER).values_list("root_id", flat=True))
    for run in EscalationRun.objects.filter(state=RunState.ACTIVE):
        if run.incident_id not in timers:
            yield f"{run} has lost its timer"
    for run in EscalationRun.objects.filter(pages=None):
        yield f"{run} has paged nobody"


def _pages(phone: Phone, kills: int) -> Iterator[str]:
    latest = phone.arrivals[phone.reckoned :]
    times = Counter((arrival.key, arrival.address) for arrival in latest)
    for (key, address), number in times.items():
        if number > 1 + kills:
            yield f"page {key} came {number} times at {address}, with {kills} kills"
    received = {arrival.key for arrival in phone.arrivals}
    known = {str(pk) for pk in Page.objects.values_list("pk", flat=True)}
    yield from (f"page {key} is not in the database" for key in received - known)
    for message in OutboundMessage.objects.filter(outcome="sent", channel="webhook"):
        if message.data["page_id"] not in received:
            yield f"{message} is marked sent and never arrived"
    settled = (PageState.SENT, PageState.ACKNOWLEDGED, PageState.NOT_NEEDED)
    for page in Page.objects.exclude(state__in=settled):
        yield f"page {page.pk} is {page.state}"


def _too_late(phone: Phone, responder: Responder) -> Iterator[str]:
    """Pages by attempts that began when the acknowledgement had been answered."""
    attempts = Attempt.objects.filter(outcome="sent", message__purpose="page")
    numbers = dict(Incident.objects.values_list("pk", "reference"))
    for attempt in attempts.select_related("message"):
        reference = numbers[attempt.message.root_id]
        held = responder.acknowledged.get(reference)
        if held is not None and attempt.began_at.timestamp() > held:
            yield f"{attempt} about {reference} began after its acknowledgement"
    for arrival in phone.arrivals:
        held = responder.acknowledged.get(arrival.page["incident"])
        if held is not None and arrival.at > held + UNNOTICED:
            yield f"{arrival} came after the acknowledgement"


def _events() -> Iterator[str]:
    promised = set(EventDelivery.objects.values_list("event_id", "handler"))
    for kind, handler in subscriptions():
        for event in Event.objects.filter(kind=kind):
            if (event.pk, handler) not in promised:
                yield f"{event} was not promised to {handler}"


def _letters() -> Iterator[str]:
    models: Iterable[Any] = (Timer, EventDelivery, OutboundMessage)
    for model in models:
        for row in model.objects.dead():
            yield f"dead letter: {row}: {row.last_error}"
        for row in model.objects.open().filter(due_at__lte=Now()):
            yield f"still open: {row}: {row.last_error}"


def histories() -> Iterator[str]:
    """Every save of every tracked record has its row of history: revisions 1, 2, 3 without gap."""
    for model in apps.get_models():
        if not issubclass(model, Tracked) or model.__subclasses__():
            continue  # of a table with children, the history is the children's
        history: Any = model.history
        key = model._meta.pk.attname
        rows = history.exclude(history_type="-").values(key)
        spans = rows.annotate(
            low=Min("revision"), high=Max("revision"), kinds=Count("revision", distinct=True)
        )
        seen = {row[key]: row["high"] for row in spans}
        for row in spans.exclude(low=1, high=F("kinds")):
            yield f"{model.__name__} {row[key]}: gaps in its history, {row}"
        # Revision 0: made by a migration, before there was anybody to save it as.
        for pk, revision in model._base_manager.exclude(revision=0).values_list("pk", "revision"):
            if seen.get(pk) != revision:
                yield f"{model.__name__} {pk}: revision {revision}, history to {seen.get(pk)}"


def _ledger() -> Iterator[str]:
    seal()
    report = verify()
    if report.first_broken is not None:
        yield f"ledger: {report.first_broken}"
    yield from (f"ledger: {problem}" for problem in report.problems)
