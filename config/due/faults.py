"""Places at which tests kill the process, to prove what a crash there leaves behind."""

import itertools
import mmap
import os
import signal

# "place"; "place:3" the third time that it is reached; "place:3:STOP" stops instead of killing.
_armed, _time, _signal, *_ = [*os.environ.get("WATCHBILL_FAULT", "").split(":"), "", ""]
_times = itertools.count(1)
_fatal = int(_time or 1)
_companions: list[int] = []
_struck = mmap.mmap(-1, 1)  # shared by what is forked: a worker that goes on isn't struck twice


def die_with(pid: int) -> None:
    """From here on, a fault strikes that process first: a worker is killed whole."""
    _companions.append(pid)


def reach(place: str) -> None:
    """Die here, as by kill -9, if this place is the one that is armed."""
    if _armed == place and next(_times) == _fatal and not _struck[0]:
        _struck[0] = 1
        for pid in (*_companions, os.getpid()):
            os.kill(pid, signal.SIGSTOP if _signal == "STOP" else signal.SIGKILL)
