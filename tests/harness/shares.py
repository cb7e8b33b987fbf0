"""What each process of a run begins with: long tests first, so that none is waited for in the end.

xdist's `worksteal` hands out contiguous shares of equal number, and later takes from the end of one
that is behind. So one share begins with tests that mostly wait, for processes that they start and
stop, while the others do what keeps a processor busy. Before those are the tests of a module whose
fixture takes long: at the beginning nobody takes any away.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any

WAITING = ("survival", "concurrency")
TOGETHER = ("demo",)
WORKING = ("access", "contract", "browser", "security")


def ordered(items: list[Any], processes: int) -> list[Any]:
    """The same tests, share by share; those of one module stay in their order."""
    if processes < 2:
        return items
    waiting = [item for item in items if _folder(item) in WAITING]
    working = [item for item in items if _folder(item) in WORKING]
    together = [item for item in items if _folder(item) in TOGETHER]
    heads = [[*together, *waiting], *_dealt(working, processes - 1)]
    rest = (item for item in items if _folder(item) not in (*TOGETHER, *WAITING, *WORKING))
    left, shares = len(items), []
    for number, head in enumerate(heads):
        size = left // (processes - number)
        share = [*head, *islice(rest, max(size - len(head), 0))]
        left -= len(share)
        shares.append(share)
    return [*(item for share in shares for item in share), *rest]


def _folder(item: Any) -> str:
    return str(item.nodeid).split("/")[1]


def _dealt(items: Iterable[Any], hands: int) -> list[list[Any]]:
    """Long tests of one module are dealt out one after another."""
    dealt: list[list[Any]] = [[] for _ in range(hands)]
    for number, item in enumerate(items):
        dealt[number % hands].append(item)
    return dealt
