"""Fuzz each target for its share of the time.

    python -m tests.fuzzing --minutes 10 [--seed 1] [--only parsing]

With atheris (Linux on x86-64) the search is guided by coverage; without it hypothesis draws as
many examples as the time allows. What fails is kept in var/fuzzing/. Exit status 1: something did.
"""

import argparse
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "var" / "fuzzing"
NAMES = ("parsing", "doors", "redaction", "markdown", "cursors", "links", "checkpoints")
ENGINES = ("atheris", "hypothesis")
TRIED = re.compile(r"(?:number_of_executed_units:|tried:) *(\d+)")


def main() -> int:
    """All targets, one after the other, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="tests.fuzzing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=NAMES)
    parser.add_argument("--engine", choices=ENGINES)
    options = parser.parse_args()
    engine = options.engine or ENGINES[find_spec("atheris") is None]
    names = [options.only] if options.only else NAMES
    seconds = max(1, int(60 * options.minutes / len(names)))
    say(f"Fuzzing with {engine}, {seconds} s for each of {', '.join(names)}")
    failed = [name for name in names if not one(engine, name, seconds, options.seed)]
    if failed:
        say(f"FAILED: {', '.join(failed)}; what did it is in {KEPT.relative_to(ROOT)}/")
    return 1 if failed else 0


def one(engine: str, name: str, seconds: int, seed: int) -> bool:
    """Fuzz one target; whether it held. All that the engine says is in the target's folder."""
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"tests.fuzzing.by_{engine}", name, str(seconds), str(seed)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    log = folder / "log.txt"
    with log.open("wb") as output:
        done = subprocess.run(
            [*command, str(folder)], cwd=ROOT, env=environment, check=False,
            stdout=output, stderr=output, timeout=seconds + 300,
        )  # fmt: skip
    said = log.read_text(errors="replace")
    if done.returncode == 0:
        tried = TRIED.search(said)
        say(f"{name}: held, {int(tried[1]) if tried else 0:,} inputs")
        return True
    say(f"{said[-3000:]}\n{name}: FAILED")
    return False


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
