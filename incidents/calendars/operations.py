"""Entering and changing calendars, their rows for queries, and whether a calendar is open."""

import datetime
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from config import clock
from config.audit.tracking import lock
from config.errors import Stale
from config.events.operations import record
from config.governance.drafts import place_of
from config.organisation.models import BusinessUnit, User
from incidents.calendars.models import OpenPeriod, OperatingCalendar
from incidents.calendars.public_holidays import check_place, holidays_of
from incidents.calendars.rules import WEEKDAYS, Plan, Status, periods, plan_of, status_at

EDITABLE = (
    *("key", "name", "unit", "time_zone", *WEEKDAYS),
    *("holiday_country", "holiday_region", "special_days"),
)
_SPEAKS_OF_TIME = ("time_zone", *WEEKDAYS, "holiday_country", "holiday_region", "special_days")
# Rows reach back for reports on the last year, and forth for promises of the next ones.
YEARS_BACK, YEARS_AHEAD = 1, 2
_REACH = 2


@transaction.atomic
def create_calendar(
    *,
    actor: User,
    key: str,
    name: str,
    unit: BusinessUnit | None = None,
    reason: str = "",
    **fields: Any,
) -> OperatingCalendar:
    """Enter a calendar, with its rows. Raises `ValidationError` with every field that is wrong."""
    calendar = OperatingCalendar(key=key, name=name, unit=place_of(unit), **_known(fields))
    _check(calendar)
    calendar.save_as(actor, reason=reason)
    record("calendar.created", calendar, actor=actor, reason=reason, key=key)
    expand(calendar, clock.now())
    return calendar


@transaction.atomic
def edit_calendar(
    calendar: OperatingCalendar,
    *,
    actor: User,
    changes: Mapping[str, Any],
    reason: str = "",
    revision: int | None = None,
) -> OperatingCalendar:
    """Change a calendar and its rows; nothing is recorded where nothing differs.

    What is decided from now on goes by the new hours; what was decided keeps its answer.
    """
    lock(calendar)
    if revision is not None and revision != calendar.revision:
        raise Stale(f"{calendar} has changed since you read it; read it again.")
    wanted = {**_known(changes)}
    if "unit" in wanted:
        wanted["unit"] = place_of(wanted["unit"])
    diffs = {name: value for name, value in wanted.items() if getattr(calendar, name) != value}
    if not diffs:
        return calendar
    said = [
        {"field": name, "old": _plain(getattr(calendar, name)), "new": _plain(value)}
        for name, value in diffs.items()
    ]
    for name, value in diffs.items():
        setattr(calendar, name, value)
    _check(calendar)
    calendar.save_as(actor, *diffs, reason=reason)
    record("calendar.edited", calendar, actor=actor, reason=reason, changes=said)
    expand(calendar, clock.now())
    return calendar


@transaction.atomic
def expand(calendar: OperatingCalendar, as_of: datetime.datetime) -> int:
    """Make the rows those of the years around the instant; returns how many differed.

    Idempotent: holidays that the library learns, and years that come, are taken in by the job.
    """
    lock(calendar)
    first = datetime.date(as_of.year - YEARS_BACK, 1, 1)
    last = datetime.date(as_of.year + YEARS_AHEAD + 1, 1, 1)
    wanted = set(periods(plan_between(calendar, first.year - 1, last.year), first, last))
    rows = OpenPeriod.objects.filter(calendar=calendar)
    held = {(period.lower, period.upper): pk for pk, period in rows.values_list("pk", "period")}
    surplus = [pk for key, pk in held.items() if key not in wanted]
    rows.filter(pk__in=surplus).delete()
    missing = sorted(wanted - held.keys())
    OpenPeriod.objects.bulk_create(
        OpenPeriod(calendar=calendar, period=DateTimeTZRange(opens, closes, "[)"))
        for opens, closes in missing
    )
    return len(surplus) + len(missing)


def expand_all(as_of: datetime.datetime) -> int:
    """The rows of every calendar; returns how many differed."""
    return sum(expand(each, as_of) for each in OperatingCalendar.objects.order_by("pk"))


def status_of(calendar: OperatingCalendar, at: datetime.datetime) -> Status:
    """Whether the calendar is open at the instant, and until when; any instant, by the rule."""
    return status_at(plan_at(calendar, at), at)


def plan_at(calendar: OperatingCalendar, at: datetime.datetime) -> Plan:
    """The plan with the holidays around the instant."""
    return _plan(*_values(calendar), at.year - 1, at.year + _REACH)


def plan_between(calendar: OperatingCalendar, first: int, last: int) -> Plan:
    """The plan with the holidays of those years."""
    return _plan(*_values(calendar), first, last)


def _values(calendar: OperatingCalendar) -> tuple[str, ...]:
    return tuple(getattr(calendar, name) for name in _SPEAKS_OF_TIME)


@lru_cache(maxsize=256)
def _plan(*key: Any) -> Plan:
    """Kept by all that it depends on: a calendar is asked for each incident of its region."""
    *values, first, last = key
    said = dict(zip(_SPEAKS_OF_TIME, values, strict=True))
    place = said["holiday_country"], said["holiday_region"]
    return plan_of(said, holidays_of(*place, range(first, last + 1)))


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in fields if name not in EDITABLE]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, "This can't be set."))
    return dict(fields)


def _check(calendar: OperatingCalendar) -> None:
    calendar.holiday_country = calendar.holiday_country.upper()
    calendar.holiday_region = calendar.holiday_region.upper()
    errors: dict[str, list[Any]] = {}
    for check in (calendar.full_clean, lambda: check_place(*_place(calendar))):
        try:
            check()
        except ValidationError as error:
            errors = error.update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


def _place(calendar: OperatingCalendar) -> tuple[str, str]:
    return calendar.holiday_country, calendar.holiday_region


def _plain(value: Any) -> Any:
    return str(getattr(value, "key", None) or value) if value is not None else None
