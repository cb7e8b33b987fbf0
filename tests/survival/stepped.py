"""`python -m tests.survival.stepped MODULE ...`: the module, by a clock that tests set meanwhile.

The file that WATCHBILL_CLOCK names holds how many seconds the clock is off, such as +3600; it may
change at any time. libfaketime reads the same file for programs that are not Python.
"""

import datetime
import os
import runpy
import sys
from pathlib import Path

from config import clock


def main() -> None:
    """Put the clock in, then run as if the module had been started itself."""
    file = Path(os.environ["WATCHBILL_CLOCK"])
    right = clock._wall
    clock._wall = lambda: right() + datetime.timedelta(seconds=off(file))
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def off(file: Path) -> float:
    """How many seconds the clock is ahead; while the file is being written, none."""
    return float(file.read_text() or 0)


if __name__ == "__main__":
    main()
