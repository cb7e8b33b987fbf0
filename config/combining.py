"""Calls that threads make at the same time, answered together by whichever of them came first."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

MOST = 16


class _Call[T, R]:
    """One thread's call: taken once a leader has begun with it, answered when it went well."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.is_taken = False
        self.answers: list[R] = []


class Combined[T, R]:
    """A function of many items, called with one.

    One thread at a time does the work. Those that call meanwhile wait, and the first of them
    then does the work of all: under load, a query for each call becomes a query for a dozen. The
    work for a call begins after the call, so what it reads is never older. Where it fails, each
    does its own once more, and raises what is its own.
    """

    def __init__(self, do: Callable[[Sequence[T]], Sequence[R]], *, most: int = MOST) -> None:
        self._do = do
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[_Call[T, R]] = deque()

    def __call__(self, item: T) -> R:
        """The item's own answer: `do` answers in the order of its items."""
        call = _Call[T, R](item)
        self._waiting.append(call)
        with self._lock:
            while not call.is_taken:
                self._lead()
        return (call.answers or self._do([item]))[0]

    def _lead(self) -> None:
        calls = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        for call in calls:
            call.is_taken = True
        try:
            answers = self._do([call.item for call in calls])
        except Exception:
            return
        for call, answer in zip(calls, answers, strict=True):
            call.answers.append(answer)
