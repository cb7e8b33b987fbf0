"""`python -m tests.harness`: make the template of the tests' databases, where it is missing.

Tests do so themselves, all waiting for the first; the gates have it made while they check types.
"""

import os
from importlib import import_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import_module("django").setup()
databases = import_module("tests.harness.databases")
databases.drop_clone(databases.make_clone())
