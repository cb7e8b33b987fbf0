"""The transition table of the incident, what each verb means, and what it needs. Pure."""

import datetime
from collections.abc import Mapping

from django.db.models import TextChoices

from config.access.rules import Level, Need, Role, level, roles
from config.apikit.codes import explain
from config.federation.rules import Duty


class State(TextChoices):
    """Where an incident stands."""

    NEW = "new", "New"
    TRIAGED = "triaged", "Triaged"
    INVESTIGATING = "investigating", "Investigating"
    MITIGATED = "mitigated", "Mitigated"
    MONITORING = "monitoring", "Monitoring"
    RESOLVED = "resolved", "Resolved"
    CLOSED = "closed", "Closed"
    CANCELLED = "cancelled", "Cancelled"


TRANSITIONS: dict[str, tuple[str, ...]] = {
    State.NEW: (
        State.TRIAGED, State.INVESTIGATING, State.MONITORING, State.RESOLVED, State.CANCELLED,
    ),
    State.TRIAGED: (State.INVESTIGATING, State.MONITORING, State.RESOLVED, State.CANCELLED),
    State.INVESTIGATING: (State.MITIGATED, State.MONITORING, State.RESOLVED),
    State.MITIGATED: (State.MONITORING, State.INVESTIGATING, State.RESOLVED),
    State.MONITORING: (State.RESOLVED, State.INVESTIGATING),
    State.RESOLVED: (State.CLOSED, State.INVESTIGATING),
    State.CLOSED: (State.INVESTIGATING,),
    State.CANCELLED: (),
}  # fmt: skip

OPEN_STATES = (
    State.NEW, State.TRIAGED, State.INVESTIGATING, State.MITIGATED, State.MONITORING,
)  # fmt: skip

# Each verb leads to one state; `acknowledge` keeps it.
VERBS: dict[str, str] = {
    "triage": State.TRIAGED,
    "investigate": State.INVESTIGATING,
    "mitigate": State.MITIGATED,
    "monitor": State.MONITORING,
    "resolve": State.RESOLVED,
    "close": State.CLOSED,
    "cancel": State.CANCELLED,
    "reopen": State.INVESTIGATING,
}
REOPENABLE = (State.RESOLVED, State.CLOSED)

# The event that each verb records.
EVENTS: dict[str, str] = {
    "acknowledge": "incident.acknowledged",
    "triage": "incident.triaged",
    "investigate": "incident.investigating",
    "mitigate": "incident.mitigated",
    "monitor": "incident.monitoring",
    "resolve": "incident.resolved",
    "close": "incident.closed",
    "cancel": "incident.cancelled",
    "reopen": "incident.reopened",
}
NEED_REASON = ("cancel", "reopen")

# The participle of each verb, for "can't be ...".
PARTICIPLES: dict[str, str] = {
    "acknowledge": "acknowledged",
    "triage": "triaged",
    "investigate": "put under investigation",
    "mitigate": "mitigated",
    "monitor": "put under monitoring",
    "resolve": "resolved",
    "close": "closed",
    "cancel": "cancelled",
    "reopen": "reopened",
}

_respond, _command = level(Level.RESPOND), level(Level.COMMAND)
NEEDS: Mapping[str, Need] = {
    "view": level(Level.VIEW),
    **dict.fromkeys(
        ("acknowledge", "triage", "investigate", "mitigate", "monitor", "resolve"), _respond
    ),
    **dict.fromkeys(("note", "edit", "claim_time"), _respond),
    **dict.fromkeys(("close", "cancel", "reopen", "choose_time", "unrestrict", "let_in"), _command),
    **dict.fromkeys(("revise_impact", "change_severity", "withdraw_severity"), _respond),
    **dict.fromkeys(("set_component", "split_off"), _respond),
    # Who may declare is a policy: the operation asks `severity.provisional_roles`.
    "declare_provisional": _respond,
    **dict.fromkeys(("raise_to_sev1", "confirm_provisional", "lower_provisional"), _command),
    "decide_severity": roles(Role.SERVICE_OWNER, Role.INCIDENT_COMMANDER),
    "extend_provisional": roles(Role.DUTY_MANAGER),
}

# What only who owns triage, or command, may do, by the operating model of the incident's unit.
DUTY_OF: Mapping[str, Duty] = {
    "triage": Duty.TRIAGE,
    **dict.fromkeys(("close", "cancel", "raise_to_sev1", "declare_provisional"), Duty.COMMAND),
    **dict.fromkeys(
        ("confirm_provisional", "lower_provisional", "extend_provisional"), Duty.COMMAND
    ),
}

WORST = "SEV1"
# States in which the record is over: its severity is changed no more.
OVER = (State.CLOSED, State.CANCELLED)
# What an incident costs, and whom it concerns by law, is for who works on it, decides or audits:
# not for who was merely let in, such as a vendor's people.
IMPACT_READERS = Need(
    level=Level.RESPOND,
    roles=frozenset(
        {
            *(Role.EXECUTIVE, Role.LEGAL, Role.COMPLIANCE_OFFICER, Role.PRIVACY_OFFICER),
            *(Role.PR_OFFICER, Role.AUDITOR, Role.VENDOR_MANAGER),
        }
    ),
)

# Times that only a verb reaches; a claim about them can be chosen, but doesn't stand by itself.
BY_VERB_ONLY = ("acknowledged", "resolved", "closed")
# Key times in the order in which they may follow each other, where both are known.
NOT_BEFORE: tuple[tuple[str, str], ...] = (
    ("started", "mitigated"),
    ("started", "restored"),
    ("started", "resolved"),
    ("resolved", "closed"),
)


def verbs_from(state: str) -> list[str]:
    """The verbs that the table allows from a state, `acknowledge` included while it is open."""
    allowed = [verb for verb, target in VERBS.items() if _leads(verb, state, target)]
    return [*allowed, "acknowledge"] if state in OPEN_STATES else allowed


def reopen_until(resolved_at: datetime.datetime, days: int) -> datetime.datetime:
    """The last instant at which it can be reopened."""
    return resolved_at + datetime.timedelta(days=days)


def out_of_order(times: Mapping[str, datetime.datetime | None]) -> tuple[str, str] | None:
    """The first pair of key times that contradict each other."""
    for first, second in NOT_BEFORE:
        earlier, later = times.get(first), times.get(second)
        if earlier is not None and later is not None and later < earlier:
            return first, second
    return None


def severity_after(held: str, before: str, now: str, *, follows: bool) -> str:
    """The severity after another assessment; `before` and `now` are what the matrix says.

    An incident follows the matrix unless a person decided otherwise (`follows`). Then it only
    gets worse, and only where the matrix did.
    """
    if follows:
        return now
    return min(held, now) if now < before else held


def provisional_until(start: datetime.datetime, minutes: int) -> datetime.datetime:
    """The instant at which a provisional severity must be decided."""
    return start + datetime.timedelta(minutes=minutes)


def _leads(verb: str, state: str, target: str) -> bool:
    if target not in TRANSITIONS[state]:
        return False
    # Going back to investigating from the end is a reopening, with its own limit and record.
    return (verb == "reopen") == (state in REOPENABLE) if target == State.INVESTIGATING else True


explain(
    severity_pending=(
        "A change of the severity waits for a decision already",
        "Decide it, or let who asked for it withdraw it; then ask again.",
    ),
    severity_decided=(
        "There is no such request to decide",
        "Read the severity's changes again: somebody was faster, or asked for something else.",
    ),
    severity_same=("The incident has this severity", "Choose another one."),
    incident_over=(
        "The incident is closed or cancelled",
        "Reopen it first, where that is still possible.",
    ),
    provisional_declared=(
        "The severity is provisional already",
        "Confirm or lower it, or let the duty manager extend it.",
    ),
    provisional_none=("The severity isn't provisional", "Nothing is left to decide."),
    provisional_extended=(
        "It was extended once already",
        "Confirm or lower it: the impact must be known by now.",
    ),
    provisional_not_listed=(
        "You aren't among those who may declare a provisional SEV1",
        "Ask somebody with a role of the setting severity.provisional_roles, or state the impact.",
        403,
    ),
    component_unrestored=(
        "A component doesn't work yet",
        "Say that it is restored, or split the rest off into an incident with an owner.",
    ),
    component_split_off=(
        "The component goes on in another incident",
        "Say it on the incident to which it was split off.",
    ),
    severity_undecided=(
        "The severity waits for a decision",
        "Decide the request, or confirm or lower the provisional severity.",
    ),
    reopen_too_late=(
        "The time in which it can be reopened is over",
        "Open a new incident, and name this one in its description.",
    ),
    time_not_reached=(
        "The incident hasn't come that far",
        "Use the verb that sets this time first; then choose among its claims.",
    ),
    time_order=(
        "The key times would contradict each other",
        "Choose another claim for one of the two times that are named.",
    ),
)
