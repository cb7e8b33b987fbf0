"""DATABASES for settings: `default` is the runtime role, `owner` the role that migrates."""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from psycopg.conninfo import conninfo_to_dict

from config.embedded.server import DATABASE, OWNER, RUNTIME

SCHEMES = ("postgres://", "postgresql://")
COMMON = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
# Above four, tables are joined in the order written (docs/decisions/0018).
PLANNING = "-c join_collapse_limit=4"
OPTIONS = {"application_name": "watchbill", "connect_timeout": 10, "options": PLANNING}
EXAMPLE = "postgresql://user:password@host:5432/database"


def databases(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """From DATABASE_URL and DATABASE_OWNER_URL; both unset, the embedded server, started on demand.

    Each alias also carries RUNTIME_ROLE, the role whose rights the running product has: what
    migrates grants to it. It equals the owner where only DATABASE_URL is given.
    """
    url = environ.get("DATABASE_URL", "").strip()
    owner_url = environ.get("DATABASE_OWNER_URL", "").strip()
    if not url:
        if owner_url:
            raise ImproperlyConfigured("DATABASE_OWNER_URL needs DATABASE_URL beside it.")
        return {"default": _embedded(RUNTIME), "owner": _embedded(OWNER)}
    runtime = parse("DATABASE_URL", url)
    owner = parse("DATABASE_OWNER_URL", owner_url) if owner_url else parse("DATABASE_URL", url)
    if owner["NAME"] != runtime["NAME"]:
        raise ImproperlyConfigured(
            f"DATABASE_URL names the database {runtime['NAME']}, DATABASE_OWNER_URL "
            f"{owner['NAME']}: they are two roles of one database."
        )
    return {
        alias: {**each, "RUNTIME_ROLE": runtime["USER"]}
        for alias, each in (("default", runtime), ("owner", owner))
    }


def parse(variable: str, url: str) -> dict[str, Any]:
    """One alias from a URL, read by libpq itself: escapes, sockets and parameters included."""
    if not url.startswith(SCHEMES):
        raise ImproperlyConfigured(f"{variable} must begin with postgresql://, like {EXAMPLE}.")
    try:
        parts: dict[str, Any] = dict(conninfo_to_dict(url))
    except psycopg.ProgrammingError as error:
        reason = str(error).replace(url, "the URL").strip()  # never print a password
        raise ImproperlyConfigured(
            f"{variable} is not a PostgreSQL URL: {reason}. {_hint()}"
        ) from None
    port, own = parts.pop("port", ""), parts.pop("options", "")
    if not all(each.isdigit() for each in port.split(",") if each):
        raise ImproperlyConfigured(f"{variable} has a port that is not a number. {_hint()}")
    if not parts.get("dbname"):
        raise ImproperlyConfigured(f"{variable} names no database. {_hint()}")
    if not parts.get("user"):
        raise ImproperlyConfigured(f"{variable} names no user. {_hint()}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user"),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": port,
        **COMMON,
        "OPTIONS": {**OPTIONS, **parts, "options": f"{PLANNING} {own}".strip()},
    }


def direct(alias: str = "default", **changes: Any) -> psycopg.Connection[Any]:
    """A connection outside Django's, for LISTEN and for what must not share a transaction."""
    params = connections[alias].get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        params.pop(name, None)
    return psycopg.connect(**{**params, "autocommit": True, **changes})


def runtime_role() -> str:
    """The name of the role that the running product has, in tests and migrations too."""
    return str(connections["default"].settings_dict["RUNTIME_ROLE"])


def _embedded(role: str) -> dict[str, Any]:
    return {
        "ENGINE": "config.embedded",
        "EMBEDDED_ROLE": role,
        "RUNTIME_ROLE": RUNTIME,
        "NAME": DATABASE,
        "USER": role,
        **COMMON,
        "OPTIONS": dict(OPTIONS),
    }


def _hint() -> str:
    return f"Write {EXAMPLE}, with / @ : ? # % in the password percent-encoded (%2F %40 ...)."
