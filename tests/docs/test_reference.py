"""The pages that are made of the code are as the code is."""

import pytest

from tests.docs.reference import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_is_what_the_product_knows(name: str) -> None:
    kept = (DOCS / name).read_text(encoding="utf-8")

    assert kept == PAGES[name](), "run: python -m tests.docs.reference --write"
