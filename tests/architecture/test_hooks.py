"""All hooks through which the floors speak, pinned: a new one is seen in the review of a change.

`manage.py events --json` prints them; what is right goes into `hooks.json`.
"""

import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from config.due import jobs, operations
from config.events.operations import hooks, subscriptions

PINNED: dict[str, Any] = json.loads((Path(__file__).parent / "hooks.json").read_text())


def is_of_a_test(name: str) -> bool:
    """Tests register hooks of their own, and say so in their names."""
    return name.startswith(("test.", "test_", "tests."))


def registered() -> dict[str, Any]:
    """All of them, less what other tests have added to this process."""
    by_name = {
        hook: {
            name: kept
            for name, found in names.items()
            if (kept := [each for each in found if not is_of_a_test(each)])
            and not is_of_a_test(name)
        }
        for hook, names in hooks().items()
    }
    due = operations.registered() | {"job": sorted(each.name for each in jobs.jobs())}
    return by_name | {
        hook: [name for name in names if not is_of_a_test(name)] for hook, names in due.items()
    }


def test_are_those_that_are_pinned() -> None:
    assert registered() == PINNED


def test_are_printed_by_the_command(capsys: Any) -> None:
    call_command("events", "--json")

    printed = json.loads(capsys.readouterr().out)

    assert set(printed) == set(PINNED)
    assert all(name in printed[hook] for hook, names in PINNED.items() for name in names)


def test_have_one_stable_name_for_each_handler() -> None:
    names = [name for _, name in subscriptions() if not is_of_a_test(name)]

    assert all("." in name for name in names)
    assert len(set(names)) == len(names)
