"""Opening an incident: by a person, a tool, or an alert."""

import datetime
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Unpack

from django.db import connection, transaction

from config import clock
from config.errors import Invalid
from config.organisation.models import BusinessUnit, Team, User
from incidents.catalog.models import Service, ServiceStatus
from incidents.components.models import Component
from incidents.lifecycle.gating import check_open
from incidents.lifecycle.models import Incident, KeyTime, Source
from incidents.lifecycle.operations.assessing import (
    Measured,
    assess,
    check_measured,
    engagement,
    in_hours,
    kept,
)
from incidents.lifecycle.operations.key_times import keep_claim
from incidents.lifecycle.operations.restricting import restrict
from incidents.taxonomy.impact import MEASURED
from incidents.taxonomy.models import Level
from incidents.taxonomy.operations import Classified
from incidents.terms.operations import FIELDS, TAGS, check_choices, check_component
from incidents.timeline.models import Reliability
from incidents.timeline.operations import record
from incidents.timeline.rules import moment

TRIAGE_TEAM = "triage"
TITLE_LIMIT = 200
# References step by 1 to 4 at random, so that a gap doesn't betray a restricted incident.
LONGEST_STEP = 4


@dataclass(frozen=True)
class _Owner:
    team: Team
    unit: BusinessUnit


@transaction.atomic
def open_incident(
    *,
    title: str,
    service: Service | None,
    level: str,
    actor: User,
    source: str,
    description: str = "",
    started_at: datetime.datetime | None = None,
    detected_at: datetime.datetime | None = None,
    reported_at: datetime.datetime | None = None,
    team: Team | None = None,
    unit: BusinessUnit | None = None,
    at: datetime.datetime | None = None,
    is_restricted: bool = False,
    terms: Mapping[str, Any] | None = None,
    component: Component | None = None,
    **measured: Unpack[Measured],
) -> Incident:
    """Open an incident; the severity follows from its impact by the matrix in force.

    What the severity sets off is attached in the same transaction.
    Owner is `team`, else the service's, else the triage queue. Alerts are detected, all else is
    reported, now unless stated. `terms` are values of the taxonomy by field. Raises `Invalid` with
    the field that is wrong, `ValidationError` with those that the intake template misses.
    """
    opened_at = moment(at, now=clock.now())
    times = _key_times(opened_at, source, started_at, detected_at, reported_at)
    incident, found = _unsaved(
        measured,
        title=title,
        service=service,
        level=level,
        owner=_owner(service, team, unit),
        source=source,
        description=description,
        times=times,
        opened_at=opened_at,
        is_restricted=is_restricted,
        terms=terms or {},
        component=component,
    )
    incident.number = _next_number()
    incident.reference = f"INC-{incident.number:06d}"
    incident.save_as(actor)
    # The database computes the search column; nobody here reads it.
    for which, when in times.items():
        keep_claim(incident, which, when, actor=actor, reliability=_reliability(source))
    _record(incident, actor, times, found)
    if is_restricted:
        restrict(incident, actor=actor)
    return incident


def check_alert(
    *,
    title: str,
    service: Service | None,
    level: str,
    description: str = "",
    started_at: datetime.datetime | None = None,
    detected_at: datetime.datetime | None = None,
    terms: Mapping[str, Any] | None = None,
    **measured: Unpack[Measured],
) -> None:
    """Raise what `open_incident` would for an alert, by the same intake template; open nothing."""
    now = clock.now()
    _unsaved(
        measured,
        title=title,
        service=service,
        level=level,
        owner=_owner(service, None, None),
        source=Source.ALERT,
        description=description,
        times=_key_times(now, Source.ALERT, started_at, detected_at, None),
        opened_at=now,
        is_restricted=False,
        terms=terms or {},
        component=None,
    )


def _unsaved(
    measured: Measured,
    *,
    title: str,
    service: Service | None,
    level: str,
    owner: _Owner,
    source: str,
    description: str,
    times: Mapping[KeyTime, datetime.datetime],
    opened_at: datetime.datetime,
    is_restricted: bool,
    terms: Mapping[str, Any],
    component: Component | None,
) -> tuple[Incident, Classified]:
    """The incident as it would be opened, checked, without a number; and why it is that severe."""
    _check(title, level, service)
    check_measured(measured)
    facts = _facts(measured, level, service, opened_at)
    found = assess(facts, unit=owner.unit, at=opened_at)
    chosen = check_choices(terms, owner.unit)
    if component is not None:
        check_component(chosen.get("type"), component.kind, owner.unit)
    incident = Incident(
        title=title.strip(),
        description=description,
        severity=found.severity,
        team=owner.team,
        unit=owner.unit,
        source=source,
        opened_at=opened_at,
        is_restricted=is_restricted,
        **facts,
        **kept(found),
        component=component,
        **chosen,
        **{f"{which}_at": when for which, when in times.items()},
    )
    check_open(incident)
    return incident, found


def _facts(
    measured: Measured, level: str, service: Service | None, at: datetime.datetime
) -> dict[str, Any]:
    """The fields that the severity is computed from."""
    unknown = {name: "" if name in ("exposure", "data_sensitivity") else None for name in MEASURED}
    return {
        **unknown,
        **measured,
        "level": level,
        "service": service,
        "was_in_hours": in_hours(service, at),
    }


def _record(
    incident: Incident, actor: User, times: dict[KeyTime, datetime.datetime], found: Classified
) -> None:
    attached = engagement(incident, found.effects, found.version, incident.opened_at)
    record(
        incident,
        "incident.opened",
        actor=actor,
        at=incident.opened_at,
        text=f"Opened as {incident.severity}: {incident.title}",
        reliability=_reliability(incident.source),
        source=incident.source,
        to=incident.state,
        severity=str(incident.severity),
        severity_line=found.line,
        engagement=asdict(found.effects),
        along=[attached],
        service_id=incident.service_id,
        team_id=incident.team_id,
        times={which.value: when.isoformat() for which, when in times.items()},
    )


def _reliability(source: str) -> Reliability:
    return Reliability.TELEMETRY if source == Source.ALERT else Reliability.REPORTED


def _key_times(
    opened_at: datetime.datetime,
    source: str,
    started_at: datetime.datetime | None,
    detected_at: datetime.datetime | None,
    reported_at: datetime.datetime | None,
) -> dict[KeyTime, datetime.datetime]:
    if source not in Source.values:
        raise Invalid(f"Choose one of {', '.join(Source.values)}.", field="source")
    if source == Source.ALERT:
        detected_at = detected_at or opened_at
    else:
        reported_at = reported_at or opened_at
    stated = {
        KeyTime.STARTED: started_at,
        KeyTime.DETECTED: detected_at,
        KeyTime.REPORTED: reported_at,
    }
    return {
        which: moment(when, now=clock.now(), field=f"{which}_at")
        for which, when in stated.items()
        if when is not None
    }


def _owner(service: Service | None, team: Team | None, unit: BusinessUnit | None) -> _Owner:
    owner = team or (service.team if service is not None else triage_team())
    return _Owner(owner, unit or owner.unit)


def triage_team() -> Team:
    """The team of the triage queue. Raises `Invalid` on `service` where there is none."""
    try:
        return Team.objects.select_related("unit").get(key=TRIAGE_TEAM)
    except Team.DoesNotExist:
        raise Invalid(
            f"Name a service: there is no team '{TRIAGE_TEAM}' to take incidents without one.",
            field="service",
        ) from None


def with_terms(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form or request as `open_incident` takes them: what classifies, apart."""
    names = (*FIELDS, TAGS)
    rest = {name: value for name, value in values.items() if name not in names}
    return {**rest, "terms": {name: values[name] for name in names if name in values}}


def check_title(title: str) -> None:
    """Raise `Invalid` for a title that is empty or too long."""
    if not title.strip():
        raise Invalid("Give the incident a title.", field="title")
    if len(title.strip()) > TITLE_LIMIT:
        raise Invalid(f"Use at most {TITLE_LIMIT} characters.", field="title")


def check_level(level: str) -> None:
    """Raise `Invalid` for a level that isn't one."""
    if level not in Level.values:
        raise Invalid(f"Choose one of {', '.join(Level.values)}.", field="level")


def check_service(service: Service | None) -> None:
    """Raise `Invalid` for a service that is out of use."""
    if service is not None and service.status == ServiceStatus.RETIRED:
        raise Invalid(f"{service} is retired; choose the service that took over.", field="service")


def _check(title: str, level: str, service: Service | None) -> None:
    check_title(title)
    check_level(level)
    check_service(service)


def _next_number() -> int:
    steps = secrets.randbelow(LONGEST_STEP) + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(nextval('incidents_number')) FROM generate_series(1, %s)", [steps]
        )
        number: int = cursor.fetchone()[0]
    return number
