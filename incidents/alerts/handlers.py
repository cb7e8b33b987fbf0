"""The end of the hold after a resolve, the worker's loop over the inbox, and its retention."""

import datetime

from django.db.models import Count

from config.access.restricted import unrestricted
from config.due.jobs import job
from config.due.models import Timer
from config.due.operations import timer
from config.due.queues import claimant
from config.events.models import Event
from config.events.operations import on
from config.metrics import Samples, ever_made, metric
from config.origin import Origin, acting
from incidents.alerts.clearing import HOLD, end_hold, lock_held
from incidents.alerts.models import PayloadState, RawPayload
from incidents.alerts.operations import INBOX, purge_inbox
from incidents.alerts.processing import BATCH, process_inbox, seconds_behind
from incidents.alerts.promotion import follow_conversions
from incidents.lifecycle.models import Incident


@timer(HOLD, lock=lock_held)
def hold_ended(row: Timer, root: Incident) -> None:
    """The alerts that stayed clear are resolved."""
    with acting(Origin.API):
        end_hold(row)


@on("intake.converted", name="alerts.follow_report")
def follow_report(event: Event) -> None:
    """What a person made an incident of a report, or found to be one, its alerts belong to."""
    follow_conversions(event.subject_id)


claimant(INBOX, every=1.0, limit=BATCH, lag=seconds_behind)(process_inbox)


@job("inbox_retention", every="daily")
def inbox_retention(as_of: datetime.datetime) -> str:
    """Remove payloads that have been kept long enough."""
    return f"{purge_inbox(as_of)} payloads"


@metric("inbox_seconds_behind", "Age of the oldest payload that waits, in seconds.")
def inbox_seconds_behind() -> Samples:
    """How far the worker is behind the tools."""
    return [((), seconds_behind())]


@metric("payloads_received_total", "Payloads that were ever taken in.", kind="counter")
def payloads_received() -> Samples:
    """What tools have sent, whatever became of it."""
    return [((), ever_made(RawPayload))]


@metric("payloads", "Payloads that were received and are kept, by what became of them.", "state")
def payloads() -> Samples:
    """New ones wait; quarantined ones want somebody's eye."""
    rows = unrestricted(RawPayload.objects.exclude(state=PayloadState.DONE)).values_list("state")
    return [((state,), n) for state, n in rows.annotate(number=Count("pk")).order_by()]
