"""The matrix in force, and the people who give roles and decide about exceptions."""

import pytest
from rest_framework.test import APIClient

from config.access.rules import Role
from config.duties.models import SegregationVersion
from config.duties.operations import seed_matrix
from config.organisation.models import User
from tests.config import make


@pytest.fixture
def matrix(db: None) -> SegregationVersion:
    """As shipped: author and approver, administrator and auditor."""
    found = seed_matrix(make.system())
    assert found is not None
    return found


@pytest.fixture
def una(matrix: SegregationVersion) -> User:
    """Administrator of the platform."""
    person = make.user("una", name="Una Unger")
    make.role(Role.PLATFORM_ADMINISTRATOR, to=person)
    return person


@pytest.fixture
def lena(matrix: SegregationVersion) -> User:
    """Compliance."""
    person = make.user("lena", name="Lena Vogt")
    make.role(Role.COMPLIANCE_OFFICER, to=person)
    return person


@pytest.fixture
def eve(matrix: SegregationVersion) -> User:
    """Writes policies."""
    person = make.user("eve", name="Eve Evers")
    make.role(Role.POLICY_AUTHOR, to=person)
    return person


@pytest.fixture
def administrator(una: User) -> APIClient:
    return make.api(una)


@pytest.fixture
def compliance(lena: User) -> APIClient:
    return make.api(lena)
