"""Editing what an incident says of itself; states and times have operations of their own."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from config.audit.tracking import lock
from config.errors import Invalid, Stale
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations.opening import check_level, check_service, check_title
from incidents.lifecycle.operations.restricting import check_unrestrict, restrict
from incidents.taxonomy.impact import Impact
from incidents.taxonomy.operations import classify
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

    Nothing is recorded where nothing differs. Raises `Stale` when `revision` is given and
    passed, `Invalid` with the field, `NotAllowed` where somebody may not lift a restriction.
    """
    lock(incident)
    if revision is not None and revision != incident.revision:
        raise Stale(f"{incident.reference} has changed since you read it; read it again.")
    reason = reason.strip()
    wanted = _with_terms(incident, _with_consequences(incident, _checked(changes)))
    diffs = {name: value for name, value in wanted.items() if getattr(incident, name) != value}
    if not diffs:
        return incident
    if diffs.get("is_restricted") is False:
        check_unrestrict(incident, actor)
    if diffs.get("severity", "") > incident.severity and not reason:
        raise Invalid(
            f"This lowers the severity from {incident.severity} to {diffs['severity']}: say why.",
            field="reason",
        )
    described = [_described(incident, name, value) for name, value in diffs.items()]
    for name, value in diffs.items():
        setattr(incident, name, value)
    incident.save_as(actor, *diffs, reason=reason)
    _record(incident, actor, described, reason)
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


def _with_consequences(incident: Incident, changes: dict[str, Any]) -> dict[str, Any]:
    wanted = dict(changes)
    service = wanted.get("service", incident.service)
    if service != incident.service and service is not None:
        wanted.setdefault("team", service.team)
    if "team" in wanted:
        wanted["unit"] = wanted["team"].unit
    if service != incident.service or wanted.get("level", incident.level) != incident.level:
        tier = service.tier if service is not None else None
        found = classify(
            Impact(wanted.get("level", incident.level), tier), wanted.get("unit", incident.unit)
        )
        wanted |= {
            "severity": found.severity,
            "severity_version": found.version,
            "severity_line": found.line,
        }
    return wanted


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
    if value is None or isinstance(value, bool | list):
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
