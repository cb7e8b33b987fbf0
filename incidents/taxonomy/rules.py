"""The severity matrix as shipped, and what any version of it must hold. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from config.apikit.codes import explain
from config.errors import Blocker

LEVELS = ("critical", "error", "warning", "info")
TIERS = (1, 2, 3, 4)
# Incidents that wait in the triage queue have no service: they count as this tier.
TIER_WITHOUT_SERVICE = 3

_SHIPPED_ROWS: Mapping[str, tuple[str, str, str, str]] = {
    "critical": ("SEV1", "SEV2", "SEV3", "SEV4"),
    "error": ("SEV2", "SEV3", "SEV3", "SEV4"),
    "warning": ("SEV3", "SEV3", "SEV4", "SEV4"),
    "info": ("SEV4", "SEV4", "SEV4", "SEV4"),
}
SHIPPED: Mapping[tuple[str, int], str] = {
    (level, tier): severity
    for level, row in _SHIPPED_ROWS.items()
    for tier, severity in zip(TIERS, row, strict=True)
}

Cells = Mapping[tuple[str, int], str]


def line_of(level: str, tier: int) -> str:
    """The identity of a cell across versions."""
    return f"{level}-{tier}"


def shipped_cells() -> list[dict[str, str | int]]:
    """The shipped table as child rows."""
    return [
        {"line": line_of(level, tier), "level": level, "tier": tier, "severity": severity}
        for (level, tier), severity in SHIPPED.items()
    ]


def _asks(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


# A service without a calendar counts as open: nobody sleeps through what nobody timed.
_OPEN = {
    "match": "any",
    "conditions": [_asks("in_hours", "is", True), _asks("in_hours", "is_unknown", None)],
}
_SHUT = {"match": "all", "conditions": [_asks("in_hours", "is", False)]}


def _either(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"match": "any", "conditions": list(conditions)}


# Thresholds are assumed, to be confirmed by each company. Sensitive data outside the house is
# SEV1 at any hour: the clocks of DORA, NIS2 and GDPR don't keep office hours.
_SHIPPED_RULES: Sequence[tuple[str, str, str, list[dict[str, Any]]]] = (
    (
        "data-exposed",
        "SEV1",
        "Personal data left the house",
        [
            _either(_asks("data_sensitivity", "is_one_of", ["personal", "special"])),
            _either(_asks("exposure", "is_one_of", ["customer", "partner", "public"])),
        ],
    ),
    (
        "mass-outage",
        "SEV1",
        "Many users, or much money, in operating hours",
        [
            _either(
                _asks("users_affected", "at_least", 10_000),
                _asks("revenue_per_hour", "at_least", 100_000),
            ),
            _OPEN,
        ],
    ),
    (
        "mass-outage-out-of-hours",
        "SEV2",
        "The same while the region sleeps",
        [
            _either(
                _asks("users_affected", "at_least", 10_000),
                _asks("revenue_per_hour", "at_least", 100_000),
            ),
            _SHUT,
        ],
    ),
    (
        "regulatory",
        "SEV2",
        "A regulator must be told",
        [_either(_asks("is_regulatory", "is", True))],
    ),
    (
        "wide-degradation",
        "SEV2",
        "A thousand users, or ten thousand an hour, in operating hours",
        [
            _either(
                _asks("users_affected", "at_least", 1_000),
                _asks("revenue_per_hour", "at_least", 10_000),
            ),
            _OPEN,
        ],
    ),
)


def shipped_impact_rules() -> list[dict[str, Any]]:
    """The shipped rules as child rows, ten positions apart so that others fit between."""
    return [
        {
            "line": line,
            "position": number * 10,
            "severity": severity,
            "note": note,
            "conditions": {"match": "all", "groups": [_canonical(group) for group in groups]},
        }
        for number, (line, severity, note, groups) in enumerate(_SHIPPED_RULES, start=1)
    ]


def _canonical(group: Mapping[str, Any]) -> dict[str, Any]:
    listed = [
        {**each, "value": sorted(each["value"])} if isinstance(each["value"], list) else each
        for each in group["conditions"]
    ]
    return {"match": group["match"], "conditions": listed}


_SHIPPED_ENGAGEMENTS: Mapping[str, Mapping[str, Any]] = {
    "SEV1": {
        "roles": ["incident_commander", "communications_lead", "duty_manager"],
        "has_war_room": True,
        "communication_plan": "major-incident",
        "sla_target_minutes": 240,
    },
    "SEV2": {
        "roles": ["incident_commander", "communications_lead"],
        "has_war_room": False,
        "communication_plan": "major-incident",
        "sla_target_minutes": 480,
    },
    "SEV3": {"roles": [], "communication_plan": "service-update", "sla_target_minutes": 1440},
    "SEV4": {"roles": [], "communication_plan": "", "sla_target_minutes": 4320},
}


def shipped_engagements() -> list[dict[str, Any]]:
    """What each severity sets off, as child rows."""
    return [
        {"line": severity.lower(), "severity": severity, **said}
        for severity, said in _SHIPPED_ENGAGEMENTS.items()
    ]


def problems_of(cells: Cells) -> list[Blocker]:
    """Everything that keeps a table from being activated."""
    return [*_missing(cells), *_too_mild(cells)]


def _missing(cells: Cells) -> Iterable[Blocker]:
    for level, tier in SHIPPED:
        if (level, tier) not in cells:
            yield Blocker(
                "severity_table_incomplete",
                f"There is no severity for {level} on tier {tier}; add the row.",
            )


def _too_mild(cells: Cells) -> Iterable[Blocker]:
    # The worst that can be reported of the most critical services must bring a person at once.
    if cells.get(("critical", 1), "SEV1") > "SEV2":
        yield Blocker(
            "severity_table_too_mild", "Critical on tier 1 must be SEV1 or SEV2; raise it."
        )


explain(
    severity_table_incomplete=(
        "The table lacks a severity for a level on a tier",
        "Add the row that is named.",
    ),
    severity_table_too_mild=(
        "Critical on tier 1 must bring somebody at once",
        "Make it SEV1 or SEV2.",
    ),
)
