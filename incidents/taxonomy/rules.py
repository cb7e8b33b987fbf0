"""The severity table as shipped, and what any version of it must hold. Pure."""

from collections.abc import Iterable, Mapping

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
