"""The supervisor: ports, restarts, clean ends. It runs small programs in place of the real ones."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded.place import CHECKOUT
from config.janitor import follow
from config.supervisor import StartRefused, listen, only_one

SUPERVISE = """
import sys; from pathlib import Path
from config import supervisor
from config.console import Console
from config.supervisor import Program, Supervisor, only_one
supervisor.STOP_GRACE = 1
folder = Path(sys.argv[1])
pairs = zip(sys.argv[2::2], sys.argv[3::2])
programs = [Program(name, [sys.executable, "-c", code, str(folder)]) for name, code in pairs]
console = Console()
supervisor = Supervisor(programs, console, only_one(folder / "lock"))
supervisor.removes(folder / "removed")
def tell():
    pids = " ".join(f"{name}={pid}" for name, pid in sorted(supervisor.pids.items()))
    (folder / "new").write_text(pids); (folder / "new").rename(folder / "pids")
supervisor.run(tell)
console.close()
"""
BEGIN = "import os, pathlib, signal, subprocess, sys, time; folder = pathlib.Path(sys.argv[1])\n"
SLEEPER = BEGIN + "print('hello'); (folder / f'up-{os.getpid()}').touch(); time.sleep(60)"
STUBBORN = SLEEPER.replace("print", "signal.signal(signal.SIGTERM, signal.SIG_IGN); print")
FAILING = BEGIN + "(folder / 'tries').open('a').write('x')"
PARENT = (
    BEGIN
    + """
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
(folder / "new-child").write_text(str(child.pid)); (folder / "new-child").rename(folder / "child")
time.sleep(60)
"""
)


class Under:
    """A supervisor in a process of its own, seen from outside."""

    def __init__(self, folder: Path, **programs: str) -> None:
        self.folder = folder
        words = [word for pair in programs.items() for word in pair]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, str(folder), *words],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pid(self, name: str) -> int:
        try:
            pairs = dict(pair.split("=") for pair in (self.folder / "pids").read_text().split())
        except FileNotFoundError:
            return 0
        return int(pairs.get(name, 0))

    def has(self, name: str, count: int = 1) -> bool:
        return len(list(self.folder.glob(name))) == count

    def end(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=20)[0]


@pytest.fixture
def supervise(tmp_path):
    started = []

    def start(**programs: str) -> Under:
        started.append(Under(tmp_path, **programs))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end()


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def test_starts_all_and_names_their_output(supervise, eventually):
    under = supervise(web=SLEEPER, worker=SLEEPER)
    eventually(lambda: under.pid("worker") and under.has("up-*", 2))
    output = under.end()

    assert under.process.returncode == 0
    assert "web      | hello" in output
    assert "worker   | hello" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ends_all_on_a_signal(supervise, eventually, number):
    under = supervise(web=SLEEPER, worker=SLEEPER)
    pids = eventually(lambda: (under.pid("web"), under.pid("worker")) if under.pid("worker") else 0)

    output = under.end(number)

    assert "does not stop" not in output  # they were asked, and none had to be killed
    assert not any(map(alive, pids))


def test_kills_what_ignores_the_end(supervise, eventually):
    under = supervise(web=STUBBORN)
    pid = eventually(lambda: under.has("up-*") and under.pid("web"))
    output = under.end()

    assert "killed" in output
    assert not alive(pid)


def test_starts_again_what_was_killed(supervise, eventually):
    under = supervise(web=SLEEPER, worker=SLEEPER)
    killed, other = eventually(
        lambda: (under.pid("web"), under.pid("worker")) if under.pid("worker") else 0
    )
    os.kill(killed, signal.SIGKILL)

    eventually(lambda: under.pid("web") not in (0, killed))
    assert under.pid("worker") == other


def test_kills_the_orphans_of_what_was_killed(supervise, eventually, tmp_path):
    under = supervise(qcluster=PARENT)
    eventually(lambda: under.has("child") and under.pid("qcluster"))
    orphan = int((tmp_path / "child").read_text())
    os.kill(under.pid("qcluster"), signal.SIGKILL)

    eventually(lambda: not alive(orphan))


def test_waits_longer_between_failures(supervise, eventually, tmp_path):
    under = supervise(web=FAILING)
    eventually(lambda: under.has("tries") and len((tmp_path / "tries").read_text()) == 4)
    output = under.end()

    assert output.count("starting it again") <= 5


def test_leaves_nothing_when_it_is_killed_itself(supervise, eventually, tmp_path):
    (tmp_path / "removed").write_text("x")
    under = supervise(web=SLEEPER, worker=PARENT)
    eventually(lambda: under.has("child") and under.pid("web") and under.pid("worker"))
    pids = [under.pid("web"), under.pid("worker"), int((tmp_path / "child").read_text())]
    under.process.kill()

    eventually(lambda: not any(map(alive, pids)))
    eventually(lambda: not (tmp_path / "removed").exists())


def test_can_be_started_again_at_once_after_it_was_killed(supervise, eventually):
    first = supervise(web=SLEEPER)
    pid = eventually(lambda: first.pid("web"))
    first.process.kill()
    first.process.wait()

    second = supervise(web=SLEEPER)

    eventually(lambda: second.pid("web") not in (0, pid))


def test_refuses_to_run_twice_from_one_folder(supervise, eventually, tmp_path):
    under = supervise(web=SLEEPER)
    eventually(lambda: under.pid("web"))

    with pytest.raises(StartRefused, match=f"process {under.process.pid}"):
        only_one(tmp_path / "lock")


def test_takes_the_wanted_port_or_none():
    with listen(None) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(StartRefused, match=f"Port {port} can't be used"):
            listen(port)


@pytest.mark.parametrize("port", [-1, 70000])
def test_explains_an_impossible_port(port):
    with pytest.raises(StartRefused, match="can't be used"):
        listen(port)


def test_takes_the_next_free_port_where_none_is_wanted():
    with listen(None) as first, listen(None) as second:
        assert 8000 <= first.getsockname()[1] < second.getsockname()[1]


def test_keeps_connections_waiting_while_nobody_serves():
    with listen(None) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        accepted.close()


def test_janitor_forgets_what_has_ended():
    assert follow(["+11\n", "+12\n", "=/tmp/x\n", "-11\n"]) == ({12}, {Path("/tmp/x")})
