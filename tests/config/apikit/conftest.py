"""An administrator of the enterprise and clients that carry tokens."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from config.access.rules import Role
from config.organisation.models import User
from tests.config import make
from tests.harness.kept import kept


@kept
def admin() -> User:
    """Platform administrator on the enterprise; no superuser."""
    person = make.user("ada", name="Ada Admin")
    make.role(Role.PLATFORM_ADMINISTRATOR, to=person)
    return person


@pytest.fixture
def api(admin: User) -> APIClient:
    """The administrator's client."""
    return make.api(admin)


@pytest.fixture
def new_team(payments: Any) -> dict[str, str]:
    """A body for POST /api/v1/teams/."""
    return {"key": "refunds", "name": "Refunds", "unit": "retail"}
