"""What grants and roles reach, all that lies below included: one query each, however many.

Ids come back as arrays, one for each name (of a level, or a role) and kind of container, so that
two thousand grants cost the request hardly more than two.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models

from config import clock
from config.access.models import ContainerType, RoleAssignmentQuerySet

type Tables = Mapping[str, type[models.Model]]
# By name of a level or a role, then by kind of container, `everything`, or label of a model.
type Reach = dict[str, dict[str, frozenset[int]]]

EVERYTHING = "everything"

# Direct grants on records come along under the label of their model.
GRANTS = """
SELECT permission.codename, coalesce(named.kind, model.label), given.object_pk::bigint
FROM guardian_userobjectpermission given
JOIN auth_permission permission ON permission.id = given.permission_id
JOIN (SELECT id, app_label || '.' || model AS label FROM django_content_type) model
    ON model.id = given.content_type_id
LEFT JOIN unnest(%s::text[], %s::text[]) named (label, kind) ON named.label = model.label
WHERE given.user_id = %s
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

    Its parameters are the key of the user, and twice the present.
    """
    if seed not in _more:
        _more.append(seed)


def granted(user_id: int | None, tables: Tables) -> Reach:
    """By codename of the level; under the empty name the records granted one by one."""
    return _read(*_grants(user_id, tables), tables)


def one_by_one(user_id: int | None, tables: Tables) -> dict[str, frozenset[int]]:
    """The records granted one by one, by label of their model: as `granted` has them, but cheap."""
    seed, params = _grants(user_id, tables)
    return _found(f"WITH held (name, kind, id) AS ({seed}) {ONE_BY_ONE}", params).get("", {})


def _grants(user_id: int | None, tables: Tables) -> tuple[str, list[Any]]:
    """The statement that finds all grants of a user, and its parameters."""
    labels = {model._meta.label_lower: kind for kind, model in tables.items()}
    now = clock.now()
    params: list[Any] = [list(labels), list(labels.values()), user_id]
    for _ in _more:
        params += [user_id, now, now]
    return "\nUNION ALL ".join((GRANTS, *_more)), params


def assigned(roles: RoleAssignmentQuerySet, tables: Tables) -> Reach:
    """By name of the role."""
    rows = roles.values_list("role__name", "container_type", "container_id").distinct()
    return _read(*rows.query.sql_with_params(), tables)


def _read(seed: str, params: Sequence[Any], tables: Tables) -> Reach:
    names = {f"{kind}s": connection.ops.quote_name(tables[kind]._meta.db_table)
             for kind in ContainerType.values}  # fmt: skip
    return _found(REACHED.format(seed=seed, one_by_one=ONE_BY_ONE, **names), params)


def _found(statement: str, params: Sequence[Any]) -> Reach:
    found: Reach = {}
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        for name, kind, ids in cursor:
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
