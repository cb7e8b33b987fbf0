"""The matrix resolved to teams and people, and functions of tools, held and asked for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Q

from config.access.models import ContainerType, RoleAssignment
from config.access.rules import label_of
from config.audit.tracking import lock
from config.errors import NotAllowed
from config.events.operations import record
from config.governance.drafts import place_of
from config.governance.in_force import active
from config.governance.seeding import seed_policy
from config.organisation.models import BusinessUnit, Team, User
from config.organisation.rules import ancestors
from incidents.responsibility.models import RaciAssignment, RaciVersion, ToolFunction
from incidents.responsibility.rules import Activity, Function, Letter, Party, shipped_rows

MATRIX_KEY = "default"
MATRIX_TITLE = "RACI matrix"


type Holders = tuple[tuple[Team, ...], tuple[User, ...]]


@dataclass(frozen=True)
class Resolved:
    """One row of the matrix for one incident: who is meant, by name."""

    activity: str
    letter: str
    party: str
    teams: tuple[Team, ...]
    people: tuple[User, ...] = ()

    @property
    def activity_shown(self) -> str:
        """In words."""
        return str(Activity(self.activity).label)

    @property
    def letter_shown(self) -> str:
        """In words."""
        return str(Letter(self.letter).label)


def raci_for(team: Team, unit: BusinessUnit) -> tuple[RaciVersion | None, list[Resolved]]:
    """The matrix in force for the unit, resolved for what the team owns; in a few queries."""
    version: RaciVersion | None = active(RaciVersion.policy_kind, MATRIX_KEY, unit)
    if version is None:
        return None, []
    rows = list(version.assignments.select_related("team").order_by("activity", "letter", "line"))
    holders = _holders({row.role for row in rows if row.party == Party.ROLE}, team)
    return version, [_resolved(row, team, holders) for row in rows]


def _resolved(row: RaciAssignment, team: Team, holders: Mapping[str, Holders]) -> Resolved:
    if row.party == Party.ROLE:
        teams, people = holders.get(row.role, ((), ()))
        return Resolved(row.activity, row.letter, label_of(row.role), teams, people)
    named = row.team if row.party == Party.TEAM and row.team is not None else team
    return Resolved(row.activity, row.letter, Party(row.party).label, (named,))


def _holders(roles: Collection[str], team: Team) -> dict[str, Holders]:
    """By role: the people who hold it, themselves or through a team, where it reaches the team."""
    parents = dict(BusinessUnit.objects.values_list("pk", "parent_id"))
    above = Q(container_type=ContainerType.UNIT, container_id__in=ancestors(parents, team.unit_id))
    here = above | Q(container_type=ContainerType.TEAM, container_id=team.pk)
    held = RoleAssignment.objects.in_force().filter(here, role__name__in=roles)
    by_role: dict[str, list[Q]] = {}
    for name, person, group in held.values_list("role__name", "person_id", "team_id"):
        who = Q(pk=person) if person else Q(memberships__team=group)
        by_role.setdefault(name, []).append(who)
    return {name: _named(reduce(or_, whose)) for name, whose in by_role.items()}


def _named(whose: Q) -> Holders:
    people = User.objects.people().filter(whose).distinct().order_by("name", "pk")
    found = tuple(people.prefetch_related("teams"))
    teams = {each.pk: each for person in found for each in person.teams.all()}
    return tuple(sorted(teams.values(), key=lambda each: each.name)), found


@transaction.atomic
def assign_function(
    *, actor: User, function: str, team: Team, unit: BusinessUnit | None = None, reason: str = ""
) -> ToolFunction:
    """Let a team hold a function of the tools. Raises `ValidationError`."""
    made = ToolFunction(function=function, team=team, unit=place_of(unit))
    made.full_clean()
    made.save_as(actor, reason=reason)
    record("tool_function.assigned", made, actor=actor, reason=reason, team=team.key)
    return made


@transaction.atomic
def edit_function(
    row: ToolFunction, *, actor: User, changes: Mapping[str, Any], reason: str = ""
) -> ToolFunction:
    """Another team holds it; nothing is recorded where nothing differs."""
    lock(row)
    team = changes.get("team", row.team)
    if team == row.team:
        return row
    row.team = team
    row.full_clean()
    row.save_as(actor, "team", reason=reason)
    record("tool_function.assigned", row, actor=actor, reason=reason, team=team.key)
    return row


def require_function(actor: User, function: Function, unit: BusinessUnit) -> None:
    """Raise `NotAllowed` (audited) unless a team of the actor holds the function for the unit.

    The nearest unit that names a team decides. A function that nobody holds is open to those who
    have the right otherwise.
    """
    rows = ToolFunction.objects.filter(function=function).select_related("team")
    holders = {row.unit_id: row.team for row in rows}
    if not holders:
        return
    parents = dict(BusinessUnit.objects.values_list("pk", "parent_id"))
    chain = [*ancestors(parents, unit.pk), None]
    team = next((holders[pk] for pk in chain if pk in holders), None)
    if team is not None and not team.memberships.filter(user=actor).exists():
        raise NotAllowed(
            f"{Function(function).label} is done by {team}: ask them.",
            code="function_not_held",
            audit=True,
        )


def seed_raci(actor: User) -> RaciVersion | None:
    """Version 1 of the matrix as shipped; later runs propose what is new in it."""
    parts = {"assignments": list(shipped_rows())}
    return seed_policy(RaciVersion, MATRIX_KEY, title=MATRIX_TITLE, actor=actor, parts=parts)
