"""Lines of several processes on one terminal, each with its name in front."""

import queue
import sys
import threading
from typing import IO

COLOURS = (36, 33, 35, 32, 34)
WIDTH = 8
HELD = 10_000  # lines; a reader of our output that stalls must not stall what we supervise


class Console:
    """Prints from a queue, so that nobody who writes ever waits for the terminal."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lines: queue.Queue[str | None] = queue.Queue(HELD)
        self._colours: dict[str, int] = {}
        self._copiers: list[threading.Thread] = []
        self._printer = threading.Thread(target=self._print, daemon=True)
        self._printer.start()

    def say(self, text: str, name: str = "") -> None:
        """Print a line; where the reader has stalled for thousands of lines, drop it."""
        try:
            self._lines.put_nowait(f"{self._prefix(name)}{text}\n" if name else f"{text}\n")
        except queue.Full:
            return

    def follow(self, name: str, output: IO[str]) -> None:
        """Print what a process writes, in a thread that ends with the process."""
        copier = threading.Thread(target=self._copy, args=(name, output), daemon=True)
        self._copiers = [each for each in self._copiers if each.is_alive()] + [copier]
        copier.start()

    def close(self) -> None:
        """Print the last words of what has ended, for a second or two at most."""
        for copier in self._copiers:
            copier.join(timeout=0.2)
        try:
            self._lines.put(None, timeout=0.5)
        except queue.Full:
            return
        self._printer.join(timeout=1)

    def _copy(self, name: str, output: IO[str]) -> None:
        with output:
            for line in output:
                self.say(line.rstrip("\n"), name)

    def _prefix(self, name: str) -> str:
        label = f"{name:<{WIDTH}} | "
        if not self._stream.isatty():
            return label
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{label}\x1b[0m"

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line)
                if self._lines.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # the reader went away; the processes go on
                continue
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return
