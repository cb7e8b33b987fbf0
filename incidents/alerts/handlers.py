"""The end of the hold after a resolve, the worker's loop over the inbox, and its retention."""

import datetime

from config.due.jobs import job
from config.due.models import Timer
from config.due.operations import timer
from config.due.queues import claimant
from config.origin import Origin, acting
from incidents.alerts.clearing import HOLD, end_hold, lock_held
from incidents.alerts.operations import INBOX, purge_inbox
from incidents.alerts.processing import BATCH, process_inbox, seconds_behind
from incidents.lifecycle.models import Incident


@timer(HOLD, lock=lock_held)
def hold_ended(row: Timer, root: Incident) -> None:
    """The alerts that stayed clear are resolved."""
    with acting(Origin.API):
        end_hold(row)


claimant(INBOX, every=1.0, limit=BATCH, lag=seconds_behind)(process_inbox)


@job("inbox_retention", every="daily")
def inbox_retention(as_of: datetime.datetime) -> str:
    """Remove payloads that have been kept long enough."""
    return f"{purge_inbox(as_of)} payloads"
