"""Everything that is done to components and dependencies, and what follows from them."""

from incidents.components.operations.bounding import (
    out_of_bounds,
    with_bounds,
    with_rightful_domain,
)
from incidents.components.operations.entering import create_component, edit_component
from incidents.components.operations.linking import (
    add_dependency,
    edit_dependency,
    flag_stale,
    is_stale,
    matrix,
    remove_dependency,
    verify_dependency,
)
from incidents.components.operations.radius import (
    Reached,
    blast_radius,
    needed_by,
    picture_of,
)

__all__ = [
    "Reached",
    "add_dependency",
    "blast_radius",
    "create_component",
    "edit_component",
    "edit_dependency",
    "flag_stale",
    "is_stale",
    "matrix",
    "needed_by",
    "out_of_bounds",
    "picture_of",
    "remove_dependency",
    "verify_dependency",
    "with_bounds",
    "with_rightful_domain",
]
