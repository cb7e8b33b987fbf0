"""Start, find and stop an embedded server; any number of processes may call at the same time."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import pq, sql

from config.embedded.account import Account, EmbeddedError, account_for
from config.embedded.place import Home, homes, programs, settle

PORT = 5432  # only part of the socket's name: the server listens on no network address
SUPERUSER, OWNER, RUNTIME, PURGE = "postgres", "watchbill_owner", "watchbill", "watchbill_purge"
DATABASE = "watchbill"
PATIENCE = 60.0  # seconds for a start, including crash recovery and the end of orphaned backends
INITDB = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C.UTF-8",
    "--no-sync",
)
INITDB_16 = (*INITDB[:3], "--locale=C", "--no-sync")  # 16 has no built-in provider
SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": 200,
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running embedded server: how to reach it, and as whom."""

    home: Home
    pid: int
    passwords: dict[str, str]

    @property
    def pgdata(self) -> Path:
        return self.home.data

    @property
    def host(self) -> str:
        return str(self.home.sockets)

    @property
    def port(self) -> int:
        return PORT

    @property
    def runtime_url(self) -> str:
        return self.url(RUNTIME)

    @property
    def owner_url(self) -> str:
        return self.url(OWNER)

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER)

    def url(self, role: str, database: str = DATABASE) -> str:
        """A libpq URL for the role, over the socket, with its password."""
        where = urlencode({"host": self.host, "port": PORT})
        return f"postgresql://{role}:{quote(self.passwords[role])}@/{database}?{where}"


def ensure(candidates: Sequence[Home] | None = None, *, flags: Sequence[str] = ()) -> Cluster:
    """The running server of the first usable home, started (and made) where it was not."""
    chosen = list(candidates or homes(os.environ))
    if cluster := find(chosen):
        return cluster
    home, account = settle(chosen)
    with _locked(home):
        if cluster := find([home]):
            return cluster
        passwords = _passwords(home)
        folder = programs(home, account)
        if not home.data.exists():
            _create(home, account, folder, passwords)
        _start(home, account, folder, flags)
        _provision(home, passwords)
        home.marker.touch()
        return _cluster(home)


def find(candidates: Sequence[Home] | None = None) -> Cluster | None:
    """The running server of these homes, if any. Takes 2 ms and no lock."""
    for home in candidates or homes(os.environ):
        try:
            if home.marker.exists() and _answers(home):
                return _cluster(home)
        except PermissionError as error:
            raise EmbeddedError(
                f"The embedded PostgreSQL in {home.path} belongs to another user ({error}). Use "
                f"that user, set WATCHBILL_PGDATA to a folder of your own, or set DATABASE_URL."
            ) from error
        except FileNotFoundError:  # stopped, or removed, while we looked
            continue
    return None


def stop(candidates: Sequence[Home] | None = None) -> bool:
    """Stop the server of these homes, whoever uses it; False when none was running."""
    stopped = False
    for home in candidates or homes(os.environ):
        if home.data.exists():
            with _locked(home):
                stopped |= _stop(home)
    return stopped


def _stop(home: Home) -> bool:
    if not _alive(home.data / "postmaster.pid", home):
        return False
    account = account_for(home.data)
    pg_ctl = programs(home, account) / "pg_ctl"
    for mode in ("fast", "immediate"):
        done = account.run(pg_ctl, "-D", home.data, "-m", mode, "-w", "-t", "20", "stop")
        # A killed postmaster that nobody reaps yet answers signals like a living one.
        if done.returncode == 0 or not _alive(home.data / "postmaster.pid", home):
            return True
    raise EmbeddedError(f"The server in {home.data} does not stop: {done.stderr.strip()}")


@contextlib.contextmanager
def _locked(home: Home) -> Iterator[None]:
    with home.lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _answers(home: Home) -> bool:
    conninfo = f"host='{_quoted(home.sockets)}' port={PORT} connect_timeout=5"
    return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace("'", "\\'")


def _cluster(home: Home) -> Cluster:
    passwords = json.loads(home.passwords.read_text())
    pid = int((home.data / "postmaster.pid").read_text().split("\n", 1)[0])
    return Cluster(home, pid, passwords)


def _passwords(home: Home) -> dict[str, str]:
    """Generated once per home. Root's socket folder is open to all: these are the door."""
    if home.passwords.exists():
        kept: dict[str, str] = json.loads(home.passwords.read_text())
        return kept
    if home.data.exists():
        raise EmbeddedError(
            f"{home.passwords} is gone, and the data in {home.data} can't be opened without it. "
            f"Put it back, or remove {home.path} to begin anew."
        )
    made = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER, RUNTIME)}
    scratch = home.passwords.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    scratch.touch(mode=0o600)
    scratch.write_text(json.dumps(made))
    scratch.rename(home.passwords)
    return made


def _create(home: Home, account: Account, folder: Path, passwords: dict[str, str]) -> None:
    """Run initdb beside the final name: killed half-way, it is never taken for a database."""
    fresh = home.path / f"{home.major}.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    account.own(fresh)
    password = home.path / "initdb-password"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(passwords[SUPERUSER])
    account.own(password)
    options = INITDB if home.major > 16 else INITDB_16
    made = account.run(folder / "initdb", "-D", fresh, f"--pwfile={password}", *options)
    password.unlink()
    if made.returncode != 0:
        raise EmbeddedError(f"initdb failed in {home.path}: {made.stderr.strip()}")
    fresh.rename(home.data)


def _start(home: Home, account: Account, folder: Path, flags: Sequence[str]) -> None:
    _make_socket_folder(home, account)
    deadline = time.monotonic() + PATIENCE
    complaint = "it neither answers nor ends"
    while time.monotonic() < deadline:
        if _answers(home):
            return
        if not _alive(home.data / "postmaster.pid", home):
            complaint = _launch(home, account, folder, flags)
            # An orphan of a killed server may hold the shared memory for a moment: safe to wait.
            if complaint and "shared memory block" not in complaint:
                break
        time.sleep(0.1)
    raise EmbeddedError(f"The embedded PostgreSQL in {home.data} does not start: {complaint}")


def _make_socket_folder(home: Home, account: Account) -> None:
    folder = home.sockets
    folder.mkdir(mode=0o755, exist_ok=True)
    owner = folder.lstat().st_uid
    if folder.is_symlink() or owner not in (os.geteuid(), account.uid):
        raise EmbeddedError(
            f"{folder} belongs to uid {owner}: remove it, or move WATCHBILL_PGDATA."
        )
    folder.chmod(0o755 if account.switch else 0o700)
    account.own(folder)


def _launch(home: Home, account: Account, folder: Path, flags: Sequence[str]) -> str:
    """One attempt; an empty text when the server is up, else what its log says."""
    for file in (home.data / "postmaster.pid", home.sockets / f".s.PGSQL.{PORT}.lock"):
        if not _alive(file, home):
            file.unlink(missing_ok=True)
    log = home.data / "server.log"
    before = log.stat().st_size if log.exists() else 0
    options = [f"-c {name}='{value}'" for name, value in SETTINGS.items()]
    options += [f"-c unix_socket_directories='{home.sockets}'", f"-p {PORT}", *flags]
    command = (
        "-w",
        "-t",
        str(int(PATIENCE)),
        "-s",
        "-D",
        home.data,
        "-l",
        log,
        "-o",
        " ".join(options),
    )
    # Pipes would be inherited by the server, and whoever reads them would wait for ever.
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if account.run(folder / "pg_ctl", *command, "start", **quiet).returncode == 0:
        return ""
    return log.read_text(errors="replace")[before:].strip() if log.exists() else "it wrote no log"


def _alive(lock_file: Path, home: Home) -> bool:
    """Whether the process in a lock file is this very server, not dead, zombie or recycled."""
    try:
        pid = int(lock_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return False
    state, command = _process(pid)
    return state not in ("", "Z", "X") and "postgres" in command and str(home.data) in command


def _process(pid: int) -> tuple[str, str]:
    """State letter and command line of a process; empty texts when there is none."""
    proc = Path(f"/proc/{pid}")
    if Path("/proc/self/stat").exists():
        try:
            state = (proc / "stat").read_text().rsplit(")", 1)[1].split()[0]
            command = (proc / "cmdline").read_bytes().replace(b"\0", b" ")
        except (FileNotFoundError, ProcessLookupError):
            return "", ""
        return state, os.fsdecode(command)
    shown = subprocess.run(
        ["/bin/ps", "-o", "stat=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, command_text = shown.stdout.strip().partition(" ")
    return state[:1], command_text


def _provision(home: Home, passwords: dict[str, str]) -> None:
    """Roles as in production (the runtime role owns nothing), and the database. Safe to repeat."""
    cluster = Cluster(home, 0, passwords)
    with psycopg.connect(cluster.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        for role, abilities in ((OWNER, "LOGIN CREATEDB"), (RUNTIME, "LOGIN"), (PURGE, "NOLOGIN")):
            known = connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", [role]
            ).fetchone()
            statement = sql.SQL("{} ROLE {} {}").format(
                sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(role), sql.SQL(abilities)
            )
            if role in passwords:
                statement += sql.SQL(" PASSWORD {}").format(sql.Literal(passwords[role]))
            connection.execute(statement)
        connection.execute(f"GRANT {RUNTIME}, {PURGE} TO {OWNER} WITH SET TRUE")
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
