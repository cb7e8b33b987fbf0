"""An enterprise beside a small company: what one does costs the same in both.

1,000 teams, 5,000 services, 100,000 incidents, 10,000 grants and 200 versions of the severity
matrix, 100 of them units' own, beside a hundredth of each. The readers of both worlds reach as
much as each other, so that what differs is what lies around them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.test import override_settings
from guardian.models import UserObjectPermission

from config.access.models import ContainerType, RoleAssignment
from config.access.rights import rights_of
from config.access.rules import Role, levels_of
from config.governance.activation import activate
from config.governance.backtest import judge
from config.governance.content import content_of
from config.governance.in_force import active
from config.governance.operations import approve, new_draft, propose, save_draft, submit
from config.organisation.models import BusinessUnit, Team, User
from fixtures.reference import seed_reference
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import State
from incidents.taxonomy.impact import Impact
from incidents.taxonomy.models import Level, Severity, SeverityTableVersion
from incidents.taxonomy.operations import TABLE_KEY, classify
from incidents.taxonomy.rules import shipped_cells, shipped_engagements, shipped_impact_rules
from tests.benchmarks.measuring import Figure, assert_durable, settle
from tests.config import make
from tests.harness import databases
from tests.incidents import make as make_incidents

ROUNDS, WARM, TIMED = 6, 4, 10
REACHED, PAGE = 10, 50
FLAT = 1.2
REPLAYED, PATIENCE = 10_000, 5_000.0
# Above what the sequence of opened incidents reaches here.
FIRST = 1_000_000
OPEN = [state for state in State if state not in (State.RESOLVED, State.CLOSED)]


@dataclass(frozen=True)
class Size:
    """How much there is of everything."""

    units: int
    teams: int
    services: int
    incidents: int
    grants: int
    versions: int


SMALL = Size(units=1, teams=10, services=50, incidents=1_000, grants=100, versions=2)
LARGE = Size(units=100, teams=1_000, services=5_000, incidents=100_000, grants=10_000, versions=200)
GRANTS_EACH = 20


def figures() -> Iterator[Figure]:
    """Milliseconds in the large world, in those of the small one."""
    hosts = override_settings(ALLOWED_HOSTS=["testserver"])
    with hosts, _world(SMALL) as small, _world(LARGE) as large:
        for _ in range(ROUNDS):
            small.round()
            large.round()
        backtest = large.backtest()
    for step, taken in large.taken.items():
        floor = median(small.taken[step])
        yield Figure(f"{step}, enterprise", median(taken), "ms", FLAT, floor=floor)
    yield Figure(f"back-test of {REPLAYED:,} incidents", backtest, "ms", PATIENCE)


class World:
    """One database, filled to its size, and what is done in it."""

    def __init__(self, clone: databases.Clone, size: Size) -> None:
        self.clone = clone
        self.taken: dict[str, list[float]] = {}
        with databases.pointed_at(clone):
            assert_durable()
            seed_reference()
            self._steps = _steps(size)
            settle()

    def round(self) -> None:
        """Again and again; what a new connection has to learn first isn't counted."""
        with databases.pointed_at(self.clone):
            for step, work in self._steps.items():
                found = self.taken.setdefault(step, [])
                for number in range(WARM + TIMED):
                    began = perf_counter()
                    work()
                    if number >= WARM:
                        found.append((perf_counter() - began) * 1000)

    def backtest(self) -> float:
        """Milliseconds for deciding past incidents again, by a stricter draft of the matrix."""
        with databases.pointed_at(self.clone):
            author = User.objects.get(username="root")
            held = active(SeverityTableVersion.policy_kind, TABLE_KEY)
            draft = new_draft(held.policy, actor=author)
            save_draft(draft, actor=author, parts={"cells": _stricter(draft)})
            began = perf_counter()
            found = judge(draft, last=REPLAYED)
            taken = (perf_counter() - began) * 1000
            if (found.looked_at, found.differing > 0) != (REPLAYED, True):
                raise RuntimeError(f"the back-test looked at {found.looked_at}")
        return taken


def _stricter(draft: SeverityTableVersion) -> list[dict[str, Any]]:
    rows = content_of(draft).parts["cells"]
    return [{**row, "severity": Severity.SEV1} for row in rows]


def _steps(size: Size) -> dict[str, Callable[[], Any]]:
    """What is timed: by somebody who reaches ten teams, in a unit with a matrix of its own."""
    root, admin, reader = make.superuser("root"), make.user("admin"), make.user("reader")
    make.role(Role.PLATFORM_ADMINISTRATOR, to=admin)
    units = [make.unit() for _ in range(size.units)]
    teams = _fill_teams(size, units)
    services = _fill_services(size, teams)
    _fill_incidents(size, services)
    _fill_versions(size, units, root)
    _fill_grants(size, teams)
    for team in teams[:REACHED]:
        make.role(Role.ENGINEER, to=reader, on=team)
    unit, impact = units[0], Impact(Level.ERROR, 2, users_affected=5_000, in_hours=True)
    return {
        "incident list": _got(make.api(reader), f"/api/v1/incidents/?page_size={PAGE}"),
        "incidents in the admin": _got(make.browser(reader), "/admin/incidents/incident/"),
        "severity of an incident": lambda: classify(impact, unit),
        "incident opened": lambda: make_incidents.incident(service=services[0], actor=root),
        "effective rights": lambda: rights_of(reader, reader=admin),
        "effective rights, API": _got(make.api(admin), "/api/v1/users/reader/rights/"),
    }


def _fill_teams(size: Size, units: list[BusinessUnit]) -> list[Team]:
    return Team._base_manager.bulk_create(
        Team(key=f"team-{n}", name=f"Team {n}", unit=units[n % size.units])
        for n in range(size.teams)
    )


def _fill_services(size: Size, teams: list[Team]) -> list[Service]:
    return Service._base_manager.bulk_create(
        Service(key=f"service-{n}", name=f"Service {n}", team=teams[n % size.teams], tier=3)
        for n in range(size.services)
    )


def _fill_incidents(size: Size, services: list[Service]) -> None:
    Incident._base_manager.bulk_create(
        (
            Incident(
                number=FIRST + n,
                reference=f"INC-{FIRST + n}",
                title=f"Checkout is slow in region {n % 7}",
                state=OPEN[n % len(OPEN)],
                severity=Severity.values[n % 4],
                level=Level.ERROR,
                service=service,
                team_id=service.team_id,
                unit_id=service.team.unit_id,
            )
            for n, service in ((n, services[n % size.services]) for n in range(size.incidents))
        ),
        batch_size=5_000,
    )


def _fill_versions(size: Size, units: list[BusinessUnit], author: User) -> None:
    """Half of them the enterprise's, one after the other; the others of one unit each."""
    approver = make.superuser("approver")
    parts = {
        "cells": shipped_cells(),
        "rules": shipped_impact_rules(),
        "engagements": shipped_engagements(),
    }
    places = [None] * (size.versions - size.versions // 2 - 1) + units[: size.versions // 2]
    for unit in places:
        draft = propose(
            SeverityTableVersion, TABLE_KEY, actor=author, unit=unit, parts=parts, reason="Again"
        )
        submit(draft, actor=author)
        approve(draft, actor=approver, content_hash=draft.content_hash)
        activate(draft, actor=author)


def _fill_grants(size: Size, teams: list[Team]) -> None:
    """People with twenty roles each, and what those give them on their teams."""
    role, kind = Group.objects.get(name=Role.ENGINEER), ContentType.objects.get_for_model(Team)
    wanted = [level.codename for level in levels_of(role.name)]
    permissions = Permission.objects.filter(content_type=kind, codename__in=wanted)
    people = User._base_manager.bulk_create(
        User(username=f"engineer-{n}", email=f"engineer-{n}@example.org", is_staff=True)
        for n in range(size.grants // GRANTS_EACH)
    )
    given = [
        (person, teams[(n * GRANTS_EACH + each) % size.teams])
        for n, person in enumerate(people)
        for each in range(min(GRANTS_EACH, size.teams))
    ]
    RoleAssignment._base_manager.bulk_create(
        RoleAssignment(
            role=role, person=person, container_type=ContainerType.TEAM, container_id=team.pk,
            reason="Works there",
        )
        for person, team in given
    )  # fmt: skip
    UserObjectPermission.objects.bulk_create(
        UserObjectPermission(
            user=person, permission=permission, content_type=kind, object_pk=str(team.pk)
        )
        for person, team in given
        for permission in permissions
    )


def _got(client: Any, url: str) -> Callable[[], Any]:
    page = client.get(url)
    if page.status_code != 200:
        raise RuntimeError(f"{url} answers {page.status_code}")
    return lambda: client.get(url)


@contextmanager
def _world(size: Size) -> Iterator[World]:
    clone = databases.make_clone()
    try:
        yield World(clone, size)
    finally:
        databases.drop_clone(clone)
