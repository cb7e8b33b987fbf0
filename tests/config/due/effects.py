"""Effects that tests promise; worker processes of tests register them too."""

import os

from django.db import connection

from config.due.models import Counter, OutboundMessage, Timer
from config.due.operations import Outbound, Send, Skip, outbound, timer
from config.organisation.models import User


def count(key: str) -> int:
    """How often that key was bumped, by any process."""
    return Counter.objects.filter(key=key).values_list("count", flat=True).first() or 0


def bump(key: str) -> None:
    """One more, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Counter._meta.db_table} (key, count, expires_at)"
            " VALUES (%s, 1, now() + interval '1 day')"
            " ON CONFLICT (key) DO UPDATE SET count = config_counter.count + 1",
            [key],
        )


@timer("test.bump", retries=(0, 0, 0, 60))
def bump_it(due: Timer, root: User) -> None:
    bump(due.key)


@timer("test.nap", retries=(0, 0, 0, 60))
def nap_then_bump(due: Timer, root: User) -> None:
    bump(due.key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [due.data["seconds"]])


@timer("test.elapsed", elapsed=True)
def bump_in_time(due: Timer, root: User) -> None:
    bump(due.key)


@timer("test.stamp")
def stamp(due: Timer, root: User) -> None:
    """Keep how many microseconds after its due time it began."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Counter._meta.db_table} (key, count, expires_at) VALUES (%s,"
            " extract(epoch FROM clock_timestamp() - %s) * 1000000, now() + interval '1 day')",
            [due.key, due.due_at],
        )


def died(due: Timer, root: User) -> None:
    bump(f"fallback {due.key}")


@timer("test.fail", retries=(5, 30), died=died)
def fail(due: Timer, root: User) -> None:
    bump(due.key)
    raise RuntimeError("it never works\0")


@timer("test.die", retries=())
def die(due: Timer, root: User) -> None:
    os.abort()


def prepare(message: OutboundMessage) -> Send | Skip:
    if count(f"skip {message.pk}"):
        return Skip("not needed any more")
    return Send(
        subject="Hello",
        text=f"attempt {message.attempts}",
        headers=message.data.get("headers", {}),
        json={"attempt": message.attempts},
    )


def sent(message: OutboundMessage) -> None:
    bump(f"sent {message.pk}")
    if message.data.get("sent_fails", 0) >= message.attempts:
        raise RuntimeError("what follows fails")


def failed(message: OutboundMessage) -> None:
    bump(f"failed {message.pk}")


ORDINARY = Outbound(prepare, sent=sent, failed=failed, retries=(0.0, 0.0, 60.0))
URGENT = Outbound(prepare, sent=sent, failed=failed, retries=(0.0, 0.0, 60.0), urgent=True)
outbound("test.message", ORDINARY)
outbound("test.urgent", URGENT)
