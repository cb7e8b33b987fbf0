"""PostgreSQL's pg_dump and pg_restore: which ones to use, and running them."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from config.backup.refusals import Unavailable
from config.embedded import EmbeddedError
from config.embedded.place import INSTALLS, shipped

TICK = 0.2
LONGEST_COMPLAINT = 2000
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")

type Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with pg_dump and pg_restore of one major version."""

    folder: Path
    major: int

    def run(self, name: str, *arguments: str, alias: str, tick: Tick) -> None:
        """Run one of them against the alias; `tick` is called while it works."""
        conninfo, password = _address(alias)
        environment = {**os.environ, "LC_ALL": "C"}
        if password:  # by the environment: anybody may read a process's arguments
            environment["PGPASSWORD"] = password
        command = [str(self.folder / name), *arguments, "--no-password", f"--dbname={conninfo}"]
        with tempfile.TemporaryFile("w+") as words:
            status = _wait(command, environment, words.fileno(), tick)
            if status != 0:
                words.seek(0)
                complaint = words.read()[-LONGEST_COMPLAINT:].strip()
                raise Unavailable(f"{name} ended with status {status}: {complaint or 'no words'}")


def choose(connection: Connection[Any], least: int = 0) -> Programs:
    """The oldest ones that are no older than the server and `least`, the comes-along ones first.

    Those of the wheel can't encrypt, so a connection that does needs others.
    """
    needed = max(connection.info.server_version // 10000, least)
    encrypted = bool(connection.pgconn.ssl_in_use)
    found = [*([] if encrypted else _own()), *_on_path()]
    fitting = [each for each in found if each.major >= needed]
    if fitting:
        return min(fitting, key=lambda each: each.major)
    known = ", ".join(str(each.major) for each in found) or "none"
    raise Unavailable(
        f"This needs pg_dump and pg_restore of PostgreSQL {needed} or later"
        f"{' with TLS' if encrypted else ''}; found: {known}. Install the client programs of "
        f"PostgreSQL {needed} (Debian: postgresql-client-{needed}) and put them on PATH."
    )


def _own() -> Iterator[Programs]:
    for major in sorted(INSTALLS):
        try:
            folder = shipped(major)
        except EmbeddedError:
            return
        if (folder / "pg_dump").exists():
            yield Programs(folder, major)


def _on_path() -> Iterator[Programs]:
    path = shutil.which("pg_dump")
    if path is None or shutil.which("pg_restore", path=str(Path(path).parent)) is None:
        return
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    if match := _VERSION.search(said):
        yield Programs(Path(path).parent, int(match[1]))


def _address(alias: str) -> tuple[str, str]:
    """The connection string without its password, and the password."""
    params = connections[alias].get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        params.pop(name, None)
    password = str(params.pop("password", "") or "")
    return make_conninfo(**params), password


def _wait(command: list[str], environment: dict[str, str], stderr: int, tick: Tick) -> int:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env=environment,
    )
    try:
        while True:
            try:
                return process.wait(timeout=TICK)
            except subprocess.TimeoutExpired:
                tick()
    except BaseException:  # interrupted: nothing goes on behind our back
        process.kill()
        process.wait()
        raise
