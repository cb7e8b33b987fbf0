"""Pairs that are kept apart, and how long an exception covers. Pure."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from config.access.rules import Need, Role, roles
from config.apikit.codes import explain

type Pairs = frozenset[frozenset[str]]

MATRIX_KEY = "default"
MATRIX_TITLE = "Segregation of duties"

DECIDERS = (Role.COMPLIANCE_OFFICER,)
ASKERS = (Role.UNIT_ADMINISTRATOR, Role.PLATFORM_ADMINISTRATOR)
VERBS: Mapping[str, Need] = {
    "view": roles(*DECIDERS, *ASKERS, Role.AUDITOR),
    **dict.fromkeys(("approve", "refuse", "end"), roles(*DECIDERS)),
}


def pairs_of(rows: Iterable[tuple[str, str]]) -> Pairs:
    """As unordered pairs."""
    return frozenset(frozenset(row) for row in rows)


def apart_from(pairs: Pairs, name: str) -> frozenset[str]:
    """What may not go together with it."""
    return frozenset(other for pair in pairs if name in pair for other in pair if other != name)


def covers(
    start: datetime.datetime,
    end: datetime.datetime,
    *,
    from_: datetime.datetime,
    until: datetime.datetime | None,
) -> bool:
    """Whether an exception holds for the whole of a period; one without an end is never covered."""
    return until is not None and start <= from_ and until <= end


# What the field keeps apart: to write and to put in force, to administer and to audit, to give
# rights and to review them, to manage a vendor and to be one.
_ROLES: tuple[tuple[str, Role, Role, str], ...] = (
    ("author-approver", Role.POLICY_AUTHOR, Role.POLICY_APPROVER,
     "Who writes a policy does not approve it."),
    ("platform-auditor", Role.PLATFORM_ADMINISTRATOR, Role.AUDITOR,
     "Who administers does not audit."),
    ("unit-auditor", Role.UNIT_ADMINISTRATOR, Role.AUDITOR,
     "Who administers does not audit."),
    ("platform-reviewer", Role.PLATFORM_ADMINISTRATOR, Role.ACCESS_REVIEWER,
     "Who gives rights does not review them."),
    ("unit-reviewer", Role.UNIT_ADMINISTRATOR, Role.ACCESS_REVIEWER,
     "Who gives rights does not review them."),
    ("vendor-manager", Role.VENDOR_USER, Role.VENDOR_MANAGER,
     "A vendor does not judge its own work."),
    ("change-engineer", Role.CHANGE_MANAGER, Role.AUDITOR,
     "Who approves changes does not audit them."),
)  # fmt: skip
_ACTS: tuple[tuple[str, str, str, str], ...] = (
    ("policy", "policy.write", "policy.approve", "Four eyes on every policy."),
    ("evidence", "evidence.request", "evidence.decide", "Nobody grants their own request."),
    ("exception", "exception.request", "exception.decide", "Nobody excepts themselves."),
)


def shipped_role_pairs() -> list[dict[str, Any]]:
    """The rows of the first version."""
    return [
        {"line": line, "first": first, "second": second, "note": note}
        for line, first, second, note in _ROLES
    ]


def shipped_act_pairs() -> list[dict[str, Any]]:
    """The rows of the first version."""
    return [
        {"line": line, "first": first, "second": second, "note": note}
        for line, first, second, note in _ACTS
    ]


explain(
    segregation_of_duties=(
        "One person may not hold both halves of this",
        "Let somebody else do it. For two roles, ask compliance for a dated exception.",
    ),
    matrix_needed=(
        "The matrix can't end without another one",
        "Begin a new draft and activate that; it follows the one in force.",
    ),
    exception_decided=("The exception was decided about already", "Ask for a new one."),
    exception_not_running=("The exception does not run", "Nothing is left to do."),
    exception_not_needed=(
        "The matrix does not keep these roles apart",
        "Give the role; no exception is needed.",
    ),
)
