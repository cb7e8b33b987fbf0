"""Promises of a version that is still to come."""

from typing import Any

from config.due.models import Timer
from config.due.operations import outbound, timer
from tests.config.due.effects import ORDINARY, bump

KIND = "test.later_release"


@timer(KIND)
def bump_it(due: Timer, root: Any) -> None:
    """Once."""
    bump(due.key)


outbound(KIND, ORDINARY)
