"""The API's system checks, and the nightly end of kept answers."""

import datetime

from config.apikit import checks
from config.apikit.models import IdempotentRequest
from config.due.jobs import job
from config.due.purging import in_batches

__all__ = ["checks"]


@job("purge_idempotency_keys", every="daily")
def purge_idempotency_keys(as_of: datetime.datetime) -> str:
    """Remove kept answers whose keys no longer hold."""
    return f"{in_batches(IdempotentRequest.objects.expired())} rows"
