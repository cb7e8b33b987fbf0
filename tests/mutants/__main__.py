"""Applies each break to a copy of the tree and runs its test, which must fail.

    python -m tests.mutants [words of a break's name ...]

First the tests pass on the copy as it is, so that a failure afterwards is the break's doing.
Exit status 1 when a break survives, or no longer fits its file.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from config.embedded.place import TESTS, homes, settle
from tests.mutants.breaks import BREAKS, Break

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis")
LONGEST = 600
FAILED = 1  # pytest: tests were run, and some failed


def main(words: list[str]) -> int:
    """Try the named breaks, or all; the exit status."""
    chosen = [each for each in BREAKS if all(word in each.name for word in words)]
    if not chosen:
        say(f"No break is called {' '.join(words)!r}.")
        return 2
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / ROOT.name
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT, symlinks=True)
        whole = run(copy, dict.fromkeys(each.test for each in chosen))
        if whole.returncode != 0:
            say(f"{whole.stdout[-4000:]}\nThe tests fail without any break: mend them first.")
            return 1
        survived = [each for each in chosen if not is_noticed(copy, each)]
    say(f"{len(chosen) - len(survived)} of {len(chosen)} breaks were noticed.")
    return 1 if survived else 0


def is_noticed(copy: Path, each: Break) -> bool:
    """Break the copy, run the test, mend the copy."""
    path = copy / each.file
    whole = path.read_text()
    if whole.count(each.old) != 1:
        say(f"STALE     {each.name}: {each.file} doesn't hold that line once")
        return False
    began = time.monotonic()
    path.write_text(whole.replace(each.old, each.new))
    try:
        ended = run(copy, [each.test])
    finally:
        path.write_text(whole)
    status = ended.returncode
    if status not in (0, FAILED):
        say(ended.stdout[-2000:] + ended.stderr[-2000:])
    word = {FAILED: "noticed", 0: "SURVIVED"}.get(status, f"STATUS {status}")
    say(f"{word:<9} {each.name} ({time.monotonic() - began:.0f} s) by {each.test}")
    return status == FAILED


def run(copy: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """pytest in the copy, on the test server of this checkout."""
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-q"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "WATCHBILL_PGDATA": server_home()}
    return subprocess.run(
        [*command, "-x", *tests],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def server_home() -> str:
    """The folder in which the embedded test server has its own: a copy makes no server anew."""
    major = int(os.environ.get("WATCHBILL_TEST_PG", "18"))
    home, _ = settle(homes(os.environ, TESTS, major))
    return str(home.path.parent)


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
