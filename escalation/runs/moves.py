"""Escalations on their way to their next tiers: read together, however many fall due at once."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from config.organisation.models import User
from escalation.paging.operations import PagePlan
from escalation.policies.models import Tier
from escalation.policies.operations import Situation
from escalation.runs.models import EscalationRun, RunState
from escalation.runs.rules import Step, next_step
from incidents.lifecycle.models import Incident


@dataclass
class Move:
    """An escalation on its way to its next tier, and the people whom that one means."""

    run: EscalationRun
    tiers: dict[int, Tier]
    due_at: datetime.datetime
    people: list[User] = field(default_factory=list)

    @property
    def situation(self) -> Situation:
        """What decides whom to page."""
        return Situation.of(self.run.incident)

    @property
    def tier(self) -> Tier:
        """Where it stands."""
        return self.tiers[self.run.tier]

    def goes_on(self) -> bool:
        """A tier further; False when there is none."""
        step = _following(self.tiers, Step(self.run.tier, self.run.round))
        if step is not None:
            self.run.tier, self.run.round = step.tier, step.round
        return step is not None

    def plans(self) -> list[PagePlan]:
        """Whom to page."""
        run = self.run
        return [
            PagePlan(run.pk, run.incident, person, run.tier, run.round, self.due_at)
            for person in self.people
        ]


def moves_of(due: Sequence[tuple[Incident, datetime.datetime]]) -> list[Move]:
    """Of those that are to be escalated still, their runs locked in the order of keys."""
    incidents = {incident.pk: (incident, at) for incident, at in due if incident.is_open}
    rows = EscalationRun.objects.filter(incident__in=incidents, state=RunState.ACTIVE)
    runs = list(rows.order_by("pk").select_for_update(no_key=True))
    tiers = tiers_of({run.policy_version_id for run in runs})
    moves = []
    for run in runs:
        run.incident, at = incidents[run.incident_id]
        moves.append(Move(run, tiers[run.policy_version_id], at))
    return moves


def next_tiers(runs: Sequence[EscalationRun]) -> list[Tier | None]:
    """Whom each would page next; None for one that has run out of tiers."""
    tiers = tiers_of({run.policy_version_id for run in runs})
    return [_next_of(tiers[run.policy_version_id], run) for run in runs]


def _next_of(tiers: dict[int, Tier], run: EscalationRun) -> Tier | None:
    step = _following(tiers, Step(run.tier, run.round))
    return tiers[step.tier] if step else None


def tiers_of(versions: set[int]) -> dict[int, dict[int, Tier]]:
    """The tiers of each version by their position, with what deciding whom they mean needs."""
    found: dict[int, dict[int, Tier]] = {version: {} for version in versions}
    rows = Tier.objects.filter(version__in=versions).select_related("version", "schedule", "person")
    for tier in rows.order_by("position"):
        found[tier.version_id][tier.position] = tier
    return found


def _following(tiers: dict[int, Tier], step: Step) -> Step | None:
    rounds = next((tier.version.rounds for tier in tiers.values()), 0)
    return next_step(list(tiers), rounds, step)
