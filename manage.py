#!/usr/bin/env python
"""Watchbill's command line: `manage.py help`."""

import os
import sys

if sys.version_info < (3, 12):  # noqa: UP036  (said before an import fails without saying why)
    sys.exit(
        f"Watchbill needs Python 3.12 to 3.14; this is {sys.version.split()[0]}. Try: make demo"
    )

from config import garbage

try:
    from django.core.management import execute_from_command_line
except ModuleNotFoundError:
    sys.exit("Django is not installed for this interpreter. Run .ci/setup, then .venv/bin/python")


def main() -> None:
    """Run one command with the product's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    garbage.ignore()  # until `config.apps` is ready
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
