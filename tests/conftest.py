"""Loads what all tests stand on; see tests/harness/ and tests/checks.py."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.harness.kept", "tests.harness.plugin", "tests.checks", "tests.personas"]

_quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("ordinary", deadline=None, suppress_health_check=_quiet)
settings.register_profile("ci", settings.get_profile("ordinary"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "ordinary")
