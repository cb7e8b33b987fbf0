"""The code of a release: where it comes from, and what of it may never change."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.harness.databases import ROOT, Clone
from tests.survival.upgrade import old_code as unpacking
from tests.survival.upgrade.old_code import OldCode, old_code
from tests.survival.upgrade.old_data import empty_database
from tests.survival.upgrade.releases import Release

pytestmark = pytest.mark.timeout(400)
UNKNOWN = Release("9.9.9", "0" * 40)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing was unpacked yet."""
    monkeypatch.setattr(unpacking, "FOLDER", tmp_path / "releases")


@pytest.mark.usefixtures("elsewhere")
def test_is_left_out_by_name_where_the_clone_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"no upgrade rehearsed: .*9\.9\.9"):
        old_code(UNKNOWN)


@pytest.mark.usefixtures("elsewhere")
def test_fails_in_ci_where_the_clone_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="no upgrade rehearsed"):
        old_code(UNKNOWN)


def test_keeps_its_migrations_as_they_were(old: OldCode) -> None:
    released = sorted(path.relative_to(old.tree) for path in old.tree.glob("*/migrations/0*.py"))

    changed = [
        str(path)
        for path in released
        if not (ROOT / path).is_file()
        or (ROOT / path).read_bytes() != (old.tree / path).read_bytes()
    ]

    assert len(released) >= 8
    assert changed == []


COLUMNS = """
    SELECT table_name, column_name, udt_name,
        is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
        AND is_generated = 'NEVER'
    FROM information_schema.columns WHERE table_schema = 'public'
"""


def columns(database: Clone) -> dict[str, tuple[str, bool]]:
    """Type of each column, and whether an INSERT must name it."""
    with psycopg.connect(database.owner_url) as connection:
        rows = connection.execute(COLUMNS).fetchall()
    return {f"{table}.{column}": (kind, must) for table, column, kind, must in rows}


def test_leaves_an_earlier_worker_all_that_it_reads_and_demands_nothing_new_of_it(
    old: OldCode, django_db_setup: None, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        with empty_database(old) as database:
            before = columns(database)
        with empty_database(old, migrated=True) as database:
            after = columns(database)

    known = {name.partition(".")[0] for name in before}
    gone = {name for name, (kind, _) in before.items() if after.get(name, ("",))[0] != kind}
    demanded = {
        name
        for name, (_, must) in after.items()
        if must and name.partition(".")[0] in known and name not in before
    }
    assert gone == set()  # a column goes a release after the code that used it
    assert demanded == set()  # see config/audit/defaults.py
