"""Databases that a release made with its own code: empty, and filled by its operations.

They are templates on the test server, as those of the present code are, and last for a day: what
a demonstration company does is told from the day on which it was made. Of each there is another
that the present code has migrated; migrating takes longer than most that is tested of it.
"""

import datetime
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from psycopg import sql

from tests.harness import databases
from tests.harness.databases import Clone
from tests.survival.upgrade.old_code import FOLDER, OldCode, alone

BACKUP = "release.backup"
# With what the present code knows of migrating sooner, which makes the same (see its test).
MIGRATE = f"""
import runpy
from django.core.management import execute_from_command_line
with runpy.run_path({str(databases.ROOT / "config" / "migrating.py")!r})["rendering_little"]():
    execute_from_command_line(["manage.py", "migrate", "-v0"])
"""


@dataclass(frozen=True)
class Left:
    """What an installation of the release leaves behind: its database, and its folder."""

    database: Clone
    var: Path

    @property
    def seeded(self) -> dict[str, Any]:
        """Logins, tokens and services that the release's demonstration made."""
        content: dict[str, Any] = json.loads((self.var / "demo-seed.json").read_text())
        return content

    @property
    def backup(self) -> Path:
        """Taken by the release itself."""
        return self.var / BACKUP


def environment(database: Clone, var: Path) -> dict[str, str]:
    """For processes of any version on that database, with keys and checkpoints in `var`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WATCHBILL_")}
    addresses = {"DATABASE_URL": database.runtime_url, "DATABASE_OWNER_URL": database.owner_url}
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings", "WATCHBILL_VAR": str(var)}
    return {**kept, **addresses, **settings}


@contextmanager
def empty_database(code: OldCode, *, migrated: bool = False) -> Iterator[Clone]:
    """The release's tables, without a row; `migrated` by the present code too."""
    made = _made(code)
    with _copy_of(_migrated(code, made.empty) if migrated else made.empty) as clone:
        yield clone


@contextmanager
def filled_installation(code: OldCode, folder: Path, *, migrated: bool = False) -> Iterator[Left]:
    """The release's demonstration company, its keys, checkpoints and a backup, in `folder`."""
    made = _made(code)
    shutil.copytree(made.var, folder, dirs_exist_ok=True)
    with _copy_of(_migrated(code, made.filled) if migrated else made.filled) as clone:
        yield Left(clone, folder)


@dataclass(frozen=True)
class _Templates:
    empty: str
    filled: str
    var: Path


def _made(code: OldCode) -> _Templates:
    """Made once a day, whoever asks first."""
    today = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d")  # noqa: TID251  # a name, no instant
    prefix = f"wb_release_{code.release.commit[:12]}_{today}"
    made = _Templates(f"{prefix}_empty", f"{prefix}_filled", code.tree.parent / f"var-{today}")
    with alone(FOLDER / "data.lock"), databases.server().connect(databases.server().owner) as owner:
        if not (_exists(owner, made.filled) and (made.var / BACKUP).exists()):
            _drop_all(owner, code)
            _build(owner, code, made)
    return made


def _build(owner: psycopg.Connection[Any], code: OldCode, made: _Templates) -> None:
    made.var.mkdir(parents=True)
    _create(owner, made.empty)
    code.run(environment(Clone(made.empty), made.var), "-c", MIGRATE)
    _create(owner, f"{made.filled}_building", made.empty)
    environ = environment(Clone(f"{made.filled}_building"), made.var)
    code.run(environ, "-c", code.release.fill)
    code.manage(environ, "audit_verify")
    code.manage(environ, "backup", "--out", str(made.var / BACKUP))
    _rename(owner, f"{made.filled}_building", made.filled)


def _migrated(code: OldCode, template: str) -> str:
    """A copy that the present code has brought up to date, made by whoever asks first."""
    name = f"{template}_{databases.digest()}"
    with alone(FOLDER / "data.lock"), databases.server().connect(databases.server().owner) as owner:
        if not _exists(owner, name):
            building = Clone(f"{template}_migrating")
            databases.drop_clone(building)
            _create(owner, building.name, template)
            with databases.pointed_at(building):
                call_command("migrate", database="owner", interactive=False, verbosity=0)
            _rename(owner, building.name, name)
    return name


def _drop_all(owner: psycopg.Connection[Any], code: OldCode) -> None:
    """Those of other days, and what a killed run left half-made."""
    rows = owner.execute("SELECT datname FROM pg_database WHERE datname ~ '^wb_release_'")
    for (name,) in rows.fetchall():
        databases.drop_clone(Clone(name))
    for folder in code.tree.parent.glob("var-*"):
        shutil.rmtree(folder)


@contextmanager
def _copy_of(template: str) -> Iterator[Clone]:
    clone = Clone(f"wb_test_{os.getpid()}_{template.rpartition('_')[2]}")
    with databases.server().connect(databases.server().owner) as owner:
        _create(owner, clone.name, template)
    try:
        yield clone
    finally:
        databases.drop_clone(clone)


def _create(owner: psycopg.Connection[Any], name: str, template: str = "template1") -> None:
    owner.execute(
        databases.COPY.format(name=sql.Identifier(name), template=sql.Identifier(template))
    )


def _rename(owner: psycopg.Connection[Any], before: str, after: str) -> None:
    names = (sql.Identifier(before), sql.Identifier(after))
    owner.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))


def _exists(owner: psycopg.Connection[Any], name: str) -> bool:
    found = owner.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    return found is not None
