"""What an item's failure reaches, and what it needs itself: by one recursive query each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.components.models import Component, Dependency, Item
from incidents.components.operations.linking import kind_of
from incidents.components.rules import STRENGTH_OF, Node, Picture, draw

# Nodes are one number: services count up, components down from zero, as in the indexes.
# `reached` is complete and ends on any circle; `walk` finds distances and the strongest way.
_WALK = """
WITH RECURSIVE edge(a, b, force) AS (
    SELECT coalesce(source_service_id, source_component_id * -1),
           coalesce(target_service_id, target_component_id * -1),
           CASE strength WHEN 'hard' THEN 3 WHEN 'shared' THEN 2 ELSE 1 END
    FROM incidents_dependency
), reached(node) AS (
    SELECT %(start)s::bigint
    UNION SELECT {there} FROM edge JOIN reached ON {here} = node
), walk(node, distance, force) AS (
    SELECT %(start)s::bigint, 0, 3
    UNION SELECT {there}, distance + 1, least(walk.force, edge.force)
    FROM edge JOIN walk ON {here} = node
    WHERE distance < least(%(most)s, (SELECT count(*) FROM reached))
)
SELECT DISTINCT ON (node) node, distance, force
FROM reached LEFT JOIN walk USING (node)
WHERE node <> %(start)s
ORDER BY node, distance, force DESC
"""
_DEPENDANTS = _WALK.format(there="a", here="b")
_NEEDED = _WALK.format(there="b", here="a")
MOST_STEPS = 64


@dataclass(frozen=True)
class Reached:
    """One item, how many steps away it is, and how strongly the way binds: as its weakest edge."""

    item: Item
    distance: int | None
    strength: str

    @property
    def kind(self) -> str:
        """`service`, or the kind of the component."""
        return kind_of(self.item)


def blast_radius(item: Item, user: User) -> list[Reached]:
    """Everything that depends on the item, near first, each once; of what the user may see."""
    return _reached(_DEPENDANTS, item, user)


def needed_by(item: Item, user: User) -> list[Reached]:
    """Everything that the item needs, near first, each once; of what the user may see."""
    return _reached(_NEEDED, item, user)


def picture_of(item: Item, user: User, address: Callable[[Item], str]) -> Picture:
    """Dependants left of it, what it needs right of it; each box leads to its page."""
    sides = [(each, -(each.distance or 0)) for each in blast_radius(item, user)]
    sides += [(each, each.distance or 0) for each in needed_by(item, user)]
    places: dict[int, Node] = {}
    for found, place in [(Reached(item, 0, ""), 0), *sides]:
        key = number_of(found.item)
        detail = f"{found.kind.replace('_', ' ')}, {found.item.team.name}"
        node = Node(key, found.item.name, detail, address(found.item), place)
        # On a circle an item is both: it stands where it is nearer.
        if key not in places or abs(place) < abs(places[key].place):
            places[key] = node
    return draw(list(places.values()), _edges_among(places))


def number_of(item: Item) -> int:
    """The item as one number."""
    return item.pk if isinstance(item, Service) else -item.pk


def _reached(query: str, item: Item, user: User) -> list[Reached]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"start": number_of(item), "most": MOST_STEPS})
        rows = cursor.fetchall()
    items = _items([node for node, _, _ in rows], user)
    found = [
        Reached(items[node], distance, STRENGTH_OF.get(force or 0, ""))
        for node, distance, force in rows
        if node in items
    ]
    far = MOST_STEPS + 1
    return sorted(found, key=lambda each: (each.distance or far, each.item.key))


def _items(numbers: Sequence[int], user: User) -> Mapping[int, Item]:
    services = Service.objects.visible_to(user).filter(pk__in=[n for n in numbers if n > 0])
    components = Component.objects.visible_to(user).filter(pk__in=[-n for n in numbers if n < 0])
    found: list[Item] = [*services.select_related("team"), *components.select_related("team")]
    return {number_of(each): each for each in found}


def _edges_among(nodes: Mapping[int, Node]) -> list[tuple[int, int, str]]:
    services = [key for key in nodes if key > 0]
    components = [-key for key in nodes if key < 0]
    rows = [
        *Dependency.objects.filter(source_service__in=services),
        *Dependency.objects.filter(source_component__in=components),
    ]
    ends = [
        (
            row.source_service_id or -row.source_component_id,
            row.target_service_id or -row.target_component_id,
            str(row.strength),
        )
        for row in rows
    ]
    return [each for each in ends if each[0] in nodes and each[1] in nodes]
