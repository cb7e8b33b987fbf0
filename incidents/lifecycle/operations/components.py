"""Partial restoration: what works again and what does not, and where the rest goes on."""

import datetime
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction

from config import clock
from config.access.visibility import may
from config.audit.tracking import append, lock
from config.errors import Invalid, Refused
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import (
    AffectedComponent,
    ComponentState,
    Incident,
    IncidentLink,
    LinkKind,
    Source,
)
from incidents.lifecycle.models.components import STATED
from incidents.lifecycle.operations.opening import TITLE_LIMIT, open_incident
from incidents.lifecycle.operations.restricting import let_in_those_of
from incidents.taxonomy.impact import MEASURED
from incidents.timeline.operations import record
from incidents.timeline.rules import moment

NAME_LIMIT = 120


@transaction.atomic
def set_component(
    incident: Incident,
    *,
    actor: User,
    name: str,
    state: str,
    service: Service | None = None,
    at: datetime.datetime | None = None,
    note: str = "",
) -> AffectedComponent:
    """Say how a component fares; the first time adds it. It is the incident's service's, unless
    another one is named. The same state again changes and records nothing.

    Raises `Invalid` with the field that is wrong, `Refused` once the incident is over or the
    component goes on in another one.
    """
    name = _checked_name(name)
    if state not in STATED:
        raise Invalid(f"Choose one of {', '.join(STATED)}.", field="state")
    lock(incident)
    _require_open(incident)
    service = service or incident.service
    component = AffectedComponent.objects.filter(
        incident=incident, service=service, name__iexact=name
    ).first()
    if component is not None and component.state == state:
        return component
    if component is not None and component.state == ComponentState.SPLIT_OFF:
        raise Refused(
            f"{component} goes on in another incident; say it there.", code="component_split_off"
        )
    when = moment(at, now=clock.now(), earliest=component.since if component else None)
    before = component.state if component else None
    component = component or AffectedComponent(incident=incident, service=service, name=name)
    component.state, component.since = state, when
    component.save_as(actor, reason=note.strip())
    _record(component, before, actor=actor, at=when, note=note.strip())
    return component


@transaction.atomic
def split_off(
    incident: Incident,
    *,
    actor: User,
    owner: User,
    reason: str,
    title: str = "",
    components: Collection[int] | None = None,
) -> Incident:
    """What doesn't work yet goes on in a new incident that `owner` answers for; return that one.

    By default all components that are down or degraded, else those of these numbers. The new one
    takes over service, team, level, impact, start and restriction. Then this one can be resolved.
    """
    lock(incident)
    _require_open(incident)
    if not reason.strip():
        raise Invalid("Say why the rest goes on apart.", field="reason")
    _check_owner(incident, owner)
    moved = _remainder(incident, components)
    other = _open_rest(incident, title.strip() or _title_of(incident, moved), actor)
    link = IncidentLink(
        incident=incident,
        other=other,
        kind=LinkKind.SPLIT_OFF,
        owner=owner,
        reason=reason.strip(),
        linked_by=actor,
        at=clock.now(),
    )
    append(link)
    for component in moved:
        _move(component, link, actor=actor, reason=reason.strip())
    _record_split(incident, link, moved, actor=actor)
    return other


def unrestored(incident: Incident) -> list[AffectedComponent]:
    """What is down or degraded, by name."""
    rows = incident.components.unrestored().select_related("service")
    return list(rows.order_by("name", "pk"))


def _checked_name(name: str) -> str:
    found = " ".join(name.split())
    if not found or len(found) > NAME_LIMIT:
        raise Invalid(f"Name the component in 1 to {NAME_LIMIT} characters.", field="name")
    return found


def _require_open(incident: Incident) -> None:
    if not incident.is_open:
        raise Refused(
            f"{incident.reference} is {incident.state}; reopen it first.", code="incident_over"
        )


def _check_owner(incident: Incident, owner: User) -> None:
    if not (owner.is_person and owner.is_active and may(owner, "edit", incident)):
        raise Invalid("Name a person who works on these incidents.", field="owner")


def _remainder(incident: Incident, numbers: Collection[int] | None) -> list[AffectedComponent]:
    found = unrestored(incident)
    chosen = [row for row in found if numbers is None or row.pk in numbers]
    if not chosen or (numbers is not None and len(chosen) != len(set(numbers))):
        raise Invalid(
            "Name components of this incident that are down or degraded.", field="components"
        )
    return chosen


def _title_of(incident: Incident, moved: Iterable[AffectedComponent]) -> str:
    names = ", ".join(component.name for component in moved)
    return f"{incident.title}: rest ({names})"[:TITLE_LIMIT]


def _open_rest(incident: Incident, title: str, actor: User) -> Incident:
    other = open_incident(
        title=title,
        service=incident.service,
        team=incident.team,
        unit=incident.unit,
        level=incident.level,
        actor=actor,
        source=Source.PERSON if actor.is_person else Source.API,
        started_at=incident.started_at,
        is_restricted=incident.is_restricted,
        **{name: getattr(incident, name) for name in MEASURED},
    )
    if incident.is_restricted:
        let_in_those_of(other, incident, actor=actor)
    return other


def _move(component: AffectedComponent, link: IncidentLink, *, actor: User, reason: str) -> None:
    """It goes on there in its present state, and ends here."""
    AffectedComponent(
        incident=link.other,
        service=component.service,
        name=component.name,
        state=component.state,
        since=component.since,
    ).save_as(actor, reason=reason)
    component.state, component.link, component.since = ComponentState.SPLIT_OFF, link, link.at
    component.save_as(actor, "state", "link", "since", reason=reason)


def _record(
    component: AffectedComponent,
    before: str | None,
    *,
    actor: User,
    at: datetime.datetime,
    note: str,
) -> None:
    facts: dict[str, Any] = {"from": before}
    text = f"{component}: {component.get_state_display().lower()}."
    record(
        component.incident,
        "incident.component_changed",
        actor=actor,
        at=at,
        text=f"{text}\n\n{note}" if note else text,
        reason=note,
        component_id=component.pk,
        service_id=component.service_id,
        name=component.name,
        to=str(component.state),
        **facts,
    )


def _record_split(
    incident: Incident, link: IncidentLink, moved: Iterable[AffectedComponent], *, actor: User
) -> None:
    """On both; a restricted one is not named, as its restriction may outlast the other's."""
    names = ", ".join(component.name for component in moved)
    there = "a linked incident" if incident.is_restricted else link.other.reference
    here = "a linked incident" if incident.is_restricted else incident.reference
    record(
        incident,
        "incident.split_off",
        actor=actor,
        text=f"{names}: goes on in {there}, owner {link.owner}.\n\nReason: {link.reason}",
        reason=link.reason,
        link_id=link.pk,
        owner_id=link.owner_id,
        component_ids=[component.pk for component in moved],
    )
    record(
        link.other,
        "incident.split_from",
        actor=actor,
        text=f"The rest of {here} ({names}); owner {link.owner}.\n\nReason: {link.reason}",
        reason=link.reason,
        link_id=link.pk,
        owner_id=link.owner_id,
    )
