"""Background jobs: what is slow and unordered, run by django-q2 or by hand as of a time.

Every job is idempotent and takes the time as of which it runs; it never asks for the present.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import structlog
from django.db import connection, transaction
from django_q.models import Schedule

from config import clock
from config.origin import Origin, acting

log = structlog.get_logger(__name__)

type Every = Literal["minutes", "hourly", "daily", "weekly", "monthly", "quarterly"]
type Work = Callable[[datetime.datetime], object]

FUNCTION = "config.due.jobs.run_scheduled"
TYPES: dict[Every, str] = {
    "minutes": Schedule.MINUTES,
    "hourly": Schedule.HOURLY,
    "daily": Schedule.DAILY,
    "weekly": Schedule.WEEKLY,
    "monthly": Schedule.MONTHLY,
    "quarterly": Schedule.QUARTERLY,
}
NIGHT = datetime.time(2, 0, tzinfo=datetime.UTC)
LOCK = 7_235_200


class UnknownJob(LookupError):
    """No job has that name; `names` are the ones there are."""

    def __init__(self, name: str, names: list[str]) -> None:
        super().__init__(f"There is no job {name!r}. Jobs: {', '.join(names)}")
        self.names = names


@dataclass(frozen=True)
class Job:
    """A named piece of work and how often it runs."""

    name: str
    work: Work
    every: Every
    minutes: int | None


_jobs: dict[str, Job] = {}


def job(name: str, *, every: Every, minutes: int | None = None) -> Callable[[Work], Work]:
    """Register a job. `work(as_of)` is idempotent; `minutes` goes with `every="minutes"`."""

    def register(work: Work) -> Work:
        if name in _jobs and _jobs[name].work is not work:
            raise RuntimeError(f"two jobs are called {name}")
        if (every == "minutes") != (minutes is not None):
            raise ValueError(f"{name}: minutes goes with every='minutes'")
        _jobs[name] = Job(name, work, every, minutes)
        return work

    return register


def jobs() -> list[Job]:
    """All jobs by name."""
    return [_jobs[name] for name in sorted(_jobs)]


def run(name: str, as_of: datetime.datetime) -> object:
    """Run the job as if it were that time; what it changes is recorded as coming from a job."""
    if name not in _jobs:
        raise UnknownJob(name, sorted(_jobs))
    log.info("job begins", job=name, as_of=as_of.isoformat())
    with clock.simulated(as_of), acting(Origin.JOB):
        result = _jobs[name].work(clock.now())
    log.info("job ended", job=name)
    return result


def run_scheduled(name: str, as_of: str = "") -> str:
    """What django-q2 calls: as of the time it was meant to run, at most one of a name at once."""
    moment = datetime.datetime.fromisoformat(as_of) if as_of else clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [LOCK, name])
        if not cursor.fetchone()[0]:
            return "another one is running"
        try:
            return str(run(name, min(moment, clock.now())) or "")[:1000]
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCK, name])


@transaction.atomic
def sync_schedules() -> None:
    """Give every job its schedule, keep when it runs next, and remove schedules of jobs gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])  # workers start together
    ours = Schedule.objects.filter(func=FUNCTION)
    ours.exclude(name__in=_jobs).delete()
    for each in jobs():
        values = {
            "args": repr((each.name,)),
            "schedule_type": TYPES[each.every],
            "minutes": each.minutes,
            "repeats": -1,
            "intended_date_kwarg": "as_of",
        }
        if not ours.filter(name=each.name).update(**values):
            ours.create(func=FUNCTION, name=each.name, next_run=_first_run(each), **values)


def _first_run(job: Job) -> datetime.datetime:
    now = clock.now()
    if job.every in ("minutes", "hourly"):
        return now + datetime.timedelta(minutes=1)
    return datetime.datetime.combine(now.date() + datetime.timedelta(days=1), NIGHT)
