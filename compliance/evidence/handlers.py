"""What looks after exports whose job was killed."""

import datetime

from compliance.evidence.models import Export
from compliance.evidence.operations import restart
from config.access.separation import register_act
from config.due.jobs import job
from config.organisation.models import User

register_act("evidence.request", "Ask for evidence", "audit.requested")
register_act(
    "evidence.decide", "Decide about a request for evidence", "audit.approved", "audit.refused"
)


@job("resume_exports", every="minutes", minutes=5)
def resume_exports(as_of: datetime.datetime) -> int:
    """Queue those again that have been silent for too long; how many there were."""
    stalled = [
        row for row in Export.objects.under_way().select_related("progress") if row.is_stalled
    ]
    for export in stalled:
        restart(export, actor=User.objects.system())
    return len(stalled)
