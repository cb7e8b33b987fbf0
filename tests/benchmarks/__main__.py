"""Runs the benchmarks, prints the table, and writes `var/bench.json`.

    python -m tests.benchmarks [ingest processing lists scale punctuality tiers operation evidence]

On a durable server of their own, beside that of the tests. Exit status 1 when a target is missed.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

from config import embedded
from config.embedded.place import homes

SERVER = "pg-bench"
ROOT = Path(__file__).resolve().parents[2]
NAMES = ("ingest", "processing", "lists", "scale", "punctuality", "tiers", "operation", "evidence")
LINE = "{:<42} {:>12} {:<10} {:>12} {:>9} {:>10}  {}"


def main(names: list[str]) -> int:
    """Run the named ones, or all; the exit status."""
    if unknown := set(names) - set(NAMES):
        say(
            f"There are no benchmarks called {', '.join(sorted(unknown))}; take {', '.join(NAMES)}."
        )
        return 2
    found = {}
    say(LINE.format("measure", "figure", "unit", "floor", "ratio", "target", "met"))
    for name in names or NAMES:
        for each in import_module(f"tests.benchmarks.{name}").figures():
            found[each.name] = each.as_dict()
            say(described(each.name, found[each.name]))
    path = ROOT / "var" / "bench.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")
    missed = [name for name, each in found.items() if not each["met"]]
    say(f"{len(found) - len(missed)} of {len(found)} targets are met.")
    return 1 if missed else 0


def described(name: str, row: dict[str, object]) -> str:
    """One line of the table."""
    numbers = ["" if row[key] is None else f"{row[key]:,.2f}" for key in ("floor", "ratio")]
    figure, target = f"{row['figure']:,.1f}", f"{row['target']:,.2f}"
    return LINE.format(name, figure, row["unit"], *numbers, target, "yes" if row["met"] else "NO")


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["WATCHBILL_TEST_SERVER"] = SERVER
    import_module("django").setup()
    try:
        status = main(sys.argv[1:])
    finally:
        if "DATABASE_URL" not in os.environ:
            embedded.stop(homes(os.environ, SERVER, int(os.environ.get("WATCHBILL_TEST_PG", "18"))))
    sys.exit(status)
