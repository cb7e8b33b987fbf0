"""Outside programs that some tests run against. In CI a missing one fails its tests."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

COMMANDS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "faketime": ("faketime",),
    "prometheus-alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "curl": ("curl",),
    "jq": ("jq",),
}
MISSING = re.compile(r"peer ([\w-]+) is not installed")


def require(name: str) -> Path:
    """The program's path. Without it the test is skipped by name, or, in CI, fails."""
    for command in COMMANDS[name]:
        if found := shutil.which(command):
            return Path(found)
    text = f"peer {name} is not installed (Debian: apt-get install {name})"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def missing_in(reporter: Any) -> set[str]:
    """The peers that skipped tests name."""
    skipped = reporter.stats.get("skipped", [])
    return {name for each in skipped for name in MISSING.findall(str(each.longrepr))}
