"""`python -m tests.survival.skewed_worker`: a worker whose clock is WATCHBILL_SKEW seconds off."""

import datetime
import os
from importlib import import_module

import django
from django.core.management import call_command

from config import clock


def main() -> None:
    """As `manage.py worker`."""
    off = datetime.timedelta(seconds=float(os.environ["WATCHBILL_SKEW"]))
    right = clock._wall
    clock._wall = lambda: right() + off
    django.setup()
    import_module("tests.config.due.effects")
    call_command("worker")


if __name__ == "__main__":
    main()
