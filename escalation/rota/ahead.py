"""What a schedule's page shows of the weeks ahead: lanes to look at, lines to read."""

import datetime
from dataclasses import dataclass, field

from django.db.models import Count

from config import clock
from config.organisation.models import User
from escalation.rota import operations, rules
from escalation.rota.models import Layer, Schedule

SHOWN = datetime.timedelta(days=28)
WEEK = datetime.timedelta(days=7)
NOBODY = "Nobody: a gap"


@dataclass(frozen=True)
class Line:
    """Somebody, or nobody, from one instant to another."""

    start: datetime.datetime
    end: datetime.datetime
    name: str
    kind: str = ""  # or wb-override, wb-gap


@dataclass(frozen=True)
class Bar:
    """A line as a part of the whole width, in percent."""

    left: str
    width: str
    kind: str


@dataclass
class Lane:
    """The bars of one person."""

    name: str
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True)
class Ahead:
    """All of it."""

    now: User | None
    reachable: str
    weeks: list[datetime.datetime]
    lines: list[Line]
    lanes: list[Lane]
    rotations: list[Layer]

    @property
    def gaps(self) -> int:
        """How often nobody is on call."""
        return sum(line.kind == "wb-gap" for line in self.lines)


def ahead(schedule: Schedule) -> Ahead:
    """The final schedule of four weeks, with its gaps."""
    start = clock.now()
    covers = operations.covers(schedule, start, start + SHOWN)
    people = User.objects.in_bulk([cover.person for cover in covers])
    lines = [
        Line(c.start, c.end, str(people[c.person]), "wb-override" if c.is_override else "")
        for c in covers
    ]
    gaps = rules.gaps(covers, start, start + SHOWN)
    lines += [Line(begin, end, NOBODY, "wb-gap") for begin, end in gaps]
    lines.sort(key=lambda line: (line.start, line.end))
    weeks = [start + WEEK * number for number in range(SHOWN // WEEK)]
    return Ahead(
        now=operations.on_call(schedule),
        reachable=reachable(schedule),
        weeks=weeks,
        lines=lines,
        lanes=_lanes(lines, start),
        rotations=list(schedule.layers.annotate(people=Count("turns")).order_by("position")),
    )


def reachable(schedule: Schedule) -> str:
    """Those for whom one fault of one provider is enough to sleep through."""
    found = operations.reachability(schedule)
    poor = [f"{user} ({count})" for user, count in found if count < operations.ENOUGH_ADDRESSES]
    if not poor:
        return "Everybody has two verified contact methods or more."
    return f"Fewer than two verified contact methods: {', '.join(poor)}."


def _lanes(lines: list[Line], start: datetime.datetime) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    for line in lines:
        left = (line.start - start) / SHOWN * 100
        width = (line.end - line.start) / SHOWN * 100
        lane = lanes.setdefault(line.name, Lane(line.name))
        lane.bars.append(Bar(f"{left:.2f}", f"{width:.2f}", line.kind))
    return list(lanes.values())
