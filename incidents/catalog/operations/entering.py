"""Entering services in the catalogue, and changing them."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from config.audit.tracking import lock
from config.errors import Stale
from config.events.operations import record
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.catalog.operations.overriding import derive
from incidents.catalog.rules import missing_fields

EDITABLE = (
    *("key", "name", "description", "team", "owner", "function", "tier", "business_impact"),
    *("status", "region", "is_customer_facing", "is_key_workflow", "is_sla_governed"),
    *("is_regulated", "data_classes", "rto_minutes", "rpo_minutes", "runbook_url"),
)


@transaction.atomic
def create_service(
    *, actor: User, key: str, name: str, team: Team | None, reason: str = "", **fields: Any
) -> Service:
    """Enter a service; the scope rule decides whether it is in scope.

    Raises `ValidationError` with every field that is wrong.
    """
    service = Service(key=key, name=name, **_known(fields))
    _check(service, team)
    derive(service)
    service.save_as(actor, reason=reason)
    record("service.created", service, actor=actor, reason=reason, key=key, team_id=service.team_id)
    return service


@transaction.atomic
def edit_service(
    service: Service,
    *,
    actor: User,
    changes: Mapping[str, Any],
    reason: str = "",
    revision: int | None = None,
) -> Service:
    """Change a service; nothing is recorded where nothing differs.

    Another team gets all rights on it, and on its incidents, at once: rights follow the owner.
    The scope rule decides anew; an override holds until it ends. Raises `ValidationError` with
    every field that is wrong, `Stale` when `revision` has passed.
    """
    lock(service)
    if revision is not None and revision != service.revision:
        raise Stale(f"{service} has changed since you read it; read it again.")
    diffs = {
        name: value for name, value in _known(changes).items() if getattr(service, name) != value
    }
    if not diffs:
        return service
    described = [
        {"field": name, "old": _plain(getattr(service, name)), "new": _plain(value)}
        for name, value in diffs.items()
    ]
    team = diffs.get("team", service.team)
    for name, value in diffs.items():
        if name != "team":
            setattr(service, name, value)
    _check(service, team)
    derived = derive(service)
    service.save_as(actor, *diffs, *(each["field"] for each in derived), reason=reason)
    described += [each for each in derived if not each["field"].startswith("scope_")]
    record("service.edited", service, actor=actor, reason=reason, changes=described)
    return service


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in fields if name not in EDITABLE]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, "This can't be set."))
    return dict(fields)


def _check(service: Service, team: Team | None) -> None:
    """Every wrong field at once. `team` is apart, as the column takes no empty one."""
    missing = missing_fields(tier=service.tier, rto_minutes=service.rto_minutes, team=team)
    errors: dict[str, list[Any]] = {name: [text] for name, text in missing.items()}
    if team is not None:
        service.team = team
    service.data_classes = sorted(set(service.data_classes))
    try:
        service.full_clean(exclude=missing, validate_constraints=not missing)
    except ValidationError as error:
        errors |= error.update_error_dict({})
    if errors:
        raise ValidationError(errors)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | list):
        return value
    return str(getattr(value, "key", None) or value)
