"""The work moves once: the target is made, the source closes, and nobody works on both."""

from django.db import transaction

from config.audit.tracking import lock
from config.errors import Blocked, Invalid, Refused
from config.events.operations import blockers
from config.events.operations import record as record_event
from config.organisation.models import User
from incidents.intake.models import Conversion, IntakeItem, ItemState, OutcomeChoice, WorkRecord
from incidents.intake.operations.reporting import decide, require_open
from incidents.intake.rules import PREFIXES, Outcome
from incidents.lifecycle.models import Incident, Source
from incidents.lifecycle.operations import cancel, open_incident
from incidents.taxonomy.models import Level
from incidents.timeline.operations import record


@transaction.atomic
def convert(item: IntakeItem, *, actor: User, level: str = "") -> Conversion:
    """Turn a report into what was decided; `level` is for one that becomes an incident.

    Without one, what the tool said of it counts, else it is a warning.

    Raises `Refused` (`converted_already`) for the second time, `Invalid` where the
    incident of a duplicate isn't named.
    """
    require_open(item, actor=actor)
    item.handoffs += 1
    item.state = ItemState.CONVERTED
    incident, work = None, None
    if item.outcome == Outcome.INCIDENT:
        incident = _incident(item, actor, level or item.level or Level.WARNING)
    elif item.outcome == Outcome.DUPLICATE:
        incident = _known(item, actor)
    else:
        work = _work(item, item.outcome, actor, item.handoffs)
    made = Conversion.objects.create(
        item=item, incident=incident, work=work, outcome=item.outcome, by=actor
    )
    item.save_as(actor, "state", "handoffs")
    # Without the incident's reference: who may read the report need not know of it.
    named = work.reference if work is not None else ""
    record_event("intake.converted", item, actor=actor, outcome=item.outcome, to=named)
    return made


@transaction.atomic
def join_incident(item: IntakeItem, incident: Incident, *, actor: User, reason: str) -> None:
    """What it reported became an incident before anybody qualified it: the work goes on there.

    Nothing happens where the report was converted meanwhile.
    """
    lock(item)
    if item.state == ItemState.CONVERTED:
        return
    item.state, item.outcome = ItemState.CONVERTED, str(Outcome.INCIDENT)
    item.handoffs += 1
    decide(item, Outcome.INCIDENT, actor=actor, reason=reason)
    Conversion.objects.create(item=item, incident=incident, outcome=item.outcome, by=actor)
    item.save_as(actor, "state", "outcome", "handoffs", "table_version", "table_answer",
                 reason=reason)  # fmt: skip
    _note(incident, item, f"Was reported as {item.reference}.", actor)
    record_event("intake.converted", item, actor=actor, outcome=item.outcome, to="")


@transaction.atomic
def convert_incident(
    incident: Incident, *, actor: User, outcome: str, reason: str = ""
) -> Conversion:
    """Turn an incident that was none into what it is; it is cancelled, with the link.

    Raises `Refused` (`converted_already`) for the second time, `Blocked` where guards of
    `incident.convert` object, such as active command roles, and `TransitionRefused` where it has
    come too far to be cancelled.
    """
    lock(incident)
    earlier = incident.conversions.filter(item__isnull=True).select_related("work").first()
    if earlier is not None:
        raise Refused(
            f"{incident.reference} was turned into {earlier.target}; go on there.",
            code="converted_already",
        )
    if outcome not in PREFIXES:
        raise Invalid(f"Choose one of {', '.join(PREFIXES)}.", field="outcome")
    if not reason.strip():
        raise Invalid("Say why it is no incident.", field="reason")
    if found := blockers("incident.convert", incident):
        raise Blocked(f"{incident.reference} can't be converted yet.", blockers=found)
    work = _work(incident, outcome, actor, 1)
    text = f"Converted to {OutcomeChoice(outcome).label.lower()} {work.reference}. {reason.strip()}"
    cancel(incident, actor=actor, reason=text)
    made = Conversion.objects.create(
        incident=incident, work=work, outcome=outcome, reason=reason.strip(), by=actor
    )
    record(
        incident,
        "incident.converted",
        actor=actor,
        text=f"Goes on as {work.reference}.",
        reason=reason.strip(),
        outcome=outcome,
        work_id=work.pk,
    )
    return made


def _incident(item: IntakeItem, actor: User, level: str) -> Incident:
    incident = open_incident(
        title=item.title,
        description=item.description,
        service=item.service,
        team=item.team,
        level=level,
        actor=actor,
        source=Source.PERSON if actor.is_person else Source.API,
        reported_at=item.reported_at,
    )
    _note(incident, item, f"Made of the report {item.reference}.", actor)
    return incident


def _known(item: IntakeItem, actor: User) -> Incident:
    if item.duplicate_of is None:
        raise Invalid(
            "Name the incident of which this is a duplicate.",
            code="duplicate_unnamed",
            field="duplicate_of",
        )
    lock(item.duplicate_of)
    _note(item.duplicate_of, item, f"Reported again: {item.reference}, {item.title}", actor)
    return item.duplicate_of


def _note(incident: Incident, item: IntakeItem, text: str, actor: User) -> None:
    record(incident, "incident.reported", actor=actor, text=text, item_id=item.pk)


def _work(source: IntakeItem | Incident, kind: str, actor: User, handoffs: int) -> WorkRecord:
    work = WorkRecord(
        kind=kind,
        title=source.title,
        description=source.description,
        service=source.service,
        team=source.team,
        unit=source.unit,
        handoffs=handoffs,
    )
    work.full_clean()
    work.save_as(actor)
    record_event("work.opened", work, actor=actor, outcome=kind)
    return work
