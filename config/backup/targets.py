"""Where a backup is restored to: an empty database, and Django pointed at it for the while."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.contrib.contenttypes.models import ContentType
from django.db import connections

from config import embedded
from config.backup.refusals import Refused, Unavailable
from config.database import direct, parse, runtime_role
from config.embedded.server import RUNTIME

ALIASES = ("default", "owner")


@dataclass(frozen=True, slots=True)
class Target:
    """The address, as an entry of DATABASES, and the role that will run the product there."""

    settings: dict[str, Any]
    runtime: str

    @property
    def name(self) -> str:
        """The address for people, without its password."""
        parts = self.settings
        where = f"{parts['HOST'] or 'the local socket'}{parts['PORT'] and ':' + parts['PORT']}"
        return f"{parts['NAME']} at {where} as {parts['USER']}"


@dataclass(frozen=True, slots=True)
class Roles:
    """Who owns the tables, and who will use them; `missing` are those that the server lacks."""

    owner: str
    runtime: str
    missing: tuple[str, ...]


def at(url: str) -> Target:
    """The database of a URL. Raises `ImproperlyConfigured` where it is none."""
    return Target(parse("--into", url), runtime_role())


def at_embedded() -> Target:
    """The embedded server's database, the server started where it isn't running."""
    try:
        cluster = embedded.ensure()
    except embedded.EmbeddedError as error:
        raise Unavailable(str(error)) from error
    return Target(parse("--embedded", cluster.owner_url), RUNTIME)


@contextmanager
def pointed_at(target: Target) -> Iterator[Roles]:
    """Both aliases speak to the target as the role that owns it; afterwards as before.

    Raises `Refused` where it is not empty or the role may not fill it.
    """
    before = {alias: dict(connections[alias].settings_dict) for alias in ALIASES}
    try:
        _point({**target.settings, "RUNTIME_ROLE": target.runtime})
        roles = _inspect(target)
        _point(_acting(target, roles))
        yield roles
    finally:
        for alias, kept in before.items():
            _replace(alias, kept)


def _inspect(target: Target) -> Roles:
    try:
        with direct("owner") as connection:
            _refuse_full(connection, target)
            return _roles(connection, target)
    except psycopg.OperationalError as error:
        raise Unavailable(f"{target.name} does not answer: {error}".strip()) from error


def _refuse_full(connection: psycopg.Connection[Any], target: Target) -> None:
    row = connection.execute(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"
        r" AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
    ).fetchone()
    if row and row[0]:
        raise Refused(
            f"The database {target.name} is not empty: it has {row[0]} tables and sequences. "
            f"Restore into a new one (CREATE DATABASE ... OWNER ...); nothing was changed."
        )


def _roles(connection: psycopg.Connection[Any], target: Target) -> Roles:
    found = connection.execute(
        "SELECT current_user, pg_get_userbyid(datdba),"
        " pg_has_role(current_user, datdba, 'MEMBER'),"
        " has_schema_privilege(current_user, 'public', 'CREATE')"
        " FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    role, owner, is_member, may_create = found or ("", "", False, False)
    if not is_member and not may_create:
        raise Refused(
            f"{role} may not make tables in {target.name}. Give the address of the database's "
            f"owner, {owner}, or of a superuser."
        )
    wanted = (target.runtime, "watchbill_purge")
    known = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s::name[])", [list(wanted)]
    ).fetchall()
    missing = tuple(name for name in wanted if (name,) not in known)
    chosen = owner if is_member else role
    return Roles(chosen, chosen if target.runtime in missing else target.runtime, missing)


def _acting(target: Target, roles: Roles) -> dict[str, Any]:
    """A superuser, or another member, acts as the owner: what it makes is then the owner's."""
    options = dict(target.settings["OPTIONS"])
    if roles.owner != target.settings["USER"]:
        escaped = roles.owner.replace("\\", "\\\\").replace(" ", "\\ ")
        options["options"] = f"{options.get('options', '')} -c role={escaped}".strip()
    return {**target.settings, "OPTIONS": options, "RUNTIME_ROLE": roles.runtime}


def _point(settings: dict[str, Any]) -> None:
    for alias in ALIASES:
        kept = {**connections[alias].settings_dict, **settings}
        kept.pop("EMBEDDED_ROLE", None)
        _replace(alias, kept)


def _replace(alias: str, settings: dict[str, Any]) -> None:
    connections[alias].close()
    changed = connections[alias].settings_dict
    changed.clear()
    changed.update(settings)
    ContentType.objects.clear_cache()
