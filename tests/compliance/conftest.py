"""What the tests of evidence share: a database that commits, and a folder for keys and packs."""

from pathlib import Path
from typing import Any

import pytest

from config.access.rules import Role
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.config import make
from tests.incidents import make as make_incidents


@pytest.fixture(autouse=True)
def folder(fresh_db: Any, settings: Any, tmp_path: Path) -> Path:
    """Where this test's key, checkpoints and packs are."""
    settings.SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.EXPORT_ROOT = tmp_path / "exports"
    return tmp_path


@pytest.fixture
def lena(database: None) -> User:
    """Compliance officer of the enterprise."""
    person = make.user("lena", name="Lena Vogt")
    make.role(Role.COMPLIANCE_OFFICER, to=person)
    return person


@pytest.fixture
def incident(checkout: Service, bob: User) -> Incident:
    """An incident of checkout, reported by bob."""
    return make_incidents.incident(service=checkout, actor=bob)


@pytest.fixture
def theirs(tracking: Service, mallory: User) -> Incident:
    """An incident of the other unit."""
    return make_incidents.incident("Trucks are lost", service=tracking, actor=mallory)
