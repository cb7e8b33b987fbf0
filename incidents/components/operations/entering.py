"""Entering components, and changing them."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from config.audit.tracking import lock
from config.errors import Refused
from config.events.operations import record
from config.organisation.models import Team, User
from incidents.components.models import Component, ComponentStatus

EDITABLE = ("key", "name", "kind", "domain", "team", "status", "description", "external_id")


@transaction.atomic
def create_component(
    *,
    actor: User,
    key: str,
    name: str,
    kind: str,
    domain: str,
    team: Team,
    reason: str = "",
    **fields: Any,
) -> Component:
    """Enter a component. Raises `ValidationError` with every field that is wrong."""
    made = Component(key=key, name=name, kind=kind, domain=domain, team=team, **_known(fields))
    made.full_clean()
    made.save_as(actor, reason=reason)
    record("component.created", made, actor=actor, reason=reason, key=key, team_id=team.pk)
    return made


@transaction.atomic
def edit_component(
    component: Component, *, actor: User, changes: Mapping[str, Any], reason: str = ""
) -> Component:
    """Change a component; nothing is recorded where nothing differs.

    Raises `Refused` (`component_in_use`) where it shall be retired and something still needs it.
    """
    lock(component)
    diffs = {
        name: value for name, value in _known(changes).items() if getattr(component, name) != value
    }
    if not diffs:
        return component
    if diffs.get("status") == ComponentStatus.RETIRED:
        _refuse_in_use(component)
    said = [
        {"field": name, "old": _plain(getattr(component, name)), "new": _plain(value)}
        for name, value in diffs.items()
    ]
    for name, value in diffs.items():
        setattr(component, name, value)
    component.full_clean()
    component.save_as(actor, *diffs, reason=reason)
    record("component.edited", component, actor=actor, reason=reason, changes=said)
    return component


def _refuse_in_use(component: Component) -> None:
    count = component.dependants.count()
    if count:
        raise Refused(
            f"{count} still depend on {component}: remove these dependencies first.",
            code="component_in_use",
        )


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in fields if name not in EDITABLE]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, "This can't be set."))
    return dict(fields)


def _plain(value: Any) -> str:
    return str(getattr(value, "key", None) or value)
