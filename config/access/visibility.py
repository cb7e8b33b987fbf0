"""Which containers somebody reaches, and whether they may do a thing to a record.

Ids are resolved first, in two small queries, and the record filter is flat: nested
subqueries inside OR make PostgreSQL scan everything (docs/decisions/0005).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from guardian.models import UserObjectPermission

from config.access.models import ContainerType, RoleAssignment
from config.access.rules import Level, Need
from config.errors import NotAllowed
from config.organisation.models import BusinessUnit, Team, User
from config.organisation.rules import descendants

_containers: dict[str, type[models.Model]] = {
    ContainerType.UNIT: BusinessUnit,
    ContainerType.TEAM: Team,
}
_needs: dict[str, Mapping[str, Need]] = {}
_NOBODY = Q(pk__in=[])
_EVERYTHING = Q()


def register_container(kind: ContainerType, model: type[models.Model]) -> None:
    """A floor above names its container model (`service`), which has a `team`."""
    _containers[kind] = model


def container_model(kind: str) -> type[models.Model]:
    """The model behind a container type."""
    return _containers[kind]


def register_verbs(model: type[models.Model], needs: Mapping[str, Need]) -> None:
    """A room says what each verb on its model needs."""
    _needs[model._meta.label_lower] = {**_needs.get(model._meta.label_lower, {}), **needs}


def registered_verbs(model: type[models.Model]) -> Mapping[str, Need]:
    """What each verb on the model needs."""
    return _needs.get(model._meta.label_lower, {})


@dataclass(frozen=True)
class Containers:
    """What somebody reaches: everything, or these units, teams and services (already expanded)."""

    everything: bool = False
    units: frozenset[int] = frozenset()
    teams: frozenset[int] = frozenset()
    services: frozenset[int] = frozenset()

    def reaches(self, obj: Any) -> bool:
        """True when the record, or container, lies inside."""
        return self.everything or any(
            getattr(self, field) and getattr(obj, attribute, None) in getattr(self, field)
            for field, attribute in _attributes(obj)
        )

    def teams_filter(self) -> Q:
        """For querysets of teams."""
        return _EVERYTHING if self.everything else Q(pk__in=self.teams)

    def units_filter(self) -> Q:
        """For querysets of units."""
        return _EVERYTHING if self.everything else Q(pk__in=self.units)

    def services_filter(self) -> Q:
        """For querysets of services."""
        return _EVERYTHING if self.everything else Q(pk__in=self.services)

    def records_filter(self, *, service: str | None = "service", team: str | None = "team") -> Q:
        """For querysets of records that name a service or a team (paths may span relations)."""
        if self.everything:
            return _EVERYTHING
        parts = []
        if service and self.services:
            parts.append(Q(**{f"{service}__in": self.services}))
        if team and self.teams:
            parts.append(Q(**{f"{team}__in": self.teams}))
        return _any(parts)


def _any(parts: Iterable[Q]) -> Q:
    whole = Q()
    for part in parts:
        whole |= part
    return whole if whole else _NOBODY


def _attributes(obj: Any) -> list[tuple[str, str]]:
    """By which ids a record lies in containers: team and service; the unit where it has neither."""
    own = {BusinessUnit: "units", Team: "teams", _containers.get(ContainerType.SERVICE): "services"}
    pairs = [("teams", "team_id"), ("services", "service_id")]
    if all(getattr(obj, attribute, None) is None for _, attribute in pairs):
        pairs = [("units", "unit_id")]
    return [*pairs, (own[type(obj)], "pk")] if type(obj) in own else pairs


class Access:
    """What one user reaches, read once: make a fresh one per request, never keep it."""

    def __init__(self, user: User | AnonymousUser) -> None:
        self.user = user
        self._reached: dict[str, Containers] = {}

    def containers(self, level: str) -> Containers:
        """The containers on which the user has the level, with all that lies below them."""
        if not self.user.is_authenticated or not self.user.is_active:
            return Containers()
        if self.user.is_superuser:
            return Containers(everything=True)
        if level not in self._reached:
            self._reached[level] = self._expand(self._granted.get(Level(level).codename, {}))
        return self._reached[level]

    def holding(self, roles: Iterable[str]) -> Containers:
        """The containers on which the user holds one of the roles, with all below them."""
        if not self.user.is_authenticated or not self.user.is_active:
            return Containers()
        wanted, found = set(roles), {}  # type: set[str], dict[str, set[int]]
        for name, kind, pk in self._roles:
            if name in wanted:
                found.setdefault(kind, set()).add(pk)
        return self._expand(found)

    def direct(self, model: type[models.Model]) -> frozenset[int]:
        """Ids of records of the model that the user was granted one by one."""
        label = model._meta.label_lower
        return frozenset(self._direct.get(label, ()))

    def may(self, verb: str, obj: Any) -> bool:
        """Whether the user may do `verb` to the record. Duties are checked by operations."""
        if not self.user.is_authenticated or not self.user.is_active:
            return False
        if self.user.is_superuser:
            return True
        need = _needs.get(obj._meta.label_lower, {}).get(verb)
        if need is None:
            return False
        if getattr(obj, "is_restricted", False) and obj.pk not in self.direct(type(obj)):
            return False
        return self._meets(need, obj)

    def _meets(self, need: Need, obj: Any) -> bool:
        if need.owner and getattr(obj, need.owner) == self.user.pk:
            return True
        if need.level is not None and self.containers(need.level).reaches(obj):
            return True
        if need.level == Level.VIEW and obj.pk in self.direct(type(obj)):
            return True
        return bool(need.roles) and self.holding(need.roles).reaches(obj)

    def holds(self, *roles: str) -> bool:
        """Whether the user holds one of the roles anywhere."""
        return any(name in roles for name, _, _ in self._roles)

    @cached_property
    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = UserObjectPermission.objects.filter(user_id=self.user.pk).values_list(
            "content_type__app_label", "content_type__model", "permission__codename", "object_pk"
        )
        return list(rows)

    @cached_property
    def _granted(self) -> dict[str, dict[str, set[int]]]:
        kinds = {model._meta.label_lower: kind for kind, model in _containers.items()}
        found: dict[str, dict[str, set[int]]] = {}
        for app, model, codename, pk in self._rows:
            if kind := kinds.get(f"{app}.{model}"):
                found.setdefault(codename, {}).setdefault(kind, set()).add(int(pk))
        return found

    @cached_property
    def _direct(self) -> dict[str, set[int]]:
        containers = {model._meta.label_lower for model in _containers.values()}
        found: dict[str, set[int]] = {}
        for app, model, _, pk in self._rows:
            if f"{app}.{model}" not in containers:
                found.setdefault(f"{app}.{model}", set()).add(int(pk))
        return found

    @cached_property
    def _roles(self) -> list[tuple[str, str, int]]:
        mine = Q(person_id=self.user.pk) | Q(team__memberships__user_id=self.user.pk)
        rows = RoleAssignment.objects.in_force().filter(mine)
        return list(rows.values_list("role__name", "container_type", "container_id").distinct())

    def _expand(self, ids: Mapping[str, set[int]]) -> Containers:
        units = ids.get(ContainerType.UNIT, set())
        if units and self._root in units:
            return Containers(everything=True)
        units = descendants(self._parents, units) if units else set()
        teams = set(ids.get(ContainerType.TEAM, set()))
        if units:
            teams |= set(Team.objects.filter(unit__in=units).values_list("pk", flat=True))
        services = set(ids.get(ContainerType.SERVICE, set()))
        if teams and (service := _containers.get(ContainerType.SERVICE)):
            owned = service._default_manager.filter(team__in=teams)
            services |= set(owned.values_list("pk", flat=True))
        return Containers(False, frozenset(units), frozenset(teams), frozenset(services))

    @cached_property
    def _parents(self) -> dict[int, int | None]:
        return dict(BusinessUnit.objects.values_list("pk", "parent_id"))

    @cached_property
    def _root(self) -> int | None:
        return next((pk for pk, parent in self._parents.items() if parent is None), None)


def containers_of(user: User | AnonymousUser, level: str) -> Containers:
    """The containers on which the user has the level, read now."""
    return Access(user).containers(level)


def visible_records(
    user: User | AnonymousUser,
    model: type[models.Model],
    *,
    service: str | None = "service",
    team: str | None = "team",
    restricted: str | None = "is_restricted",
) -> Q:
    """The filter of `visible_to` for records that inherit from containers.

    Restricted rows need a direct grant; superusers see all.
    """
    access = Access(user)
    if user.is_authenticated and user.is_active and user.is_superuser:
        return _EVERYTHING
    inherited = access.containers(Level.VIEW).records_filter(service=service, team=team)
    if restricted:
        inherited &= Q(**{restricted: False})
    direct = access.direct(model)
    # An empty Q means everything, but vanishes in an OR.
    return inherited | Q(pk__in=direct) if direct and inherited else inherited


def may(user: User | AnonymousUser, verb: str, obj: Any) -> bool:
    """Whether the user may do `verb` to the record, read now."""
    return Access(user).may(verb, obj)


def require(user: User | AnonymousUser, verb: str, obj: Any) -> None:
    """Raise `NotAllowed` unless `may`."""
    if not may(user, verb, obj):
        raise NotAllowed(f"You don't have the right to {verb.replace('_', ' ')} this.", audit=True)


def content_type_of(model: type[models.Model]) -> ContentType:
    """The content type under which guardian keeps grants on the model."""
    return ContentType.objects.get_for_model(model)
