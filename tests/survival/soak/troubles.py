"""What goes wrong, a few seconds each. A trouble ends by leaving everything able to go on."""

import time
from collections.abc import Callable

from tests.survival.fleet import JOBS, LEASE_SECONDS
from tests.survival.havoc import NAMED_POINTS
from tests.survival.soak.installation import SKEWED, VICTIMS, Installation

HOUR = 3600

type Trouble = Callable[[Installation], None]
TROUBLES: list[Trouble] = []


def trouble(function: Trouble) -> Trouble:
    """Have it happen again and again."""
    TROUBLES.append(function)
    return function


@trouble
def kill_some(installation: Installation) -> None:
    """Any of the processes, at any moment."""
    number = installation.chance.randint(1, len(VICTIMS))
    installation.kill(*installation.chance.sample(VICTIMS, number))


@trouble
def kill_at_a_place(installation: Installation) -> None:
    """A worker starts with a place in the code at which it will die."""
    places = NAMED_POINTS["one"] + NAMED_POINTS["two"]
    place = f"{installation.chance.choice(places)}:{installation.chance.randint(1, 5)}"
    installation.faults["one"] = place
    installation.kill("one")
    installation.start_missing()


@trouble
def kill_the_jobs(installation: Installation) -> None:
    """The cluster of django-q, with all its children."""
    installation.kill(JOBS)


@trouble
def crash_the_server(installation: Installation) -> None:
    """The database, sometimes with all that can die."""
    if installation.chance.random() < 0.5:
        installation.kill(*VICTIMS)
    installation.kill_server()


@trouble
def restart_the_server(installation: Installation) -> None:
    """As an administrator does."""
    installation.server.stop()
    installation.fleet.kills += 1  # it may come between an answer and our note of it
    installation.server.start()


@trouble
def cut_connections(installation: Installation) -> None:
    """All of them, as a firewall does that has forgotten."""
    installation.fleet.kills += 1
    with installation.server.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@trouble
def stop_past_the_lease(installation: Installation) -> None:
    """A worker hangs for longer than its leases last, and then goes on."""
    if "one" in installation.fleet.running:
        installation.fleet.kills += 1  # what it had sent and not noted is sent again
        installation.fleet.halt("one")
        time.sleep(LEASE_SECONDS + 1)
        installation.fleet.resume("one")


@trouble
def set_a_clock(installation: Installation) -> None:
    """One machine's clock goes an hour forth or back, or right again."""
    installation.clock.write_text(f"{installation.chance.choice([HOUR, -HOUR, 0]):+}")
    installation.start_missing()
    if SKEWED not in installation.fleet.running:
        raise AssertionError(f"{SKEWED} does not run")


@trouble
def slow_down_the_provider(installation: Installation) -> None:
    """Phones that answer late."""
    installation.phone.pause = 1.5
    time.sleep(6)
    installation.phone.pause = 0.0


@trouble
def refuse_at_the_provider(installation: Installation) -> None:
    """Phones that are busy, a quarter of the time."""
    installation.phone.refused = 0.25
    time.sleep(4)
    installation.phone.refused = 0.0
