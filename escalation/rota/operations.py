"""Changing schedules, and asking who is on call."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Prefetch

from config import clock
from config.audit.tracking import lock
from config.errors import Invalid, Refused, Stale
from config.events.operations import record
from config.organisation.models import Team, User
from escalation.responders.operations import verified_counts
from escalation.rota import rules
from escalation.rota.models import Layer, Override, Schedule, Turn

LONGEST_VIEW = datetime.timedelta(days=366)
# With fewer verified addresses, one fault of one provider makes a person unreachable.
ENOUGH_ADDRESSES = 2


@dataclass(frozen=True)
class LayerPlan:
    """A layer as a form or the API gives it; `people` in the order of their turns."""

    name: str
    starts_on: datetime.date
    handoff: datetime.time
    people: Sequence[User]
    days: int = 7
    ends_on: datetime.date | None = None


@transaction.atomic
def create_schedule(
    *,
    key: str,
    name: str,
    team: Team,
    actor: User,
    time_zone: str = "UTC",
    layers: Iterable[LayerPlan] = (),
    is_active: bool = True,
) -> Schedule:
    """Make a schedule with its layers, the first covering first. Raises ValidationError.

    Without layers nobody is on call yet, and its page says so.
    """
    schedule = Schedule(key=key, name=name, team=team, time_zone=time_zone, is_active=is_active)
    schedule.full_clean()
    schedule.save_as(actor)
    _write_layers(schedule, list(layers), actor)
    record("schedule.created", schedule, actor=actor)
    return schedule


@transaction.atomic
def edit_schedule(
    schedule: Schedule,
    *,
    actor: User,
    values: Mapping[str, Any] | None = None,
    layers: Iterable[LayerPlan] | None = None,
    revision: int | None = None,
    reason: str = "",
) -> Schedule:
    """Change names, zone or activity, and replace the layers when given.

    Raises `Stale` when somebody saved since `revision` was read.
    """
    lock(schedule)
    if revision is not None and revision != schedule.revision:
        raise Stale("Somebody changed this schedule meanwhile; load it again.", code="stale")
    for name, value in (values or {}).items():
        setattr(schedule, name, value)
    schedule.full_clean()
    schedule.save_as(actor, reason=reason)
    if layers is not None:
        for layer in schedule.layers.all():
            for turn in layer.turns.all():
                turn.delete_as(actor, reason=reason)
            layer.delete_as(actor, reason=reason)
        _write_layers(schedule, list(layers), actor)
    record("schedule.edited", schedule, actor=actor, reason=reason)
    return schedule


def _write_layers(schedule: Schedule, plans: list[LayerPlan], actor: User) -> None:
    for position, plan in enumerate(plans, start=1):
        if not plan.people:
            raise Invalid(f"Rotation '{plan.name}' has nobody in it.", field="layers")
        layer = Layer(
            schedule=schedule,
            name=plan.name,
            position=position,
            starts_on=plan.starts_on,
            ends_on=plan.ends_on,
            handoff=plan.handoff,
            days=plan.days,
        )
        layer.full_clean()
        layer.save_as(actor)
        for place, person in enumerate(plan.people, start=1):
            _require_person(person)
            Turn(layer=layer, user=person, position=place).save_as(actor)


def _require_person(user: User) -> None:
    if not (user.is_person and user.is_active):
        raise Invalid(f"{user} can't be on call: only active people can.", field="people")


@transaction.atomic
def add_layer(
    schedule: Schedule,
    *,
    actor: User,
    starts_on: datetime.date,
    handoff: datetime.time,
    position: int = 1,
    **values: Any,
) -> Layer:
    """Add a rotation; people join it by `add_turn`."""
    lock(schedule)
    layer = Layer(
        schedule=schedule, starts_on=starts_on, handoff=handoff, position=position, **values
    )
    return _saved(layer, schedule, actor, "schedule.rotation_added")


@transaction.atomic
def edit_layer(layer: Layer, *, actor: User, changes: Mapping[str, Any]) -> Layer:
    """Change hand-off, length, days or order of a rotation, from now on and back to its start."""
    lock(layer.schedule)
    lock(layer)
    for name, value in changes.items():
        setattr(layer, name, value)
    return _saved(layer, layer.schedule, actor, "schedule.rotation_edited")


@transaction.atomic
def remove_layer(layer: Layer, *, actor: User) -> None:
    """Take a rotation away; the history keeps it."""
    lock(layer.schedule)
    for turn in layer.turns.all():
        turn.delete_as(actor)
    record("schedule.rotation_removed", layer.schedule, actor=actor, layer_id=layer.pk)
    layer.delete_as(actor)


@transaction.atomic
def add_turn(layer: Layer, *, actor: User, user: User, position: int = 1) -> Turn:
    """Take somebody into a rotation, at a place."""
    lock(layer.schedule)
    _require_person(user)
    turn = Turn(layer=layer, user=user, position=position)
    return _saved(turn, layer.schedule, actor, "schedule.turn_added")


@transaction.atomic
def edit_turn(turn: Turn, *, actor: User, changes: Mapping[str, Any]) -> Turn:
    """Put somebody else on the place, or move it."""
    lock(turn.layer.schedule)
    lock(turn)
    for name, value in changes.items():
        setattr(turn, name, value)
    _require_person(turn.user)
    return _saved(turn, turn.layer.schedule, actor, "schedule.turn_edited")


@transaction.atomic
def remove_turn(turn: Turn, *, actor: User) -> None:
    """Take somebody out of a rotation."""
    lock(turn.layer.schedule)
    record("schedule.turn_removed", turn.layer.schedule, actor=actor, user_id=turn.user_id)
    turn.delete_as(actor)


def _saved[M: (Layer, Turn)](row: M, schedule: Schedule, actor: User, kind: str) -> M:
    row.full_clean()
    row.save_as(actor)
    record(kind, schedule, actor=actor)
    return row


@transaction.atomic
def add_override(
    schedule: Schedule,
    *,
    user: User,
    start: datetime.datetime,
    end: datetime.datetime,
    actor: User,
    reason: str = "",
) -> Override:
    """Somebody takes over from `start` to `end` (exclusive).

    Raises `Invalid` for an empty or past period, ValidationError (`override_no_overlap`) where
    another override stands.
    """
    lock(schedule)
    _require_person(user)
    if end <= start:
        raise Invalid("The end must be later than the start.", field="end")
    if end - start > LONGEST_VIEW:
        raise Invalid("An override lasts a year at most; change the rotation.", field="end")
    if end <= clock.now():
        raise Invalid("This period is over; an override can't change the past.", field="end")
    override = Override(
        schedule=schedule, user=user, span=DateTimeTZRange(start, end), reason=reason
    )
    override.full_clean()
    override.save_as(actor, reason=reason)
    record("override.added", schedule, actor=actor, reason=reason, user_id=user.pk)
    return override


@transaction.atomic
def withdraw_override(override: Override, *, actor: User, reason: str = "") -> None:
    """Take the override back; what was paged under it stays recorded."""
    lock(override)
    if override.withdrawn_at is not None:
        raise Refused("This override was withdrawn already.", code="override_withdrawn")
    override.withdrawn_at = clock.now()
    override.save_as(actor, "withdrawn_at", reason=reason)
    record("override.withdrawn", override.schedule, actor=actor, reason=reason)


def covers(
    schedule: Schedule, start: datetime.datetime, end: datetime.datetime
) -> list[rules.Cover]:
    """The final schedule of [start, end). Raises `Invalid` beyond a year."""
    if end <= start:
        raise Invalid("The end must be later than the start.", field="until")
    if end - start > LONGEST_VIEW:
        raise Invalid("Ask for at most a year at a time.", field="until")
    _check_instant(start, "from")
    _check_instant(end, "until")
    layers = schedule.layers.prefetch_related("turns")
    rotations = [layer.rotation(list(layer.turns.all())) for layer in layers]
    standing = schedule.overrides.standing().filter(span__overlap=DateTimeTZRange(start, end))
    overridden = [
        rules.Cover(row.span.lower, row.span.upper, row.user_id, is_override=True)
        for row in standing
    ]
    return rules.final(
        [list(rules.turns(rotation, start, end)) for rotation in rotations],
        overridden,
        start,
        end,
    )


def on_call(schedule: Schedule, at: datetime.datetime | None = None) -> User | None:
    """Who is on call at the instant: an override's person, else the first layer that covers it.

    Nobody in a schedule that isn't active.
    """
    return on_call_each([schedule], at).get(schedule.pk)


def on_call_each(
    schedules: Iterable[Schedule], at: datetime.datetime | None = None
) -> dict[int, User]:
    """The same for any number of schedules, by their ids, in three queries."""
    at = at or clock.now()
    _check_instant(at, "at")
    ids = [schedule.pk for schedule in schedules if schedule.is_active]
    standing = Override.objects.standing().filter(schedule__in=ids, span__contains=at)
    found = {row.schedule_id: row.user for row in standing.select_related("user")}
    layers = Layer.objects.filter(schedule__in=ids).select_related("schedule")
    for layer in layers.prefetch_related(Prefetch("turns", Turn.objects.select_related("user"))):
        turns = list(layer.turns.all())
        person = rules.person_at(layer.rotation(turns), at)
        if person is not None:
            user = next(turn.user for turn in turns if turn.user_id == person)
            found.setdefault(layer.schedule_id, user)
    return found


def on_call_of_team(team_id: int, at: datetime.datetime | None = None) -> list[User]:
    """Everybody on call for the team: one per active schedule, without repeats."""
    return on_call_of_teams([team_id], at)[team_id]


def on_call_of_teams(
    team_ids: Iterable[int], at: datetime.datetime | None = None
) -> dict[int, list[User]]:
    """The same for any number of teams, in four queries."""
    found: dict[int, list[User]] = {team_id: [] for team_id in team_ids}
    if not found:
        return found
    schedules = list(Schedule.objects.filter(team__in=found, is_active=True).order_by("id"))
    users = on_call_each(schedules, at)
    for schedule in schedules:
        user, of_team = users.get(schedule.pk), found[schedule.team_id]
        if user is not None and user not in of_team:
            of_team.append(user)
    return found


def reachability(schedule: Schedule) -> list[tuple[User, int]]:
    """Everybody of its rotations and coming overrides, with their number of verified addresses."""
    turns = Turn.objects.filter(layer__schedule=schedule).select_related("user")
    coming = schedule.overrides.standing().filter(span__endswith__gt=clock.now())
    people = [turn.user for turn in turns]
    people += [override.user for override in coming.select_related("user")]
    unique = sorted(set(people), key=lambda user: (str(user), user.pk))
    counts = verified_counts(unique)
    return [(user, counts[user.pk]) for user in unique]


def _check_instant(at: datetime.datetime, field: str) -> None:
    if not rules.FIRST <= at <= rules.LAST:
        raise Invalid("Name a time between the years 2000 and 2199.", field=field)
