"""Everything that is done to services and business functions."""

from incidents.catalog.operations.entering import create_service, edit_service
from incidents.catalog.operations.functions import create_function, edit_function
from incidents.catalog.operations.overriding import (
    OVERRIDE_ENDS,
    derive_all,
    end_scope_override,
    override_scope,
    why,
)
from incidents.catalog.operations.regions import (
    change_region,
    hours_of,
    is_in_hours,
    remove_region,
    set_region,
)

__all__ = [
    "OVERRIDE_ENDS",
    "change_region",
    "create_function",
    "create_service",
    "derive_all",
    "edit_function",
    "edit_service",
    "end_scope_override",
    "hours_of",
    "is_in_hours",
    "override_scope",
    "remove_region",
    "set_region",
    "why",
]
