"""The soak: these tests again and again, with larger storms and other chances each time.

    python -m tests.survival --minutes 60 [--seed 1]

Exit status 1 as soon as a round fails; its seed tells how to repeat it.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Rounds until the time is over; at least one."""
    parser = argparse.ArgumentParser(prog="tests.survival", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    seed = options.seed
    while True:
        began = time.monotonic()
        status = one_round(seed)
        word = "clean" if status == 0 else f"FAILED: python -m tests.survival --seed {seed}"
        say(f"round with seed {seed} ({time.monotonic() - began:.0f} s): {word}")
        if status != 0 or time.monotonic() > end:
            return min(status, 1)
        seed += 1


def one_round(seed: int) -> int:
    """All tests of this folder once; the status of pytest."""
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-q"]
    return subprocess.run(
        [*command, "--timeout=600", "--show-capture=no", "tests/survival", "tests/concurrency"],
        cwd=ROOT,
        env={**os.environ, "WATCHBILL_SOAK": str(seed)},
        check=False,
    ).returncode


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
