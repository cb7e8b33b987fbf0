"""Editing what an incident says of itself; states and times have operations of their own."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from config.audit.tracking import lock
from config.errors import Invalid, Stale
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations.assessing import facts_of, in_hours
from incidents.lifecycle.operations.opening import check_level, check_service, check_title
from incidents.lifecycle.operations.reassessing import Reassessment, reassess
from incidents.lifecycle.operations.restricting import check_unrestrict, restrict
from incidents.terms.operations import FIELDS, TAGS, check_choices, check_component
from incidents.timeline.operations import record

TERMS = (*FIELDS, TAGS)
EDITABLE = (
    "title",
    "description",
    "service",
    "team",
    "level",
    "is_restricted",
    "component",
    *TERMS,
)


@transaction.atomic
def edit(
    incident: Incident,
    *,
    actor: User,
    changes: Mapping[str, Any],
    reason: str = "",
    revision: int | None = None,
) -> Incident:
    """Change descriptive fields, with everything that follows from them: owner, unit, severity.

    Where the matrix then says less than SEV1 of a SEV1, a second person decides (INC-07).
    Nothing is recorded where nothing differs. Raises `Stale` when `revision` is given and
    passed, `Invalid` with the field, `NotAllowed` where somebody may not lift a restriction.
    """
    lock(incident)
    if revision is not None and revision != incident.revision:
        raise Stale(f"{incident.reference} has changed since you read it; read it again.")
    reason = reason.strip()
    wanted = _with_terms(incident, _with_owner(incident, _checked(changes)))
    again = _reassessed(incident, wanted, actor, reason)
    if again is not None:
        wanted |= again.fields
    diffs = {name: value for name, value in wanted.items() if getattr(incident, name) != value}
    if not diffs:
        return incident
    if diffs.get("is_restricted") is False:
        check_unrestrict(incident, actor)
    described = [
        _described(incident, name, value)
        for name, value in diffs.items()
        if name != "severity_findings"
    ]
    for name, value in diffs.items():
        setattr(incident, name, value)
    incident.save_as(actor, *diffs, reason=reason)
    _record(incident, actor, described, reason)
    if again is not None:
        again.record(incident, actor=actor)
    if diffs.get("is_restricted"):
        restrict(incident, actor=actor, reason=reason)
    return incident


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    for name in changes:
        if name not in EDITABLE:
            raise Invalid(f"'{name}' can't be edited.", field=name)
    if "title" in changes:
        check_title(changes["title"])
    if "level" in changes:
        check_level(changes["level"])
    check_service(changes.get("service"))
    if "team" in changes and changes["team"] is None:
        raise Invalid("An incident belongs to a team; choose one.", field="team")
    trimmed = {"title": changes["title"].strip()} if "title" in changes else {}
    return {**changes, **trimmed}


def _with_owner(incident: Incident, changes: dict[str, Any]) -> dict[str, Any]:
    wanted = dict(changes)
    service = wanted.get("service", incident.service)
    if service != incident.service:
        # The hours are those of the new service's region, still at the time of opening.
        wanted["was_in_hours"] = in_hours(service, incident.opened_at)
    if service != incident.service and service is not None:
        wanted.setdefault("team", service.team)
    if "team" in wanted:
        wanted["unit"] = wanted["team"].unit
    return wanted


def _reassessed(
    incident: Incident, wanted: Mapping[str, Any], actor: User, reason: str
) -> Reassessment | None:
    """What the matrix says now, where service or level differ."""
    facts = facts_of(incident)
    changed = {name: wanted.get(name, facts[name]) for name in ("service", "level", "was_in_hours")}
    if all(facts[name] == value for name, value in changed.items()):
        return None
    return reassess(
        incident,
        {**facts, **changed},
        actor=actor,
        unit=wanted.get("unit"),
        justification=reason,
        field="reason",
    )


def _with_terms(incident: Incident, wanted: dict[str, Any]) -> dict[str, Any]:
    """Values of the taxonomy that differ are checked, and bring their tags along."""
    known = {name: getattr(incident, name) for name in TERMS}
    chosen = {
        name: wanted[name] for name in TERMS if name in wanted and wanted[name] != known[name]
    }
    unit = wanted.get("unit", incident.unit)
    component = wanted.get("component", incident.component)
    if component is not None and ("type" in chosen or component != incident.component):
        check_component(wanted.get("type", incident.type), component.kind, unit)
    return {**wanted, **check_choices(chosen, unit, known=known)}


def _described(incident: Incident, name: str, value: Any) -> dict[str, Any]:
    return {"field": name, "old": _plain(getattr(incident, name)), "new": _plain(value)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | list):
        return value
    return str(getattr(value, "key", None) or value)


def _record(incident: Incident, actor: User, described: list[dict[str, Any]], reason: str) -> None:
    names = [change["field"].replace("_", " ") for change in described]
    lines = [f"Edited: {', '.join(names)}."]
    if reason:
        lines.append(f"Reason: {reason}")
    record(
        incident,
        "incident.edited",
        actor=actor,
        text="\n\n".join(lines),
        reason=reason,
        changes=described,
    )
