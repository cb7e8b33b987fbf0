"""The embedded server, on data folders of its own."""

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from config import embedded
from config.embedded import place
from config.embedded.place import CHECKOUT, TESTS, Home, homes
from tests.harness import databases

ENSURE = """
import sys; from pathlib import Path; from config import embedded
print(embedded.ensure([embedded.Home(Path(sys.argv[1]))]).pid)
"""


@pytest.fixture
def home():
    with databases.own_home() as made:
        yield made


def ensure_elsewhere(home):
    return subprocess.Popen(
        [sys.executable, "-c", ENSURE, str(home.path)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def running_pid(home):
    found = embedded.find([home])
    return found and found.pid


def role_and_version(url):
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT current_user, current_setting('server_version_num')::int / 10000"
        ).fetchone()


def test_makes_and_starts_a_server_from_nothing(home):
    cluster = embedded.ensure([home])

    assert role_and_version(cluster.runtime_url) == ("watchbill", 18)
    assert role_and_version(cluster.owner_url) == ("watchbill_owner", 18)
    assert role_and_version(cluster.superuser_url) == ("postgres", 18)


def test_gives_the_runtime_role_no_definitions(home):
    cluster = embedded.ensure([home])

    with (
        psycopg.connect(cluster.runtime_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE mine (id int)")


def test_lets_the_owner_act_as_the_runtime_and_purge_roles(home):
    cluster = embedded.ensure([home])

    with psycopg.connect(cluster.owner_url) as connection:
        for role in ("watchbill", "watchbill_purge"):
            connection.execute(f"SET ROLE {role}")


def test_demands_a_password_of_every_local_user(home):
    cluster = embedded.ensure([home])

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(cluster.superuser_url.replace(cluster.passwords["postgres"], "wrong"))

    assert home.passwords.stat().st_mode & 0o777 == 0o600
    assert home.data.stat().st_mode & 0o777 == 0o700


def test_finds_a_running_server_within_milliseconds(home):
    first = embedded.ensure([home])

    times = []
    for _ in range(20):
        began = time.perf_counter()
        assert embedded.ensure([home]).pid == first.pid
        times.append(time.perf_counter() - began)

    assert min(times) < 0.02  # the fastest: others may be using the machine


def test_starts_one_server_when_eight_processes_race(home):
    racers = [ensure_elsewhere(home) for _ in range(8)]
    outputs = [racer.communicate(timeout=60) for racer in racers]

    assert [racer.returncode for racer in racers] == [0] * 8, outputs
    assert {int(out) for out, _ in outputs} == {embedded.ensure([home]).pid}


def test_starts_again_after_the_server_was_killed(home):
    killed = embedded.ensure([home])
    os.kill(killed.pid, signal.SIGKILL)

    again = embedded.ensure([home])

    assert again.pid != killed.pid
    assert role_and_version(again.runtime_url) == ("watchbill", 18)


def test_does_not_mistake_a_recycled_pid_for_its_server(home):
    embedded.ensure([home])
    embedded.stop([home])
    stale = f"{os.getpid()}\n{home.data}\n1\n5432\n{home.sockets}\n\n1 1\nready\n"
    (home.data / "postmaster.pid").write_text(stale)
    (home.sockets / ".s.PGSQL.5432.lock").write_text(stale)

    assert role_and_version(embedded.ensure([home]).runtime_url) == ("watchbill", 18)


def test_recovers_from_an_initialisation_that_was_killed(home):
    home.path.mkdir(parents=True)
    (home.path / "18.new").mkdir()
    (home.path / "18.new" / "PG_VERSION").write_text("18\n")

    assert role_and_version(embedded.ensure([home]).runtime_url) == ("watchbill", 18)


def test_outlives_the_process_group_of_its_starter(home):
    starter = subprocess.Popen(
        [sys.executable, "-c", ENSURE + "import time; time.sleep(60)", str(home.path)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()

    assert running_pid(home) == pid


def test_keeps_two_data_folders_apart(home):
    other = Home(home.path.parent / "other")

    first, second = embedded.ensure([home]), embedded.ensure([other])
    stopped = embedded.stop([other])

    assert first.pid != second.pid
    assert first.passwords != second.passwords
    assert stopped is True
    assert running_pid(home) == first.pid


def test_serves_a_folder_whose_path_is_too_long_for_a_socket(home):
    deep = Home(home.path / ("x" * 60) / ("y" * 60))

    cluster = embedded.ensure([deep])

    assert role_and_version(cluster.runtime_url) == ("watchbill", 18)
    embedded.stop([deep])
    deep.sockets.rmdir()


def test_stops_and_says_whether_it_ran(home):
    embedded.ensure([home])

    assert [embedded.stop([home]), embedded.stop([home])] == [True, False]
    assert embedded.find([home]) is None


def test_changes_no_folder_above_its_own(home):
    home.path.parent.chmod(0o711)

    embedded.ensure([home])

    assert home.path.parent.stat().st_mode & 0o777 == 0o711


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_says_what_to_do_where_its_user_cannot_reach(home):
    home.path.mkdir(parents=True)
    home.path.parent.chmod(0o700)

    with pytest.raises(embedded.EmbeddedError, match="WATCHBILL_PGDATA"):
        embedded.ensure([home])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_moves_to_the_next_place_where_its_user_cannot_reach(home):
    closed = home.path.parent / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)

    assert embedded.ensure([Home(closed / "pg"), home]).home == home


def test_says_what_to_do_when_the_passwords_are_gone(home):
    embedded.ensure([home])
    embedded.stop([home])
    home.passwords.unlink()

    with pytest.raises(embedded.EmbeddedError, match="begin anew"):
        embedded.ensure([home])


def test_obeys_the_environment_about_its_place(tmp_path):
    chosen = homes({"WATCHBILL_PGDATA": str(tmp_path)})
    for_tests = homes({"WATCHBILL_PGDATA": str(tmp_path)}, TESTS)

    assert [each.path for each in chosen] == [tmp_path]
    assert [each.path for each in for_tests] == [tmp_path / "pg-test"]
    assert homes({})[0].path == CHECKOUT / "var" / "pg"
    assert CHECKOUT.name in homes({})[1].path.parent.name


def test_keeps_the_server_of_tests_in_memory_where_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "MEMORY", tmp_path)
    monkeypatch.setattr(place, "ROOM", 1)
    with_room = homes({}, TESTS)
    monkeypatch.setattr(place, "ROOM", 2**80)
    without = homes({}, TESTS)
    monkeypatch.setattr(place, "MEMORY", tmp_path / "nowhere")

    assert with_room[0].path.parent.parent == tmp_path
    assert [each.path for each in without] == [each.path for each in with_room[1:]]
    assert homes({}, TESTS) == without
    assert homes({})[0].path == CHECKOUT / "var" / "pg"
