"""Salts: what keeps a hash from being guessed, once its row was purged."""

import pytest

from config.audit.models import Salt
from tests.config.audit import make

pytestmark = pytest.mark.django_db


def test_are_of_32_random_bytes_for_each_row() -> None:
    before = set(Salt.objects.values_list("seq", flat=True))

    make.events(20)

    salts = [bytes(row.salt) for row in Salt.objects.exclude(seq__in=before)]
    assert len(salts) == 20
    assert len(set(salts)) == 20
    assert {len(salt) for salt in salts} == {32}
