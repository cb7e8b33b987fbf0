"""Which version of the product this is."""

import tomllib
from functools import cache

from django.conf import settings


@cache
def number() -> str:
    """As pyproject.toml says."""
    content = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(content["project"]["version"])
