"""What `manage.py doctor` looks at. A room adds its own with `@check("name")`."""

import ipaddress
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from config import clock, embedded
from config.database import direct

LEAST_FREE_BYTES = 500 * 1024 * 1024
MOST_SKEW_SECONDS = 2.0
OLDEST_POSTGRESQL = 15


@dataclass(frozen=True, slots=True)
class Result:
    """`ok` is None where it could not be checked; a remedy says what to do, where something is."""

    ok: bool | None
    detail: str
    remedy: str = ""


type Check = Callable[[], Result]
_checks: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under a name; a second one under the same name is a mistake."""

    def register(function: Check) -> Check:
        if name in _checks and _checks[name] is not function:
            raise ValueError(f"doctor has a check named {name} already")
        _checks[name] = function
        return function

    return register


def registered() -> list[tuple[str, Check]]:
    """All checks in their order, for the reference."""
    return list(_checks.items())


def examine() -> Iterator[tuple[str, Result]]:
    """Run every check; one that raises has not been able to tell."""
    for name, function in _checks.items():
        try:
            yield name, function()
        except Exception as error:  # whatever this one met, the next must run
            yield name, Result(None, f"{type(error).__name__}: {error}".strip())


@check("python")
def python() -> Result:
    """The interpreter is one that we test on."""
    version = sys.version.split()[0]
    supported = (3, 12) <= sys.version_info[:2] <= (3, 14)
    return Result(
        supported, f"{version} at {sys.executable}", "" if supported else "Use 3.12 to 3.14."
    )


@check("database")
def database() -> Result:
    """It answers, and the product is not its superuser: rights would protect nothing."""
    with direct() as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), current_user, rolsuper"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    version, role, is_superuser = row or ("?", "?", False)
    where = "DATABASE_URL" if os.environ.get("DATABASE_URL") else _embedded_place()
    remedy = "Give DATABASE_URL a role that is no superuser." if is_superuser else ""
    return Result(not is_superuser, f"PostgreSQL {version} as {role}, {where}", remedy)


@check("postgresql")
def postgresql() -> Result:
    """The server is one that we test on, or later."""
    with direct() as connection:
        version = connection.info.server_version // 10000
    if version >= OLDEST_POSTGRESQL:
        return Result(True, f"version {version}")
    remedy = f"Upgrade the server to PostgreSQL {OLDEST_POSTGRESQL} or later."
    return Result(False, f"version {version} is too old", remedy)


@check("migrations")
def migrations() -> Result:
    """The tables are those of this code."""
    executor = MigrationExecutor(connections["default"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    waiting = ", ".join(f"{step.app_label}.{step.name}" for step, _ in plan[:3])
    if not plan:
        return Result(True, "all applied")
    return Result(False, f"{len(plan)} not applied: {waiting}", "Run: manage.py migrate")


@check("clock")
def clock_skew() -> Result:
    """Due times are judged by the database's clock, people see this machine's."""
    with direct() as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    skew = abs((clock.now() - row[0]).total_seconds()) if row else 0.0
    good = skew <= MOST_SKEW_SECONDS
    remedy = "" if good else "Synchronise both machines' clocks (NTP)."
    return Result(good, f"{skew:.1f} s between this machine and the database", remedy)


@check("disk")
def disk() -> Result:
    """Room for exports, keys, checkpoints and, where it is embedded, the database."""
    places = {
        Path(settings.VAR): "WATCHBILL_VAR",
        Path(settings.CHECKPOINT_DIR): "WATCHBILL_CHECKPOINT_DIR",
    }
    cluster = None if os.environ.get("DATABASE_URL") else embedded.find()
    if cluster:
        places[cluster.pgdata] = "WATCHBILL_PGDATA"
    free, folder = min((_free(place), place) for place in places)
    good = free >= LEAST_FREE_BYTES
    remedy = "" if good else f"Free some space, or move {places[folder]}."
    return Result(good, f"{free // 1024**2} MiB free at {folder}", remedy)


def existing(place: Path) -> Path:
    """The place itself, or the nearest folder above it that is there."""
    return next(path for path in (place.absolute(), *place.absolute().parents) if path.exists())


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _free(folder: Path) -> int:
    return shutil.disk_usage(existing(folder)).free


def _embedded_place() -> str:
    cluster = embedded.ensure()
    return f"embedded in {cluster.pgdata} (process {cluster.pid})"
