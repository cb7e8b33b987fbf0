"""A database that the last release made is brought up to date, verifies, and works."""

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from config.audit.models import LedgerEntry
from config.audit.sealing import seal
from config.audit.verify import verify
from config.backup.targets import Target
from tests.harness import databases, processes
from tests.harness.databases import ROOT, Clone
from tests.incidents import make


def last_release() -> str:
    """The newest tag that this code descends from; without one there is nothing to upgrade."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no upgrade rehearsed: this is no checkout of the project's git")
    command = [git, "-C", str(ROOT), "describe", "--tags", "--abbrev=0"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        pytest.skip("no upgrade rehearsed: nothing is released yet (no git tag)")
    return said.stdout.strip()


def unpack(release: str, folder: Path) -> Path:
    """The code of that release."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", release]
    packed = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_upgrades_a_database_of_the_last_release(
    fresh_db: Clone, files: Path, tmp_path: Path, empty: Callable[[], Target]
) -> None:
    old = unpack(last_release(), tmp_path / "old")
    clone = Clone(empty().settings["NAME"])
    environment = processes.environment(clone, files)
    for command in (("migrate", "-v0"), ("seed",), ("audit_verify",)):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=old, env=environment, check=True
        )

    with databases.pointed_at(clone):
        before = LedgerEntry.objects.count()
        call_command("migrate", verbosity=0, interactive=False)

        assert LedgerEntry.objects.count() >= before > 0
        assert verify().ok
        make.incident("After the upgrade")
        seal()
        assert verify().ok
