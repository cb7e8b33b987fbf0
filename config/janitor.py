"""Ends the supervisor's processes when the supervisor itself was killed and could not.

Run as a script by config/supervisor.py, with nothing but the standard library. It reads a pipe
whose other end only the supervisor holds: `+group` and `-group` as processes come and go, `=path`
for a file that must go too. The end of the pipe is the end of the supervisor. Until its work is
done it keeps the supervisor's lock, so that a new start waits for it.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

GRACE = 3.0


def main() -> None:
    """Follow the pipe to its end, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups, files = follow(sys.stdin)
    for file in files:
        file.unlink(missing_ok=True)
    signal_all(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while signal_all(groups, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    signal_all(groups, signal.SIGKILL)


def follow(lines: Iterable[str]) -> tuple[set[int], set[Path]]:
    """The process groups and files that are left when the lines end."""
    groups: set[int] = set()
    files: set[Path] = set()
    for line in lines:
        what, value = line[0], line[1:].rstrip("\n")
        if what == "+":
            groups.add(int(value))
        elif what == "-":
            groups.discard(int(value))
        elif what == "=":
            files.add(Path(value))
    return groups, files


def signal_all(groups: set[int], number: int) -> bool:
    """Signal each group; whether any still has a living process."""
    found = False
    for group in groups:
        try:
            os.killpg(group, number)
            found = True
        except (ProcessLookupError, PermissionError):
            continue
    return found


if __name__ == "__main__":
    main()
