"""The system account that a server started by root runs as: PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEM_USER = "watchbill"
ATTEMPTS = 20  # of useradd, which refuses while another process holds the lock of /etc/passwd


class EmbeddedError(RuntimeError):
    """The embedded server can't be started here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose process the server is. `switch` is true when root has to become this account first."""

    uid: int
    gid: int
    switch: bool

    def run(self, *command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as this account, apart from the caller's terminal."""
        arguments: dict[str, Any] = {
            "cwd": "/",
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,
            "umask": 0o077,
            "env": _environment(),
            "text": True,
            "check": False,
        }
        if self.switch:
            arguments |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        if "stdout" not in options:
            arguments["capture_output"] = True
        words: Sequence[str] = [str(part) for part in command]
        return subprocess.run(words, **(arguments | options))

    def reaches(self, folder: Path) -> bool:
        """Whether this account can enter the folder (root's home, for one, is closed to others)."""
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder).returncode == 0

    def runs(self, program: Path) -> bool:
        """Whether this account can read and start the program and the libraries it needs."""
        try:
            return self.run(program, "--version").returncode == 0
        except OSError:
            return False

    def own(self, folder: Path) -> None:
        """Give a folder that we made to this account."""
        if self.switch:
            os.chown(folder, self.uid, self.gid)


def account_for(data: Path) -> Account:
    """Ourselves, or, as root, the owner of existing data, else the system user of the product."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, switch=True)
    entry = _system_user()
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def _system_user() -> pwd.struct_passwd:
    for _ in range(ATTEMPTS):
        try:
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            complaint = _add_system_user()
        time.sleep(0.1)
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made "
        f"({complaint}). Add it (useradd --system {SYSTEM_USER}), start as an ordinary user, "
        f"or set DATABASE_URL."
    )


def _add_system_user() -> str:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        return "useradd is not installed"
    made = subprocess.run(
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    return made.stderr.strip()


def _environment() -> dict[str, str]:
    """A short one: the server outlives its starter and must not carry the starter's secrets."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", **kept}
