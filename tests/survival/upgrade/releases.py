"""The releases of Watchbill, so that a clone without tags can rehearse the way from the last one.

At a release a line is added here in the commit after it; the migrations of a release are frozen.
"""

from dataclasses import dataclass

# Run by the release's own code: what its operations make of a year in a small company.
DEMONSTRATION = """
import django; django.setup()
from fixtures.demo.seeding import seed_demo
seed_demo(say=print, count=15)
"""


@dataclass(frozen=True)
class Release:
    """One version: its commit, and how its own code fills a migrated database."""

    version: str
    commit: str
    fill: str = DEMONSTRATION

    def __str__(self) -> str:
        return f"{self.version} ({self.commit[:12]})"


RELEASES = (Release("0.1.0", "dd5b34e9d65c64eef992b6d2c0372a393a681bef"),)
LAST = RELEASES[-1]
