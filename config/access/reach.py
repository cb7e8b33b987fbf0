"""What grants and roles reach, all that lies below included: one query each, however many.

Every request asks, most of them twice: the statements are planned once a connection.

Ids come back as arrays, one for each name (of a level, or a role) and kind of container, so that
two thousand grants cost the request hardly more than two.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection, models

from config import clock
from config.access.models import RoleAssignment
from config.planned import Planned

type Tables = Mapping[str, type[models.Model]]
type Pairs = tuple[tuple[str, type[models.Model]], ...]
# By name of a level or a role, then by kind of container, `everything`, or label of a model.
type Reach = dict[str, dict[str, frozenset[int]]]

EVERYTHING = "everything"

# $1 is the user, $2 the present. Direct grants on records come under the label of their model.
GRANTS = """
SELECT permission.codename, coalesce(named.kind, model.label), given.object_pk::bigint
FROM guardian_userobjectpermission given
JOIN auth_permission permission ON permission.id = given.permission_id
JOIN (SELECT id, app_label || '.' || model AS label FROM django_content_type) model
    ON model.id = given.content_type_id
LEFT JOIN (VALUES {labels}) named (label, kind) ON named.label = model.label
WHERE given.user_id = $1
"""
ONE_BY_ONE = """
SELECT '', kind, array_agg(DISTINCT id) FROM held
WHERE kind NOT IN ('unit', 'team', 'service') GROUP BY kind
"""
# Whoever holds the root reaches everything: what lies below it needn't be listed.
REACHED = """
WITH RECURSIVE held (name, kind, id) AS ({seed}),
everything AS (
    SELECT DISTINCT held.name FROM held JOIN {units} root ON root.id = held.id
    WHERE held.kind = 'unit' AND root.parent_id IS NULL
),
unit AS (
    SELECT name, id FROM held WHERE kind = 'unit' AND name NOT IN (SELECT name FROM everything)
    UNION
    SELECT unit.name, below.id FROM unit JOIN {units} below ON below.parent_id = unit.id
),
team AS (
    SELECT name, id FROM held WHERE kind = 'team'
    UNION
    SELECT unit.name, below.id FROM unit JOIN {teams} below ON below.unit_id = unit.id
),
service AS (
    SELECT name, id FROM held WHERE kind = 'service'
    UNION
    SELECT team.name, below.id FROM team JOIN {services} below ON below.team_id = team.id
)
SELECT name, 'everything', NULL::bigint[] FROM everything
UNION ALL SELECT name, 'unit', array_agg(id) FROM unit GROUP BY name
UNION ALL SELECT name, 'team', array_agg(id) FROM team GROUP BY name
UNION ALL SELECT name, 'service', array_agg(id) FROM service GROUP BY name
UNION ALL {one_by_one}
"""

_more: list[str] = []


def also_granted(seed: str) -> None:
    """A room above names records that it opens for a time, in columns like those of `GRANTS`.

    `$1` is the key of the user, `$2` the present.
    """
    if seed not in _more:
        _more.append(seed)


def granted(user_id: int | None, tables: Tables) -> Reach:
    """By codename of the level; under the empty name the records granted one by one."""
    return _by_name(_granted(tuple(tables.items())).rows(user_id, clock.now()))


def one_by_one(user_id: int | None, tables: Tables) -> dict[str, frozenset[int]]:
    """The records granted one by one, by label of their model: as `granted` has them, but cheap."""
    rows = _one_by_one(tuple(tables.items())).rows(user_id, clock.now())
    return _by_name(rows).get("", {})


def assigned(people: Iterable[int | None], tables: Tables) -> Reach:
    """By name of the role: what these people hold together, at present."""
    return _by_name(_assigned(tuple(tables.items())).rows(list(people), clock.now()))


@cache
def _granted(tables: Pairs) -> Planned:
    return Planned("reach_granted", ("bigint", "timestamptz"), _reached(_grants(tables), tables))


@cache
def _one_by_one(tables: Pairs) -> Planned:
    text = f"WITH held (name, kind, id) AS ({_grants(tables)}) {ONE_BY_ONE}"
    return Planned("reach_one_by_one", ("bigint", "timestamptz"), text)


@cache
def _assigned(tables: Pairs) -> Planned:
    rows = RoleAssignment.objects.in_force().held_by(0)
    found = rows.values_list("role__name", "container_type", "container_id").distinct()
    text, params = found.query.sql_with_params()
    # The moment stands where a moment stood, the people everywhere else.
    numbers = ("$2" if isinstance(each, datetime) else "$1" for each in params)
    seed = text.replace("%s", "{}").format(*numbers)
    return Planned("reach_assigned", ("bigint[]", "timestamptz"), _reached(seed, tables))


def _grants(tables: Pairs) -> str:
    labels = ", ".join(f"('{model._meta.label_lower}', '{kind}')" for kind, model in tables)
    return "\nUNION ALL ".join((GRANTS.format(labels=labels), *_more))


def _reached(seed: str, tables: Pairs) -> str:
    names = {f"{kind}s": connection.ops.quote_name(model._meta.db_table) for kind, model in tables}
    return REACHED.format(seed=seed, one_by_one=ONE_BY_ONE, **names)


def _by_name(rows: Iterable[tuple[Any, ...]]) -> Reach:
    found: Reach = {}
    for name, kind, ids in rows:
        found.setdefault(name, {})[kind] = frozenset(ids or ())
    return found


def joined(one: Reach, other: Reach) -> Reach:
    """What both reach together."""
    both: Reach = {name: dict(kinds) for name, kinds in one.items()}
    for name, kinds in other.items():
        mine = both.setdefault(name, {})
        for kind, ids in kinds.items():
            mine[kind] = mine.get(kind, frozenset()) | ids
    return both
