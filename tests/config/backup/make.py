"""Takes backups and brings them back; looks at what is where."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from config.backup.backing_up import Backup, back_up, count_rows
from config.backup.restoring import Restored, check_file, restore
from config.backup.targets import Target
from tests.harness import databases
from tests.harness.databases import Clone

type Empty = Callable[[], Target]


def silent(text: str) -> None:
    """No progress wanted."""


def taken(folder: Path) -> Backup:
    return back_up(folder / "watchbill.backup", tell=silent)


def bring_back(backup: Backup, target: Target) -> Restored:
    return restore(backup.path, check_file(backup.path), target, tell=silent)


def pointed(target: Target) -> Any:
    return databases.pointed_at(Clone(target.settings["NAME"]))


def rows(clone: Clone) -> dict[str, int]:
    with psycopg.connect(clone.owner_url) as connection:
        return count_rows(connection)
