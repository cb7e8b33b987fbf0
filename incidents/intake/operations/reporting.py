"""Taking a report in, answering again, deciding otherwise than the table, handing it on."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from config.audit.tracking import lock
from config.errors import Invalid, Refused
from config.events.operations import record
from config.federation.duties import require_duty
from config.federation.rules import Duty
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.intake.models import (
    IntakeItem,
    ItemState,
    OutcomeChoice,
    QualificationDecision,
)
from incidents.intake.operations.deciding import Qualified, judge
from incidents.intake.rules import ANSWERS
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations.opening import (
    check_level,
    check_service,
    check_title,
    triage_team,
)


@transaction.atomic
def report(
    *,
    title: str,
    actor: User,
    service: Service | None = None,
    team: Team | None = None,
    description: str = "",
    level: str = "",
    duplicate_of: Incident | None = None,
    **answers: Any,
) -> IntakeItem:
    """Take a report in with what was answered, and let the table say what it is.

    `level` is what a tool says of it: it counts where the report becomes an incident.
    """
    check_title(title)
    if level:
        check_level(level)
    check_service(service)
    owner = team or (service.team if service is not None else triage_team())
    item = IntakeItem(
        title=title.strip(),
        description=description,
        service=service,
        team=owner,
        unit=owner.unit,
        level=level,
        reported_by=actor,
        duplicate_of=duplicate_of,
        **_checked(answers),
    )
    found = _judged(item)
    item.save_as(actor)
    _decide(item, found, found.outcome, actor=actor)
    record("intake.reported", item, actor=actor, outcome=item.outcome)
    return item


@transaction.atomic
def qualify(
    item: IntakeItem, *, actor: User, duplicate_of: Incident | None = None, **answers: Any
) -> IntakeItem:
    """Answer again, or more; the table decides anew."""
    require_open(item, actor=actor)
    for name, value in _checked(answers).items():
        setattr(item, name, value)
    if duplicate_of is not None:
        item.duplicate_of = duplicate_of
    found = _judged(item)
    item.save_as(actor)
    _decide(item, found, found.outcome, actor=actor)
    record("intake.qualified", item, actor=actor, outcome=item.outcome)
    return item


@transaction.atomic
def override(
    item: IntakeItem,
    *,
    actor: User,
    outcome: str,
    reason: str = "",
    duplicate_of: Incident | None = None,
) -> IntakeItem:
    """Decide otherwise than the table, which needs a reason; its answer stays beside it."""
    require_open(item, actor=actor)
    if outcome not in OutcomeChoice.values:
        raise Invalid(f"Choose one of {', '.join(OutcomeChoice.values)}.", field="outcome")
    if not reason.strip():
        raise Invalid("Say why the table's answer isn't followed.", field="reason")
    if duplicate_of is not None:
        item.duplicate_of = duplicate_of
    found, before = _judged(item), item.outcome
    item.outcome = outcome
    item.save_as(actor, reason=reason.strip())
    _decide(item, found, outcome, actor=actor, reason=reason.strip())
    record(
        "intake.overridden",
        item,
        actor=actor,
        reason=reason.strip(),
        version_id=item.table_version_id,
        table_answer=item.table_answer,
        outcome=outcome,
        before=before,
    )
    return item


@transaction.atomic
def hand_over(item: IntakeItem, *, actor: User, team: Team, reason: str = "") -> IntakeItem:
    """Another team goes on with it; each time is counted."""
    require_open(item, actor=actor)
    if team == item.team:
        raise Invalid(f"{team} has it already; choose another team.", field="team")
    before, item.team, item.unit = item.team, team, team.unit
    item.handoffs += 1
    item.save_as(actor, "team", "unit", "handoffs", reason=reason.strip())
    data: dict[str, Any] = {"from_id": before.pk, "to_id": team.pk, "handoffs": item.handoffs}
    record("intake.handed_over", item, actor=actor, reason=reason.strip(), **data)
    return item


def require_open(item: IntakeItem, *, actor: User) -> None:
    """Lock it; raise `Refused` (`converted_already`) where the work goes on elsewhere.

    `NotAllowed` (`duty_elsewhere`) where triage in its unit is somebody else's, by the operating
    model that was in force when it came in.
    """
    lock(item)
    require_duty(Duty.TRIAGE, item.unit, item.reported_at, actor=actor)
    if item.state == ItemState.CONVERTED:
        raise Refused(
            f"{item.reference} was turned into another record; the work goes on there.",
            code="converted_already",
        )


def _checked(answers: Mapping[str, Any]) -> dict[str, Any]:
    for name in answers:
        if name not in ANSWERS:
            raise Invalid(f"There is no answer '{name}'.", field=name)
    return dict(answers)


def _judged(item: IntakeItem) -> Qualified:
    """What the table says now; the item takes it over."""
    said = {name: getattr(item, name) for name in ANSWERS}
    found = judge(said, item.unit, has_duplicate=item.duplicate_of_id is not None)
    item.table_version, item.table_answer = found.version, found.outcome
    item.outcome = found.outcome
    return found


def decide(item: IntakeItem, outcome: str, *, actor: User, reason: str) -> None:
    """Write down an outcome beside the table's answer, for an item that the caller has locked."""
    found = _judged(item)
    item.outcome = outcome
    _decide(item, found, outcome, actor=actor, reason=reason)


def _decide(
    item: IntakeItem, found: Qualified, outcome: str, *, actor: User, reason: str = ""
) -> None:
    QualificationDecision.objects.create(
        item=item,
        version=found.version,
        line=found.line,
        findings=found.explained(),
        answers={name: getattr(item, name) for name in ANSWERS},
        tolerance_percent=found.tolerance,
        table_answer=found.outcome,
        outcome=outcome,
        reason=reason if outcome != found.outcome else "",
        by=actor,
    )
