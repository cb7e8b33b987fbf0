"""Background jobs, by schedule and by hand."""

import datetime
import json

import pytest
from django.core.management import CommandError, call_command
from django_q.models import Schedule

from config import clock, origin
from config.due import jobs
from config.due.models import Attempt, AttemptOutcome, Channel, OutboundMessage, Timer
from config.due.operations import schedule, send_later
from config.due.worker import run_due
from config.organisation.models import User

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
seen: list[tuple[datetime.datetime, datetime.datetime, str]] = []


def look(as_of):
    """What a job sees."""
    seen.append((as_of, clock.now(), origin.current()))
    return "looked"


@pytest.fixture(autouse=True)
def unseen(monkeypatch):
    """The job is the product's for the length of a test only."""
    seen.clear()
    monkeypatch.setattr(jobs, "_jobs", dict(jobs._jobs))
    jobs.job("test_look", every="minutes", minutes=5)(look)


def test_runs_as_of_a_time_and_as_a_job():
    assert jobs.run("test_look", NOON) == "looked"
    assert seen == [(NOON, NOON, origin.Origin.JOB)]


@pytest.mark.parametrize(
    "text", ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-01T12:00"]
)
def test_reads_a_time_with_or_without_zone(capsys, text):
    call_command("run_job", "test_look", "--as-of", text, "--json")

    assert seen[0][0] == NOON
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"job": "test_look", "as_of": NOON.isoformat(), "result": "looked"}


def test_lists_the_names_when_there_is_no_such_job():
    with pytest.raises(CommandError, match="purge_due_rows") as caught:
        call_command("run_job", "test_none")

    assert caught.value.returncode == 2


def test_gives_every_job_one_schedule_and_forgets_jobs_that_are_gone():
    Schedule.objects.create(func=jobs.FUNCTION, name="test_gone")
    foreign = Schedule.objects.create(func="somebody.elses", name="foreign")
    jobs.sync_schedules()
    moved = Schedule.objects.get(name="test_look")
    Schedule.objects.filter(pk=moved.pk).update(next_run=NOON)

    jobs.sync_schedules()

    ours = Schedule.objects.filter(func=jobs.FUNCTION)
    assert sorted(ours.values_list("name", flat=True)) == [each.name for each in jobs.jobs()]
    moved.refresh_from_db()
    assert (moved.next_run, moved.schedule_type, moved.minutes) == (NOON, Schedule.MINUTES, 5)
    assert Schedule.objects.filter(pk=foreign.pk).exists()


def test_runs_when_the_cluster_calls_it_as_of_the_intended_time():
    assert jobs.run_scheduled("test_look", as_of=NOON.isoformat()) == "looked"
    assert seen[0][0] == NOON


def test_never_runs_as_of_a_time_to_come():
    before = clock.now()
    jobs.run_scheduled("test_look", as_of=(before + datetime.timedelta(days=1)).isoformat())

    assert before <= seen[0][0] <= clock.now()


def test_refuses_two_jobs_of_one_name():
    with pytest.raises(RuntimeError, match="two jobs"):
        jobs.job("test_look", every="daily")(lambda as_of: None)


def test_purges_what_was_done_long_ago():
    root = User.objects.system()
    schedule("test.bump", root, NOON, key="old")
    message = send_later(
        "test.message", root, channel=Channel.MAIL, address="a@example.org", due_at=NOON
    )
    run_due(NOON)
    open_timer = schedule("test.bump", root, NOON, key="open")
    assert Attempt.objects.get(message=message).outcome == AttemptOutcome.SENT

    assert jobs.run("purge_due_rows", NOON + datetime.timedelta(days=29)) == "0 rows"
    assert jobs.run("purge_due_rows", NOON + datetime.timedelta(days=31)) == "1 rows"
    assert list(Timer.objects.filter(key__in=["old", "open"])) == [open_timer]
    assert OutboundMessage.objects.exists()
    jobs.run("purge_due_rows", NOON + datetime.timedelta(days=401))
    assert not OutboundMessage.objects.exists()
