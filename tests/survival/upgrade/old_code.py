"""The code of a release, unpacked from this clone's history, and a Python that runs it."""

import fcntl
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from tests.harness.databases import ROOT
from tests.survival.upgrade.releases import Release

FOLDER = ROOT / "var" / "releases"
LOCK = ".ci/requirements.lock"
LONGEST = 300


@dataclass(frozen=True)
class OldCode:
    """A release that can be run: where its tree lies, and with which Python."""

    release: Release
    tree: Path
    python: str

    def run(self, environ: dict[str, str], *words: str) -> str:
        """`python WORDS` in its tree; what it printed. A failure shows all that was said."""
        done = subprocess.run(
            [self.python, *words],
            cwd=self.tree,
            env=environ,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        if done.returncode != 0:
            said = f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
            pytest.fail(f"release {self.release}: {' '.join(words)[:200]} failed:\n{said}")
        return done.stdout

    def manage(self, environ: dict[str, str], *words: str) -> str:
        """One of its commands."""
        return self.run(environ, "manage.py", *words)


def old_code(release: Release) -> OldCode:
    """Unpacked once for each checkout. Where it can't be, the test is skipped, and fails in CI."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with alone(FOLDER / "lock"):
        tree = FOLDER / f"{release.version}-{release.commit[:12]}" / "tree"
        if not tree.exists():
            _unpack(release, tree)
        return OldCode(release, tree, _python(release, tree))


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time: several workers of a test run want the same."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def impossible(reason: str) -> NoReturn:
    """Without the release nothing is rehearsed: that must not pass unnoticed in CI."""
    text = f"no upgrade rehearsed: {reason}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def _unpack(release: Release, tree: Path) -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        impossible("this is no clone of the project, or git is not installed")
    command = [git, "-C", str(ROOT), "archive", "--format=tar", release.commit]
    packed = subprocess.run(command, capture_output=True, check=False)
    if packed.returncode != 0:
        impossible(
            f"the commit of release {release} can't be read from this clone; a shallow one gets it "
            f"by `git fetch --unshallow` ({packed.stderr.decode(errors='replace').strip()})"
        )
    fresh = tree.with_name("tree.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(fresh, filter="data")
    fresh.rename(tree)


def _pinned(lock: Path) -> set[str]:
    """`name==version` of each package."""
    return {line.split()[0] for line in lock.read_text().splitlines() if "==" in line}


def _python(release: Release, tree: Path) -> str:
    """This very Python where it has all that the release needs, else one with its own packages."""
    if _pinned(tree / LOCK) <= _pinned(ROOT / LOCK):
        return sys.executable
    home = tree.with_name("venv")
    python = home / "bin" / "python"
    stamp = home / "complete"
    if stamp.exists():
        return str(python)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
    pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input", "--no-deps"]
    made = subprocess.run(
        [str(python), *pip, "--require-hashes", "-r", str(tree / LOCK)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        impossible(
            f"release {release} needs other packages, and they could not be installed: "
            f"{made.stderr.strip()[-300:]}"
        )
    stamp.touch()
    return str(python)
