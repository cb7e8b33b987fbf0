"""Makes services and incidents for tests, by their operations; what isn't named gets a default."""

import itertools
from typing import Any

from config.organisation.models import Team, User
from config.organisation.rules import Domain
from incidents.boundaries.rules import ComponentKind
from incidents.calendars.models import OperatingCalendar
from incidents.calendars.operations import create_calendar
from incidents.calendars.rules import WEEKDAYS
from incidents.catalog.models import Service
from incidents.catalog.operations import create_service
from incidents.components.models import Component, Dependency, Item
from incidents.components.operations import add_dependency, create_component
from incidents.components.rules import Strength
from incidents.lifecycle import operations
from incidents.lifecycle.models import Incident, Source
from incidents.lifecycle.operations import open_incident
from incidents.lifecycle.operations.opening import TRIAGE_TEAM
from incidents.lifecycle.rules import NEED_REASON, State
from incidents.taxonomy.models import Level
from incidents.timeline.models import TimelineEntry
from tests.config import make

_numbers = itertools.count(1)


def service(key: str = "", *, team: Team | None = None, tier: int = 3, **fields: Any) -> Service:
    """A live service; of tier 1 with a recovery time objective of an hour."""
    key = key or f"service-{next(_numbers)}"
    fields = {"name": key.title(), "rto_minutes": 60 if tier == 1 else None, **fields}
    return create_service(
        actor=make.system(), key=key, team=team or make.team(), tier=tier, **fields
    )


def calendar(key: str = "", *, zone: str = "UTC", **fields: Any) -> OperatingCalendar:
    """A calendar; Monday to Friday from 9 to 17 where nothing else is said."""
    key = key or f"calendar-{next(_numbers)}"
    week = dict.fromkeys(WEEKDAYS[:5], "09:00-17:00")
    fields = {"name": key.title(), **week, **fields}
    return create_calendar(actor=make.system(), key=key, time_zone=zone, **fields)


def component(key: str = "", *, team: Team | None = None, **fields: Any) -> Component:
    """A database, where nothing else is said."""
    key = key or f"component-{next(_numbers)}"
    said = {"name": key.title(), "kind": ComponentKind.DATABASE, "domain": Domain.DATA, **fields}
    return create_component(actor=make.system(), key=key, team=team or make.team(), **said)


def needs(source: Item, target: Item, strength: str = Strength.HARD) -> Dependency:
    """The source needs the target."""
    return add_dependency(source, target, actor=make.system(), strength=strength)


def triage_team() -> Team:
    """The team of the triage queue, which the reference data bring in a real installation."""
    found = Team.objects.filter(key=TRIAGE_TEAM).first()
    return found or make.team(TRIAGE_TEAM, name="Triage")


def incident(
    title: str = "Checkout is slow",
    *,
    service: Service | None = None,
    actor: User | None = None,
    level: str = Level.ERROR,
    **fields: Any,
) -> Incident:
    """A new incident, in the triage queue where neither a service nor a team is named."""
    fields = {"source": Source.PERSON, **fields}
    if service is None and "team" not in fields:
        fields["team"] = triage_team()
    return open_incident(
        title=title, service=service, actor=actor or make.system(), level=level, **fields
    )


PATHS: dict[str, tuple[str, ...]] = {
    State.NEW: (),
    State.TRIAGED: ("triage",),
    State.INVESTIGATING: ("investigate",),
    State.MITIGATED: ("investigate", "mitigate"),
    State.MONITORING: ("monitor",),
    State.RESOLVED: ("resolve",),
    State.CLOSED: ("resolve", "close"),
    State.CANCELLED: ("cancel",),
}


def incident_in(state: str, **fields: Any) -> Incident:
    """An incident that was brought to that state by its verbs, without its guards' duties."""
    actor = fields.setdefault("actor", make.system())
    made = incident(**fields)
    for verb in PATHS[state]:
        do(verb, made, actor=actor)
    return made


def do(verb: str, found: Incident, *, actor: User, **arguments: Any) -> Incident:
    """Any verb by its name; those that need a reason get one."""
    if verb in NEED_REASON:
        arguments.setdefault("reason", "because of a test")
    operation: Any = getattr(operations, verb)
    changed: Incident = operation(found, actor=actor, **arguments)
    return changed


def last_line(found: Incident) -> TimelineEntry:
    """The line that was written last."""
    return found.timeline.order_by("-id")[0]
