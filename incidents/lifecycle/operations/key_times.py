"""Key times: every claim is kept, and one of them is chosen to count."""

import datetime

from django.db import transaction

from config import clock
from config.audit.tracking import lock
from config.errors import Invalid, Refused
from config.organisation.models import User
from incidents.lifecycle import rules
from incidents.lifecycle.models import Incident, KeyTime, KeyTimeClaim
from incidents.timeline.models import Reliability, TimelineEntry
from incidents.timeline.operations import record
from incidents.timeline.rules import moment

SOURCE_LIMIT = 80


def keep_claim(
    incident: Incident,
    which: str,
    at: datetime.datetime,
    *,
    actor: User,
    source: str = "",
    reliability: str = Reliability.CONFIRMED,
    reason: str = "",
) -> KeyTimeClaim:
    """Write down who says when it was; the step that operations of this room share."""
    return KeyTimeClaim.objects.create(
        incident=incident,
        which=which,
        at=at,
        source=source or ("person" if actor.is_person else actor.username),
        reliability=reliability,
        claimed_by=actor,
        claimed_at=clock.now(),
        reason=reason,
    )


@transaction.atomic
def claim_time(
    incident: Incident,
    which: str,
    at: datetime.datetime,
    *,
    actor: User,
    source: str = "",
    reliability: str = Reliability.REPORTED,
    reason: str = "",
) -> KeyTimeClaim:
    """Keep another statement of when it was. It counts at once where none did before.

    Raises `Invalid` for an unknown key time, source or reliability, and for a time in the future.
    """
    lock(incident)
    if which not in KeyTime.values:
        raise Invalid(f"Choose one of {', '.join(KeyTime.values)}.", field="which")
    if reliability not in Reliability.values:
        raise Invalid(f"Choose one of {', '.join(Reliability.values)}.", field="reliability")
    if len(source) > SOURCE_LIMIT:
        raise Invalid(f"Name the source in at most {SOURCE_LIMIT} characters.", field="source")
    when = moment(at, now=clock.now())
    claim = keep_claim(
        incident, which, when, actor=actor, source=source, reliability=reliability, reason=reason
    )
    counts = _counts_at_once(incident, which, when)
    if counts:
        setattr(incident, f"{which}_at", when)
        incident.save_as(actor, f"{which}_at", reason=reason)
    _record(incident, "incident.time_claimed", claim, actor=actor, reason=reason, counts=counts)
    return claim


@transaction.atomic
def choose_time(
    incident: Incident, claim: KeyTimeClaim, *, actor: User, reason: str = ""
) -> TimelineEntry | None:
    """Let this claim count from now on; the others stay beside it. None where it does already.

    Raises `Invalid` without a reason where another claim counted, `Refused` where the incident
    hasn't come that far, or where its key times would contradict each other.
    """
    lock(incident)
    if claim.incident_id != incident.pk:
        raise Invalid("This claim is about another incident.", field="claim")
    before = getattr(incident, f"{claim.which}_at")
    if before == claim.at:
        return None
    if before is not None and not reason.strip():
        raise Invalid("Say why this time counts instead of the other.", field="reason")
    if before is None and claim.which in rules.BY_VERB_ONLY:
        raise Refused(f"The incident isn't {claim.which}; do that first.", code="time_not_reached")
    _check_order(incident, claim)
    setattr(incident, f"{claim.which}_at", claim.at)
    incident.save_as(actor, f"{claim.which}_at", reason=reason.strip())
    return _record(
        incident, "incident.time_chosen", claim, actor=actor, reason=reason.strip(), counts=True
    )


def _counts_at_once(incident: Incident, which: str, when: datetime.datetime) -> bool:
    if which in rules.BY_VERB_ONLY or getattr(incident, f"{which}_at") is not None:
        return False
    return rules.out_of_order({**incident.times(), which: when}) is None


def _check_order(incident: Incident, claim: KeyTimeClaim) -> None:
    wrong = rules.out_of_order({**incident.times(), claim.which: claim.at})
    if wrong is not None:
        first, second = wrong
        raise Refused(
            f"With this time the incident would be {second} before it was {first}; "
            f"choose another time for one of them.",
            code="time_order",
        )


def _record(
    incident: Incident, kind: str, claim: KeyTimeClaim, *, actor: User, reason: str, counts: bool
) -> TimelineEntry:
    label = KeyTime(claim.which).label
    verb = "counts as" if kind.endswith("chosen") else "is claimed as"
    text = (
        f"{claim.at:%Y-%m-%d %H:%M:%S} UTC {verb} the time '{label.lower()}', says {claim.source}."
    )
    return record(
        incident,
        kind,
        actor=actor,
        text=text if not reason else f"{text}\n\nReason: {reason}",
        reason=reason,
        reliability=Reliability(claim.reliability),
        source=claim.source,
        claim_id=claim.pk,
        which=claim.which,
        times={claim.which: claim.at.isoformat()} if counts else {},
    )
