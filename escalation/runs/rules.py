"""Which tier comes next. Pure."""

from dataclasses import dataclass

from config.apikit.codes import explain


@dataclass(frozen=True)
class Step:
    """A tier of a round; rounds and positions count from 1."""

    tier: int
    round: int


def next_step(positions: list[int], rounds: int, current: Step) -> Step | None:
    """The step after `current` (tier 0: nothing was paged yet); None when all rounds are over."""
    later = [position for position in sorted(positions) if position > current.tier]
    if later:
        return Step(later[0], current.round)
    if current.round < rounds and positions:
        return Step(min(positions), current.round + 1)
    return None


explain(
    incident_not_open=(
        "The incident is over",
        "Reopen it first, or open a new incident.",
    ),
    no_escalation_policy=(
        "No escalation policy is in force",
        "Activate the policy 'default', or choose one for the service or the team.",
    ),
)
