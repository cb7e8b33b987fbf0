"""`python -m tests.survival.upgrade.later_worker`: a worker with effects that no release knows.

What the next version promises, this one's neighbour of the last release must neither do nor lose.
"""

from importlib import import_module

import django
from django.core.management import call_command


def main() -> None:
    """As `manage.py worker`, once the test's effects are registered."""
    django.setup()
    import_module("tests.config.due.effects")
    import_module("tests.survival.upgrade.later_effects")
    call_command("worker")


if __name__ == "__main__":
    main()
