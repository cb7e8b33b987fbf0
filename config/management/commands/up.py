"""`manage.py up [--demo] [--port N]`: everything that one machine needs, in one terminal."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import demo_file, embedded
from config.console import Console
from config.due import installation
from config.organisation.models import User
from config.supervisor import Program, StartRefused, Supervisor, listen, only_one

MANAGE = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
DATABASE_EVERY = 2.0
READY_EVERY = 0.25


class Command(BaseCommand):
    """Prepares the database, then runs web, worker and background jobs until stopped."""

    help = "Start Watchbill: database, web, worker and background jobs. Stop it with Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="with demo data and a mail sink")
        parser.add_argument("--port", type=int, help="else PORT, else the first free from 8000")
        parser.add_argument(
            "--prepare-only", action="store_true", help="migrate, seed and collect files, then end"
        )

    def handle(self, *args: Any, demo: bool, port: int | None, **options: Any) -> None:
        if options["prepare_only"]:
            prepare(demo=demo)
            return
        try:
            lock = only_one(settings.VAR / "up.lock")
            listener = listen(wanted_port(port))
        except StartRefused as refusal:
            raise CommandError(str(refusal), returncode=1) from refusal
        Installation(listener, lock, demo=demo).run()


def wanted_port(option: int | None) -> int | None:
    """The port that the person insists on, if any."""
    if option is not None or not (given := os.environ.get("PORT", "").strip()):
        return option
    if not given.isdigit():
        raise StartRefused(f"PORT is '{given}': give it a number, or leave it unset.")
    return int(given)


def prepare(*, demo: bool) -> None:
    """Bring database and static files to the state of the code; safe to repeat."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("seed", **({"demo": True} if demo else {}))
    if demo:
        # Everything goes to the local mail sink: a demonstration that slept wakes up unpaused.
        installation.resume(actor=User.objects.system(), reason="Start of the demonstration")
    call_command("collectstatic", interactive=False, verbosity=0)


class Installation:
    """One running installation: its addresses, its processes and the file that describes them."""

    def __init__(self, listener: socket.socket, lock: int, *, demo: bool) -> None:
        self.demo = demo
        self.listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.var = Path(settings.VAR)
        self.file = self.var / "demo.json"
        self.console = Console()
        self.environment = self._environment()
        self.supervisor = Supervisor(self._programs(), self.console, lock)
        self.postgres: int | None = None
        self._addresses: dict[str, str | None] = {}
        self._announced: dict[str, int | None] = {}
        self._watch_database = _every(DATABASE_EVERY, self._ensure_database)
        self._watch_readiness = _every(READY_EVERY, self._announce_when_ready)

    def run(self) -> None:
        """Prepare in a process that already knows port and mail sink, then supervise."""
        self.file.unlink(missing_ok=True)
        self._ensure_database()
        self._prepare()
        self.supervisor.removes(self.file)
        self.supervisor.run(self._tick)
        self._stop_database()
        self.console.close()

    def _prepare(self) -> None:
        self.console.say("Preparing database, reference data and static files ...")
        words = ["up", "--prepare-only", *(["--demo"] if self.demo else [])]
        environment = {**os.environ, **self.environment}
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)  # ends the child below with us
        try:
            done = subprocess.run([*MANAGE, *words], env=environment, check=False)
        except KeyboardInterrupt:
            self._stop_database()
            raise CommandError("Stopped while preparing.", returncode=1) from None
        if done.returncode:
            raise CommandError("Preparing failed; the reason stands above.", returncode=1)

    def _environment(self) -> dict[str, str]:
        environment = {"PORT": self.url.rsplit(":", 1)[1]}
        if self.demo and not os.environ.get("WATCHBILL_SMTP_URL"):
            environment["WATCHBILL_SMTP_URL"] = f"smtp://127.0.0.1:{_free_port()}"
        return environment

    def _programs(self) -> list[Program]:
        descriptor = self.listener.fileno()
        web = [sys.executable, "-m", "config.web", "--fd", str(descriptor)]
        programs = [
            Program("web", web, {**self.environment, "PYTHONPATH": _python_path()}, (descriptor,)),
            Program("worker", [*MANAGE, "worker"], self.environment),
            Program("qcluster", [*MANAGE, "qcluster"], self.environment),
        ]
        if sink := self.environment.get("WATCHBILL_SMTP_URL"):
            port, folder = sink.rsplit(":", 1)[1], str(self.var / "mail")
            programs.append(
                Program("mail", [*MANAGE, "smtp_sink", "--port", port, "--dir", folder])
            )
        return programs

    def _tick(self) -> None:
        self._watch_database()
        if not self._announced:
            self._watch_readiness()
        elif self._announced != self._pids():
            self._write()

    def _ensure_database(self) -> None:
        """The embedded server is restarted like any other process; another one is not ours."""
        if url := os.environ.get("DATABASE_URL"):
            self._addresses = {"database_url": url, "superuser_url": None}
            return
        try:
            cluster = embedded.ensure()
        except embedded.EmbeddedError as error:
            if not self._announced:
                raise CommandError(str(error), returncode=1) from error
            self.console.say(str(error), "postgres")
            return
        self.postgres = cluster.pid
        self._addresses = {
            "database_url": cluster.runtime_url,
            "superuser_url": cluster.superuser_url,
        }

    def _announce_when_ready(self) -> None:
        if not _answers_200(self.listener.getsockname()[1], "/readyz"):
            return
        self._write()
        self.console.say(f"\nWatchbill is running at {self.url}  (stop it with Ctrl-C)")
        for role, login in (
            demo_file.read_seed(self.var / "demo-seed.json").get("logins", {}).items()
        ):
            if self.demo and "password" in login:
                self.console.say(f"  {role:<11} {login['username']:<24} {login['password']}")

    def _write(self) -> None:
        self._announced = self._pids()
        if self.demo:
            self._write_demo_file()

    def _write_demo_file(self) -> None:
        public = demo_file.write_public_key(settings.SIGNING_KEY, self.var / "public_key.pem")
        content = demo_file.compose(
            demo_file.read_seed(self.var / "demo-seed.json"),
            url=self.url,
            pids=self._announced,
            addresses={**self._addresses, "public_key": str(public) if public else None},
        )
        demo_file.write_whole(self.file, content)

    def _pids(self) -> dict[str, int | None]:
        running = self.supervisor.pids
        names = ("web", "worker", "qcluster")
        return {**{name: running.get(name) for name in names}, "postgres": self.postgres}

    def _stop_database(self) -> None:
        """Leave nothing behind, unless somebody else (a shell, a test) is using the server."""
        if os.environ.get("DATABASE_URL") or not (cluster := embedded.find()):
            return
        with psycopg.connect(cluster.superuser_url, autocommit=True) as connection:
            others = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
        if others == (0,):
            embedded.stop()
        else:
            self.console.say("The database stays up for its other users: manage.py pg stop")


def _every(seconds: float, action: Callable[[], None]) -> Callable[[], None]:
    """The action, but not more often than that."""
    last = 0.0

    def run() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            action()

    return run


def _answers_200(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _python_path() -> str:
    """`python -m config.web` must find the product whatever folder `up` was started from."""
    return os.pathsep.join(filter(None, (str(settings.BASE_DIR), os.environ.get("PYTHONPATH"))))
