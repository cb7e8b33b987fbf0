"""A migrated template database per state of the migrations, and clones of it in 0.1 s.

The template outlives the run, and any number of processes share it: it is built once, under an
advisory lock, by the owner role through real migrations, so that triggers and grants are real.
"""

import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from config import embedded
from config.database import parse
from config.embedded.place import MEMORY, TESTS, homes, in_memory

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("*/migrations/*.py", "config/audit/**/*.sql", "config/audit/**/*.py")
# Besides migrations, what installs SQL of its own.
FILES = (
    *(".ci/requirements.lock", "config/due/listening.py"),
    *("config/governance/triggers.py", "incidents/alerts/models.py"),
)
KEPT_TEMPLATES = 6
LOCK = 7_235_001
# No crash safety: a test server that loses power is rebuilt.
FLAGS = [
    *("-c fsync=off", "-c synchronous_commit=off", "-c full_page_writes=off"),
    *("-c wal_level=minimal", "-c max_wal_senders=0", "-c autovacuum_naptime=1h"),
    *("-c min_wal_size=32MB", "-c max_wal_size=256MB"),
]
# File by file: written ahead block by block, it would take twice as long.
COPY = sql.SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Server:
    """Where tests make databases: the checkout's embedded test server, or DATABASE_URL's."""

    owner: dict[str, Any]
    runtime: dict[str, Any]
    superuser: dict[str, Any] | None

    def connect(self, alias: dict[str, Any], database: str = "") -> psycopg.Connection[Any]:
        return psycopg.connect(url(alias, database or alias["NAME"]), autocommit=True)


@dataclass(frozen=True, slots=True)
class Clone:
    """One database of a test, with addresses for processes and connections of its own."""

    name: str

    @property
    def runtime_url(self) -> str:
        return url(server().runtime, self.name)

    @property
    def owner_url(self) -> str:
        return url(server().owner, self.name)

    @property
    def superuser_url(self) -> str | None:
        superuser = server().superuser
        return url(superuser, self.name) if superuser else None


@cache
def server() -> Server:
    """DATABASE_URL's where set (its owner needs CREATEDB and membership in the runtime role)."""
    if runtime_url := os.environ.get("DATABASE_URL"):
        owner_url = os.environ.get("DATABASE_OWNER_URL") or runtime_url
        superuser_url = os.environ.get("WATCHBILL_TEST_SUPERUSER_URL")
        superuser = parse("WATCHBILL_TEST_SUPERUSER_URL", superuser_url) if superuser_url else None
        return Server(parse("owner", owner_url), parse("runtime", runtime_url), superuser)
    major = int(os.environ.get("WATCHBILL_TEST_PG", "18"))
    # Benchmarks name a server of their own, which is as safe as in production.
    name = os.environ.get("WATCHBILL_TEST_SERVER", TESTS)
    flags = FLAGS if name == TESTS else []
    cluster = embedded.ensure(homes(os.environ, name, major), flags=flags)
    owner, runtime, superuser = (
        parse("embedded", each)
        for each in (cluster.owner_url, cluster.runtime_url, cluster.superuser_url)
    )
    return Server(owner, runtime, superuser)


def url(alias: dict[str, Any], database: str) -> str:
    """A libpq URL out of one entry of DATABASES."""
    query = {"host": alias["HOST"], "port": alias["PORT"], **alias["OPTIONS"]}
    who = f"{quote(alias['USER'])}:{quote(alias['PASSWORD'], safe='')}"
    said = urlencode({name: value for name, value in query.items() if value}, quote_via=quote)
    return f"postgresql://{who}@/{database}?{said}"


@contextmanager
def own_home() -> Iterator[embedded.Home]:
    """Where a test may have a server of its own, which is stopped in the end."""
    # pytest closes its temporary folders to all but us, and root's server is another user.
    base = Path(tempfile.mkdtemp(prefix="wb-", dir=MEMORY if in_memory() else None))
    base.chmod(0o755)
    home = embedded.Home(base / "pg")
    try:
        yield home
    finally:
        embedded.stop([home])
        shutil.rmtree(base)


def make_clone(of: Clone | None = None) -> Clone:
    """A new database with all tables, triggers and grants, and no rows but those of migrations.

    Or a copy of one to which nobody is connected.
    """
    template = of.name if of else _template()
    clone = Clone(f"wb_test_{os.getpid()}_{next(_numbers)}")
    with server().connect(server().owner) as connection:
        connection.execute(
            COPY.format(name=sql.Identifier(clone.name), template=sql.Identifier(template))
        )
    return clone


def drop_clone(clone: Clone) -> None:
    """Drop it, ending the connections that a test's threads or processes left open."""
    _drop(clone.name)


@contextmanager
def pointed_at(clone: Clone) -> Iterator[None]:
    """Both aliases, in every thread, speak to the clone, afterwards to what they spoke to."""
    before = {alias: dict(connections[alias].settings_dict) for alias in ("default", "owner")}
    point(clone.name)
    try:
        yield
    finally:
        for alias, kept in before.items():
            connections[alias].close()
            _replace(connections[alias].settings_dict, kept)
        ContentType.objects.clear_cache()


def current() -> Clone:
    """The database that the aliases are pointed at."""
    return Clone(connections["default"].settings_dict["NAME"])


def point(database: str) -> None:
    """`default` logs in as the owner but acts as the runtime role, so a test can step out of it."""
    owner, runtime = server().owner, server().runtime
    for alias in ("default", "owner"):
        options = dict(owner["OPTIONS"])
        if alias == "default" and owner["USER"] != runtime["USER"]:
            options["options"] += f" -c role={runtime['USER']}"
        connections[alias].close()
        changed = connections[alias].settings_dict
        changed.pop("EMBEDDED_ROLE", None)
        changed |= {**owner, "NAME": database, "OPTIONS": options, "RUNTIME_ROLE": runtime["USER"]}
    ContentType.objects.clear_cache()


def drop_leftovers() -> None:
    """Remove clones of killed test processes; only where pids are of this machine."""
    if os.environ.get("DATABASE_URL"):
        return
    with server().connect(server().owner) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE datname ~ '^wb_test_[0-9]+_'"
        )
        names = [name for (name,) in rows]
    for name in names:
        if not Path(f"/proc/{name.split('_')[2]}").exists():
            _drop(name)


@cache
def _template() -> str:
    """The template for the migrations as they are on disk, built where it is missing."""
    name = f"wb_template_{digest()}"
    with server().connect(server().owner) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        if not _exists(connection, name):
            _build(connection, name)
            _drop_old_templates(connection)
    return name


@cache
def digest() -> str:
    """Of all that says what tables, triggers and grants there are."""
    paths = {
        path for pattern in PATTERNS for path in ROOT.glob(pattern) if ".venv" not in path.parts
    }
    paths |= {ROOT / file for file in FILES}
    basis = [server().runtime["USER"], settings.AUTH_USER_MODEL, *settings.INSTALLED_APPS]
    found = hashlib.sha256("\0".join(basis).encode())
    for path in sorted(paths):
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _build(connection: psycopg.Connection[Any], name: str) -> None:
    building = f"{name}_building"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(building)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
    with pointed_at(Clone(building)):
        call_command("migrate", database="owner", interactive=False, verbosity=0)
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(building), sql.Identifier(name)
        )
    )


def _drop_old_templates(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute(
        "SELECT datname FROM pg_database WHERE datname ~ '^wb_template_'"
        " ORDER BY oid DESC OFFSET %s",
        [KEPT_TEMPLATES],
    )
    for (name,) in rows.fetchall():
        _drop(name)


def _exists(connection: psycopg.Connection[Any], name: str) -> bool:
    return bool(
        connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    )


def _drop(name: str) -> None:
    """As superuser where there is one: the owner may not end a superuser's connection."""
    who = server().superuser or server().owner
    with server().connect(who) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _replace(target: dict[str, Any], source: dict[str, Any]) -> None:
    target.clear()
    target.update(source)
