"""Strengths of dependencies, and how what hangs on what is drawn. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import TextChoices

from config.access.rules import Level, Need, level
from config.apikit.codes import explain
from config.governance.registry import Integer, Setting, Tighter, UnitMay, register

NEEDS: Mapping[str, Need] = {"view": level(Level.VIEW), "edit": level(Level.MANAGE)}
DEPENDENCY_NEEDS: Mapping[str, Need] = {
    "view": level(Level.VIEW),
    "edit": level(Level.MANAGE),
    "remove": level(Level.MANAGE),
    "verify": level(Level.RESPOND),
}
OWNER_NEEDS: Mapping[str, Need] = {
    "add_component": level(Level.MANAGE),
    "add_dependency": level(Level.MANAGE),
}


class Strength(TextChoices):
    """What becomes of the dependant when the dependency fails."""

    HARD = "hard", "Hard: it fails too"
    SHARED = "shared", "Shared: both draw on the same"
    SOFT = "soft", "Soft: it goes on with less"


FORCE: Mapping[str, int] = {Strength.SOFT: 1, Strength.SHARED: 2, Strength.HARD: 3}
STRENGTH_OF: Mapping[int, str] = {force: strength for strength, force in FORCE.items()}

VERIFY_DAYS = register(
    Setting(
        key="cmdb.verify_days",
        title="Days until a dependency must be verified again",
        type=Integer(1, 3650, "days"),
        default=180,
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.LOWER,
        help="A dependency that nobody has verified for longer is shown as stale.",
    )
)

WIDTH, HEIGHT, GAP, COLUMN = 168, 44, 16, 232
MOST_IN_COLUMN = 12
MOST_COLUMNS = 3
BELOW = 40


@dataclass(frozen=True)
class Node:
    """One service or component in a picture; `place` is its column, 0 is the one asked about."""

    key: int
    name: str
    detail: str
    link: str
    place: int


@dataclass(frozen=True)
class Box:
    """A node with its corner."""

    node: Node
    x: int
    y: int

    @property
    def text_x(self) -> int:
        """Where its words begin."""
        return self.x + 10


@dataclass(frozen=True)
class Arrow:
    """A line from dependant to dependency."""

    path: str
    strength: str


@dataclass(frozen=True)
class Picture:
    """Boxes and arrows on a canvas; `left_out` counts the nodes for which there is no room."""

    width: int
    height: int
    boxes: list[Box]
    arrows: list[Arrow]
    left_out: int


def draw(nodes: Sequence[Node], edges: Sequence[tuple[int, int, str]]) -> Picture:
    """Dependants left, dependencies right, in columns by distance; `edges` name nodes by key."""
    columns: dict[int, list[Node]] = {}
    for node in sorted(nodes, key=lambda each: (abs(each.place), each.name)):
        if abs(node.place) <= MOST_COLUMNS:
            columns.setdefault(node.place, []).append(node)
    places = sorted(columns)
    shown = {place: columns[place][:MOST_IN_COLUMN] for place in places}
    tallest = max((len(column) for column in shown.values()), default=1)
    height = tallest * (HEIGHT + GAP) + GAP
    boxes = [
        Box(node, GAP + number * COLUMN, _top(row, len(shown[place]), height))
        for number, place in enumerate(places)
        for row, node in enumerate(shown[place])
    ]
    at = {box.node.key: box for box in boxes}
    arrows = [
        Arrow(_path(at[source], at[target]), strength)
        for source, target, strength in edges
        if source in at and target in at
    ]
    width = max(1, len(places)) * COLUMN - (COLUMN - WIDTH) + 2 * GAP
    if any(at[a].x > at[b].x for a, b, _ in edges if a in at and b in at):
        height += BELOW
    return Picture(width, height, boxes, arrows, len(nodes) - len(boxes))


def _top(row: int, rows: int, height: int) -> int:
    used = rows * (HEIGHT + GAP) - GAP
    return (height - used) // 2 + row * (HEIGHT + GAP)


def _path(source: Box, target: Box) -> str:
    """From the right side of the dependant to the left side of what it needs."""
    if source.x > target.x:
        return _path_back(source, target)
    x1 = source.x + WIDTH
    x2 = target.x if source.x < target.x else target.x + WIDTH
    y1, y2 = source.y + HEIGHT // 2, target.y + HEIGHT // 2
    bend = (COLUMN - WIDTH) // 2
    far = x2 - bend if source.x < target.x else x2 + bend
    return f"M {x1} {y1} C {x1 + bend} {y1}, {far} {y2}, {x2} {y2}"


def _path_back(source: Box, target: Box) -> str:
    """A circle closes below the boxes, so that it is seen."""
    x1, x2 = source.x + WIDTH // 2, target.x + WIDTH // 2
    y1, y2 = source.y + HEIGHT, target.y + HEIGHT
    return f"M {x1} {y1} C {x1} {y1 + BELOW}, {x2} {y2 + BELOW}, {x2} {y2}"


explain(
    dependency_on_itself=("Nothing depends on itself", "Name two different ends."),
    component_in_use=(
        "Something still depends on the component",
        "Remove these dependencies first, or point them elsewhere.",
    ),
)
