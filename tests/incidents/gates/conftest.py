"""What the tests of intake templates share."""

import pytest

from fixtures.reference import seed_reference


@pytest.fixture(autouse=True)
def seeded(db: None) -> None:
    seed_reference()
