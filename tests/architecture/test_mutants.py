"""The breaks of `make mutants` can still be made: their lines are there, and so are their tests."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.mutants.breaks import BREAKS, Break

ROOT = Path(settings.BASE_DIR)


@pytest.mark.parametrize("each", BREAKS, ids=lambda each: each.name)
def test_stands_there_once(each: Break):
    path, _, name = each.test.partition("::")

    assert (ROOT / each.file).read_text().count(each.old) == 1
    assert f"def {name.partition('[')[0]}" in (ROOT / path).read_text()
