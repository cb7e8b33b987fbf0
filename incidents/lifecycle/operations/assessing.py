"""What the severity matrix says of an incident, and how that is kept and explained."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from config.conditions.rules import describe, read
from config.errors import Invalid
from config.organisation.models import BusinessUnit
from incidents.catalog.models import Service
from incidents.catalog.operations import is_in_hours
from incidents.lifecycle.models import Incident, IncidentEngagement, SeverityChange
from incidents.taxonomy.impact import MEASURED, MOST_REVENUE, MOST_USERS, SUBJECT, Impact
from incidents.taxonomy.models import DataSensitivity, Exposure, ImpactRule, SeverityTableVersion
from incidents.taxonomy.operations import Classified, Effects, classify

ASSESSED = ("computed_severity", "severity_version", "severity_line", "severity_findings")
_COUNTS = {"users_affected": MOST_USERS, "revenue_per_hour": MOST_REVENUE}
_CHOICES = {"exposure": Exposure, "data_sensitivity": DataSensitivity}


class Measured(TypedDict, total=False):
    """The measured impact; what is absent, None or empty is not known."""

    users_affected: int | None
    revenue_per_hour: int | None
    exposure: str
    data_sensitivity: str
    is_regulatory: bool | None


def check_measured(measured: Mapping[str, Any]) -> None:
    """Raise `Invalid` with the field that is no impact, or that has an impossible value."""
    for name, value in measured.items():
        if name not in MEASURED:
            raise Invalid(f"'{name}' isn't part of the impact.", field=name)
        if name in _COUNTS and value is not None:
            _check_count(name, value)
        if name in _CHOICES and value not in ("", *_CHOICES[name].values):
            known = ", ".join(_CHOICES[name].values)
            raise Invalid(f"Choose one of {known}; leave it empty if unknown.", field=name)
        if name == "is_regulatory" and value not in (None, True, False):
            raise Invalid("Say yes or no; leave it empty if unknown.", field=name)


def _check_count(name: str, value: Any) -> None:
    most = _COUNTS[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Invalid(f"Enter a whole number from 0 to {most:,}.", field=name)


def in_hours(service: Service | None, at: datetime.datetime) -> bool | None:
    """Whether the service's region works at that time; None without a calendar."""
    return is_in_hours(service, at)


def assess(
    values: Mapping[str, Any], *, unit: BusinessUnit, at: datetime.datetime | None = None
) -> Classified:
    """What the matrix of the unit says of an incident with these values of its fields."""
    service: Service | None = values["service"]
    impact = Impact(
        level=values["level"],
        tier=service.tier if service is not None else None,
        in_hours=values["was_in_hours"],
        is_customer_facing=service.is_customer_facing if service is not None else None,
        **{name: values[name] for name in MEASURED},
    )
    return classify(impact, unit, at)


def facts_of(incident: Incident) -> dict[str, Any]:
    """The values that an assessment reads. Elapsed time is none of them (E1.1)."""
    return {
        name: getattr(incident, name) for name in ("level", "service", "was_in_hours", *MEASURED)
    }


def kept(found: Classified) -> dict[str, Any]:
    """The fields of an incident that keep what was found, in the order of `ASSESSED`."""
    values = (
        str(found.severity),
        found.version,
        found.line,
        [asdict(finding) for finding in found.findings],
    )
    return dict(zip(ASSESSED, values, strict=True))


def engagement(
    incident: Incident,
    effects: Effects,
    version: SeverityTableVersion | None,
    at: datetime.datetime,
) -> IncidentEngagement:
    """The row that attaches what the incident's severity sets off; `record` inserts it."""
    return IncidentEngagement(
        incident=incident,
        severity=incident.severity,
        version=version,
        at=at,
        **{**asdict(effects), "roles": list(effects.roles)},
    )


@dataclass(frozen=True)
class Basis:
    """Why an incident has its severity."""

    computed: str
    text: str
    version: int | None
    line: str
    rule: str
    findings: list[dict[str, Any]]
    in_hours: bool | None
    decided: SeverityChange | None


def basis_of(incident: Incident) -> Basis:
    """Why: the version and the line that decided, what they found, and who decided otherwise."""
    rule = _rule_of(incident)
    computed = incident.computed_severity or incident.severity
    decided = None
    if computed != incident.severity:
        changes = incident.severity_changes.filter(to_severity=incident.severity)
        decided = changes.select_related("requested_by").order_by("-id").first()
    return Basis(
        computed=computed,
        text=_sentence(incident, rule, computed),
        version=incident.severity_version.number if incident.severity_version else None,
        line=incident.severity_line,
        rule=rule,
        findings=incident.severity_findings,
        in_hours=incident.was_in_hours,
        decided=decided,
    )


def _rule_of(incident: Incident) -> str:
    """The rule that matched in words; empty where level and tier decided."""
    if not incident.severity_findings or incident.severity_version_id is None:
        return ""
    rows = ImpactRule.objects.filter(
        table=incident.severity_version_id, line=incident.severity_line
    )
    stored = rows.values_list("conditions", flat=True).first()
    return describe(SUBJECT, read(SUBJECT, stored)) if stored else ""


def _sentence(incident: Incident, rule: str, computed: str) -> str:
    version = incident.severity_version
    matrix = f"Version {version.number} of the matrix" if version else "The shipped matrix"
    if rule:
        text = f"{matrix} says {computed} by its line '{incident.severity_line}': {rule}."
    else:
        level, _, tier = incident.severity_line.partition("-")
        text = (
            f"{matrix} says {computed} of the level {level or incident.level} on tier "
            f"{tier or 'of the service'}; no rule by measured impact matched."
        )
    if computed != incident.severity:
        text += f" It counts as {incident.severity} by a decision."
    return text
