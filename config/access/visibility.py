"""Which containers somebody reaches, and whether they may do a thing to a record.

Ids are resolved first, in one query, and the record filter is flat: nested subqueries inside OR
make PostgreSQL scan everything (docs/decisions/0005).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from guardian.models import UserObjectPermission

from config import origin
from config.access import reach, restricted
from config.access.lookups import AnyOf  # noqa: F401  # registers `any_of`
from config.access.models import ContainerType
from config.access.reach import Reach
from config.access.rules import Level, Need
from config.errors import NotAllowed
from config.organisation.models import BusinessUnit, Team, User

_containers: dict[str, type[models.Model]] = {
    ContainerType.UNIT: BusinessUnit,
    ContainerType.TEAM: Team,
}
_needs: dict[str, Mapping[str, Need]] = {}
_NONE: frozenset[int] = frozenset()
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
    _grouped.cache_clear()


@cache
def _grouped(label: str) -> list[tuple[Need, frozenset[str]]]:
    """The verbs of a model that need the same."""
    needs = _needs.get(label, {})
    return [
        (need, frozenset(verb for verb, each in needs.items() if each == need))
        for need in dict.fromkeys(needs.values())
    ]


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
        return _EVERYTHING if self.everything else Q(pk__any_of=self.teams)

    def units_filter(self) -> Q:
        """For querysets of units."""
        return _EVERYTHING if self.everything else Q(pk__any_of=self.units)

    def services_filter(self) -> Q:
        """For querysets of services."""
        return _EVERYTHING if self.everything else Q(pk__any_of=self.services)

    def records_filter(self, *, service: str | None = "service", team: str | None = "team") -> Q:
        """For querysets of records that name a service or a team (paths may span relations)."""
        if self.everything:
            return _EVERYTHING
        parts = []
        if service and self.services:
            parts.append(Q(**{f"{service}__any_of": self.services}))
        if team and self.teams:
            parts.append(Q(**{f"{team}__any_of": self.teams}))
        return _any(parts)


def _within(ids: Mapping[str, frozenset[int]]) -> Containers:
    if reach.EVERYTHING in ids:
        return Containers(everything=True)
    return Containers(False, *(ids.get(kind, _NONE) for kind in ContainerType.values))


def _joined(found: Iterable[Containers]) -> Containers:
    several = list(found)
    if any(each.everything for each in several):
        return Containers(everything=True)
    parts = [(each.units, each.teams, each.services) for each in several]
    return Containers(False, *(_NONE.union(*kind) for kind in zip(*parts, strict=True)))


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


def _place_of(obj: Any) -> Any:
    """Whose containers decide about the row: its own, or those of the record it inherits from."""
    tie = restricted.tie_of(type(obj))
    return next(tie.records_of(obj), obj) if tie is not None and tie.prefix else obj


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
            self._reached[level] = _within(self._granted.get(Level(level).codename, {}))
        return self._reached[level]

    def holding(self, roles: Iterable[str]) -> Containers:
        """The containers on which the user holds one of the roles, with all below them."""
        if not self.user.is_authenticated or not self.user.is_active:
            return Containers()
        return _joined(_within(self._assigned.get(name, {})) for name in roles)

    def direct(self, model: type[models.Model]) -> frozenset[int]:
        """Ids of records of the model that the user was granted one by one."""
        return self._granted.get("", {}).get(model._meta.label_lower, _NONE)

    def may(self, verb: str, obj: Any) -> bool:
        """Whether the user may do `verb` to the record. Duties are checked by operations."""
        if not self.user.is_authenticated or not self.user.is_active:
            return False
        if self.user.is_superuser:
            return True
        need = _needs.get(obj._meta.label_lower, {}).get(verb)
        if need is None:
            return False
        return not self.conceals(obj) and self._meets(need, obj)

    def verbs(self, obj: Any, among: Collection[str] | None = None) -> frozenset[str]:
        """All that the user may do to the record: `may` of every verb, each need asked once.

        Needs of none of the verbs `among` which somebody asks aren't looked into.
        """
        needs = registered_verbs(type(obj))
        if not self.user.is_authenticated or not self.user.is_active:
            return frozenset()
        if self.user.is_superuser:
            return frozenset(needs)
        if self.conceals(obj):
            return frozenset()
        groups = [
            (need, verbs)
            for need, verbs in _grouped(obj._meta.label_lower)
            if among is None or not verbs.isdisjoint(among)
        ]
        return frozenset().union(*(verbs for need, verbs in groups if self._meets(need, obj)))

    def meets(self, need: Need, obj: Any) -> bool:
        """Whether the user has on the record what the need names, whatever the verb."""
        return self.user.is_superuser or self._meets(need, obj)

    def meets_everywhere(self, need: Need) -> bool:
        """Whether the user has it on the whole enterprise."""
        by_level = need.level is not None and self.containers(need.level).everything
        return by_level or self.holding(need.roles).everything

    def _meets(self, need: Need, obj: Any) -> bool:
        if need.owner and getattr(obj, need.owner) == self.user.pk:
            return True
        place = _place_of(obj)
        if need.level is not None and self.containers(need.level).reaches(place):
            return True
        if need.level == Level.VIEW and self._is_let_in_to(obj):
            return True
        return bool(need.roles) and self.holding(need.roles).reaches(place)

    def _is_let_in_to(self, obj: Any) -> bool:
        tie = restricted.tie_of(type(obj))
        if tie is None:
            return obj.pk in self.direct(type(obj))
        let_in = self.direct(tie.record)
        return any(record.pk in let_in for record in tie.records_of(obj))

    def conceals(self, obj: Any) -> bool:
        """Whether the row hangs on a restricted record into which the user was not let."""
        tie = restricted.tie_of(type(obj))
        if tie is None or self.user.is_superuser or tie.is_owned_by(obj, self.user.pk):
            return False
        if tie.unknown and getattr(obj, tie.unknown):
            return True
        let_in = self.direct(tie.record)
        return any(each.is_restricted and each.pk not in let_in for each in tie.records_of(obj))

    def open_rows[M: models.Model](self, rows: models.QuerySet[M]) -> models.QuerySet[M]:
        """Without the rows that tell of restricted records into which the user was not let.

        Of a tied model, or of one of the platform's own tables that tells of others' records.
        """
        if self.user.is_superuser:
            return rows
        tie = restricted.tie_of(rows.model)
        if tie is not None:
            return rows.filter(tie.is_open(self.direct(tie.record), self.user.pk))
        if not restricted.is_telling(rows.model):
            return rows
        secrets = (restricted.restricted(each, self.direct(each)) for each in restricted.records())
        tells = restricted.tells_of(rows.model, *secrets)
        plain: Any = rows.alias(tells_of_secrets=tells).filter(tells_of_secrets=False)
        opened: models.QuerySet[M] = plain
        return opened

    def holds(self, *roles: str) -> bool:
        """Whether the user holds one of the roles anywhere."""
        return any(name in self._assigned for name in roles)

    @property
    def stamp(self) -> str:
        """Differs as soon as anything that the user may see or do differs: for keys of caches."""
        own = (self.user.pk, self.user.is_active, self.user.is_superuser)
        return repr((own, *(_sorted(each) for each in (self._granted, self._assigned))))

    @cached_property
    def _granted(self) -> Reach:
        own = reach.granted(self.user.pk, _containers)
        found = origin.stand_in_of(self.user.pk)
        if found is None:
            return own
        theirs = reach.granted(found.principal, _containers)
        theirs.pop("", None)  # need-to-know is personal
        return reach.joined(own, theirs)

    @cached_property
    def _assigned(self) -> Reach:
        found = origin.stand_in_of(self.user.pk)
        people = [self.user.pk] if found is None else [self.user.pk, found.principal]
        return reach.assigned(people, _containers)


def _sorted(found: Reach) -> list[Any]:
    return sorted((name, kind, sorted(ids)) for name in found for kind, ids in found[name].items())


_remembered: ContextVar[dict[Any, Access] | None] = ContextVar("remembered_access", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Inside, what somebody reaches is read once: for a request that only reads.

    Inside of another the two remember together.
    """
    kept = _remembered.get()
    token = _remembered.set({} if kept is None else kept)
    try:
        yield
    finally:
        _remembered.reset(token)


def access_for(user: User | AnonymousUser) -> Access:
    """What the user reaches, read now; inside `remembering` once for all questions."""
    kept = _remembered.get()
    if kept is None or user.pk is None:
        return Access(user)
    return kept.setdefault(user.pk, Access(user))


def containers_of(user: User | AnonymousUser, level: str) -> Containers:
    """The containers on which the user has the level, read now."""
    return access_for(user).containers(level)


def visible_records(
    user: User | AnonymousUser,
    model: type[models.Model],
    *,
    service: str | None = "service",
    team: str | None = "team",
) -> Q:
    """The filter of `visible_to` for records that inherit from containers.

    What hangs on another record (`restricted.hangs_on`) inherits from that one's containers.
    Restricted rows, and what hangs on them, need a direct grant; superusers see all.
    """
    if not user.is_authenticated or not user.is_active:
        return _NOBODY
    if user.is_superuser:
        return _EVERYTHING
    access, tie = access_for(user), restricted.tie_of(model)
    prefix = tie.prefix if tie is not None else ""
    inherited = access.containers(Level.VIEW).records_filter(
        service=service and f"{prefix}{service}", team=team and f"{prefix}{team}"
    )
    if tie is None:
        return _either(inherited, Q(pk__in=access.direct(model)))
    # One's own rows and those of records that let one in need no container.
    admitted = tie.is_admitted(access.direct(tie.record), user.pk)
    return _either(inherited & tie.is_unrestricted(), admitted)


def _either(first: Q, second: Q) -> Q:
    # An empty Q means everything, but vanishes in an OR.
    return first | second if first else first


def may(user: User | AnonymousUser, verb: str, obj: Any) -> bool:
    """Whether the user may do `verb` to the record, read now."""
    return access_for(user).may(verb, obj)


def require(user: User | AnonymousUser, verb: str, obj: Any) -> None:
    """Raise `NotAllowed` unless `may`."""
    if not may(user, verb, obj):
        raise NotAllowed(f"You don't have the right to {verb.replace('_', ' ')} this.", audit=True)


def opened_to(user: User) -> Mapping[str, frozenset[int]]:
    """Which records the user was granted one by one, by label: without what their roles reach."""
    return reach.one_by_one(user.pk, _containers)


def let_in_to(record: models.Model) -> list[int]:
    """The keys of those who were let into the record, one by one."""
    grants = UserObjectPermission.objects.filter(
        content_type=content_type_of(type(record)), object_pk=str(record.pk)
    )
    return list(grants.order_by("user_id").values_list("user_id", flat=True).distinct())


def content_type_of(model: type[models.Model]) -> ContentType:
    """The content type under which guardian keeps grants on the model."""
    return ContentType.objects.get_for_model(model)
