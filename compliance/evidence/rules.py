"""The scope of an audit request, who may do what with it, and when an export has died. Pure."""

import datetime
from dataclasses import asdict, dataclass
from typing import Any

from config.access.rules import Need, Role, owner, roles
from config.apikit.codes import explain

REQUESTERS = (Role.AUDITOR, Role.COMPLIANCE_OFFICER)

REQUEST_NEEDS: dict[str, Need] = {
    "view": owner("requested_by_id", Role.AUDITOR, Role.COMPLIANCE_OFFICER),
    "approve": roles(Role.COMPLIANCE_OFFICER),
    "refuse": roles(Role.COMPLIANCE_OFFICER),
    "export": roles(Role.AUDITOR, Role.COMPLIANCE_OFFICER),
}
EXPORT_NEEDS: dict[str, Need] = {
    "view": owner("requested_by_id", Role.AUDITOR, Role.COMPLIANCE_OFFICER),
    "download": roles(Role.AUDITOR, Role.COMPLIANCE_OFFICER),
}

# A run says every second that it is alive; a queued one waits for jobs before it.
SILENT_RUN = datetime.timedelta(minutes=1)
SILENT_QUEUE = datetime.timedelta(minutes=15)
MOST_RUNS = 3
WITHHELD = "Restricted incidents that the requester may not see are withheld."


@dataclass(frozen=True)
class Scope:
    """What an export covers: a period (half-open, UTC), and which incidents."""

    period_from: datetime.datetime
    period_until: datetime.datetime
    unit_id: int | None = None
    service_id: int | None = None
    incident_id: int | None = None

    @property
    def is_everything(self) -> bool:
        """True when no unit, service or incident narrows it."""
        return self.unit_id is None and self.service_id is None and self.incident_id is None

    def as_dict(self) -> dict[str, Any]:
        """For the manifest: times as ISO 8601."""
        found = asdict(self)
        found["period_from"] = self.period_from.isoformat()
        found["period_until"] = self.period_until.isoformat()
        return found


def is_silent(now: datetime.datetime, seen_at: datetime.datetime, *, running: bool) -> bool:
    """Whether an unfinished export has been quiet for so long that its job must be dead."""
    return now - seen_at > (SILENT_RUN if running else SILENT_QUEUE)


explain(
    audit_not_approved=(
        "The audit request isn't approved",
        "A compliance officer who didn't ask for it approves it; then order the export.",
    ),
    audit_decided=("The audit request was decided already", "Ask for evidence again."),
    export_running=(
        "An export of this request is under way",
        "Wait until it is ready; one whose job has died may be ordered again after a minute.",
    ),
    export_not_ready=("The export isn't ready", "Read it again until its state is `ready`."),
    audit_period_in_order=(
        "The period must end after it begins",
        "`period_until` is exclusive and must lie after `period_from`.",
    ),
    audit_has_reason=("A request says what it is for", "Send a reason."),
    export_one_under_way=(
        "An export of this request is under way",
        "Wait until it is ready, then order another.",
    ),
)
