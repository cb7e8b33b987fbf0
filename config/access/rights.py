"""What somebody may do where, and why: the assignments that give it, and what lies below."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models

from config.access import restricted
from config.access.models import ContainerType, Delegation, RoleAssignment
from config.access.rules import Level, label_of, levels_of
from config.access.visibility import container_model, opened_to, remembering
from config.organisation.models import BusinessUnit, User
from config.organisation.rules import ancestors


@dataclass(frozen=True)
class Right:
    """One assignment that holds now, with the levels that it gives on its container and below."""

    assignment: RoleAssignment
    role: str
    levels: tuple[Level, ...]
    container: Any

    @property
    def shown_role(self) -> str:
        """In words."""
        return label_of(self.role)

    @property
    def via(self) -> str:
        """The team through which it is held; empty where the person has it themselves."""
        return self.assignment.team.key if self.assignment.team is not None else ""


@dataclass(frozen=True)
class Rights:
    """All that one person may do, as far as the reader may know."""

    person: User
    roles: tuple[Right, ...]
    let_in_to: tuple[str, ...]
    stands_in_for: tuple[Delegation, ...]

    @property
    def is_superuser(self) -> bool:
        """Django's superuser passes every question of rights; duties still bind."""
        return self.person.is_superuser and self.person.is_active


def rights_of(person: User, *, reader: User, on: models.Model | None = None) -> Rights:
    """What the person holds now; with `on`, only what reaches that unit, team or service."""
    with remembering():
        return _rights_of(person, reader, on)


def _rights_of(person: User, reader: User, on: models.Model | None) -> Rights:
    rows = RoleAssignment.objects.visible_to(reader).in_force().held_by(person.pk)
    known = rows.select_related("role", "team", "approved_by").order_by("pk")
    above = None if on is None else above_of(on)
    found = [row for row in known if above is None or _place(row) in above]
    return Rights(
        person=person,
        roles=tuple(_rights(found)),
        let_in_to=tuple(_let_in_to(person, reader)),
        stands_in_for=tuple(_stands_in_for(person, reader)),
    )


def above_of(container: Any) -> set[tuple[str, int]]:
    """The container itself, and all from which it inherits."""
    places: set[tuple[str, int]] = set()
    for kind, inherits_from in ((ContainerType.SERVICE, "team"), (ContainerType.TEAM, "unit")):
        if container._meta.model is container_model(kind):
            places.add((kind, container.pk))
            container = getattr(container, inherits_from)
    parents = dict(BusinessUnit.objects.values_list("pk", "parent_id"))
    return places | {(ContainerType.UNIT, pk) for pk in ancestors(parents, container.pk)}


def _place(row: RoleAssignment) -> tuple[str, int]:
    return row.container_type, row.container_id


def _rights(rows: Iterable[RoleAssignment]) -> Iterable[Right]:
    listed = list(rows)
    kept: dict[str, dict[int, Any]] = {}
    for kind in {row.container_type for row in listed}:
        ids = [row.container_id for row in listed if row.container_type == kind]
        kept[kind] = container_model(kind)._base_manager.in_bulk(ids)
    for row in listed:
        given = levels_of(row.role.name)
        levels = tuple(level for level in Level if level in given)
        container = kept[row.container_type].get(row.container_id)
        yield Right(row, row.role.name, levels, container)


def _let_in_to(person: User, reader: User) -> list[str]:
    """By name, and only those that the reader sees too."""
    granted = opened_to(person)
    names: list[str] = []
    for record in restricted.records():
        manager: Any = record._default_manager
        ids = granted.get(record._meta.label_lower, frozenset())
        rows = manager.visible_to(reader).filter(pk__in=ids)
        names += rows.values_list(restricted.name_field(record), flat=True)
    return sorted(names)


def _stands_in_for(person: User, reader: User) -> models.QuerySet[Delegation]:
    rows = Delegation.objects.visible_to(reader).in_force().filter(delegate=person)
    found: models.QuerySet[Delegation] = rows.select_related("principal", "delegate")
    return found
