"""Business functions: entered and changed."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from config.audit.tracking import lock
from config.events.operations import record
from config.governance.drafts import place_of
from config.organisation.models import BusinessUnit, User
from incidents.catalog.models import BusinessFunction


@transaction.atomic
def create_function(
    *,
    actor: User,
    key: str,
    name: str,
    description: str = "",
    unit: BusinessUnit | None = None,
    reason: str = "",
) -> BusinessFunction:
    """Enter a business function. Raises `ValidationError`."""
    made = BusinessFunction(key=key, name=name, description=description, unit=place_of(unit))
    made.full_clean()
    made.save_as(actor, reason=reason)
    record("function.created", made, actor=actor, reason=reason, key=key)
    return made


@transaction.atomic
def edit_function(
    function: BusinessFunction, *, actor: User, changes: Mapping[str, Any], reason: str = ""
) -> BusinessFunction:
    """Change it; nothing is recorded where nothing differs. Raises `ValidationError`."""
    lock(function)
    wanted = {**changes, **({"unit": place_of(changes["unit"])} if "unit" in changes else {})}
    diffs = {name: value for name, value in wanted.items() if getattr(function, name) != value}
    if not diffs:
        return function
    for name, value in diffs.items():
        setattr(function, name, value)
    function.full_clean()
    function.save_as(actor, *diffs, reason=reason)
    record("function.edited", function, actor=actor, reason=reason, fields=sorted(diffs))
    return function
