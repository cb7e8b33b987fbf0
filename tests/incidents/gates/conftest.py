"""What the tests of intake templates share."""

import pytest


@pytest.fixture(autouse=True)
def seeded(seeded_once: None, db: None) -> None:
    """Reference data in place."""
