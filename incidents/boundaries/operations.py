"""Which team answers for a component by the boundaries in force, and why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from config.governance.in_force import active, active_by_unit
from config.governance.seeding import seed_policy
from config.organisation.models import BusinessUnit, Team, User
from config.organisation.rules import Domain, ancestors
from incidents.boundaries.models import BoundaryRule, BoundaryVersion
from incidents.boundaries.rules import (
    Candidate,
    ComponentKind,
    Layer,
    Rule,
    is_out_of_bounds,
    nearest,
    shipped_rules,
)

BOUNDARY_KEY = "default"
BOUNDARY_TITLE = "Ownership boundaries"


@dataclass(frozen=True)
class Answering:
    """One layer of a component: the domain that answers for it, its team, and why that one."""

    rule: Rule
    team: Team | None
    why: str

    @property
    def layer_shown(self) -> str:
        """In words."""
        return str(Layer(self.rule.layer).label)

    @property
    def domain_shown(self) -> str:
        """In words."""
        return str(Domain(self.rule.domain).label)


@dataclass(frozen=True)
class Boundaries:
    """Who answers for a component, by the version in force for its owner's unit."""

    version: BoundaryVersion | None
    owner: Team
    answers: tuple[Answering, ...]

    @property
    def own(self) -> Answering | None:
        """For what the component is in the first place."""
        return next((each for each in self.answers if each.rule.is_own), None)

    @property
    def is_out_of_bounds(self) -> bool:
        """Whether it is owned by a team of another domain than the rule says."""
        return self.own is not None and is_out_of_bounds(self.owner.domain, self.own.rule.domain)


def boundaries_of(kind: str, owner: Team) -> Boundaries:
    """Who answers for each layer of a component of that kind, which the team owns."""
    version: BoundaryVersion | None = active(BoundaryVersion.policy_kind, BOUNDARY_KEY, owner.unit)
    rules = [each for each in rules_of(version) if each.kind == kind] if version else []
    rules.sort(key=lambda each: (not each.is_own, Layer.values.index(each.layer)))
    teams = _teams({each.domain for each in rules}, owner)
    answers = tuple(_answering(rule, version, owner, teams) for rule in rules)
    return Boundaries(version, owner, answers)


def _answering(
    rule: Rule, version: BoundaryVersion | None, owner: Team, teams: Mapping[str, Team]
) -> Answering:
    domain, kind = Domain(rule.domain).label, ComponentKind(rule.kind).label.lower()
    layer = Layer(rule.layer).label.lower()
    said = f"{version}: the {layer} layer of the kind '{kind}' is of the domain '{domain}'."
    if owner.domain == rule.domain:
        return Answering(rule, owner, f"{said} {owner} owns it, and is of that domain.")
    team = teams.get(rule.domain)
    if team is None:
        who = f"No active team of {owner.unit}, or of a unit above it, is of that domain."
    else:
        who = f"{team} of {team.unit} is the nearest team of that domain."
    return Answering(rule, team, f"{said} {who}")


def _teams(domains: Collection[str], owner: Team) -> dict[str, Team]:
    """The nearest active team of each domain, in the owner's unit or above it."""
    parents = dict(BusinessUnit.objects.values_list("pk", "parent_id"))
    chain = ancestors(parents, owner.unit_id)
    rows = Team.objects.filter(is_active=True, domain__in=domains, unit__in=chain)
    teams = {team.key: team for team in rows.select_related("unit")}
    found = {}
    for domain in domains:
        candidates = [
            Candidate(team.key, chain.index(team.unit_id), team.region)
            for team in teams.values()
            if team.domain == domain
        ]
        best = nearest(candidates, owner.region)
        if best is not None:
            found[domain] = teams[best.key]
    return found


def rightful_domains() -> list[tuple[frozenset[int], dict[str, str]]]:
    """By version in force: the units in which it holds, and by which domain a kind is owned."""
    units: dict[BoundaryVersion, set[int]] = {}
    for pk, version in active_by_unit(BoundaryVersion.policy_kind, BOUNDARY_KEY).items():
        units.setdefault(version, set()).add(pk)
    return [(frozenset(pks), _rightful(version)) for version, pks in units.items()]


def _rightful(version: BoundaryVersion) -> dict[str, str]:
    return {each.kind: each.domain for each in rules_of(version) if each.is_own}


def rules_of(version: BoundaryVersion) -> tuple[Rule, ...]:
    """The rows of a version that was frozen, read once in each process."""
    return _frozen(version.pk, version.content_hash)


@lru_cache(maxsize=64)
def _frozen(pk: int, content_hash: str) -> tuple[Rule, ...]:
    # The hash is part of the key: it names the content, whatever database the process sees.
    rows = BoundaryRule.objects.filter(version=pk).order_by("line")
    return tuple(Rule(row.line, row.kind, row.layer, row.domain) for row in rows)


def seed_boundaries(actor: User) -> BoundaryVersion | None:
    """Version 1 of the boundaries as shipped; later runs propose what is new in it."""
    parts = {"rules": list(shipped_rules())}
    return seed_policy(
        BoundaryVersion, BOUNDARY_KEY, title=BOUNDARY_TITLE, actor=actor, parts=parts
    )
