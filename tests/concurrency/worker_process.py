"""`python -m tests.concurrency.worker_process`: the worker, with the effects of tests."""

from importlib import import_module

import django
from django.core.management import call_command

from config import garbage


def main() -> None:
    """As `manage.py worker`, once the test's effects are registered."""
    garbage.ignore()  # as `manage.py` does
    django.setup()
    import_module("tests.config.due.effects")
    call_command("worker")


if __name__ == "__main__":
    main()
