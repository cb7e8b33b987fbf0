"""`manage.py doctor`: every check answers, and the exit status says the worst."""

import json

import pytest
from django.core.management import call_command

from config import doctor
from config.doctor import Result
from config.management.commands.doctor import status

GOOD, BROKEN, UNKNOWN = Result(True, "fine"), Result(False, "broken", "mend it"), Result(None, "?")


@pytest.fixture
def only(monkeypatch):
    def replace(**results):
        checks = {name: (lambda result=result: result) for name, result in results.items()}
        monkeypatch.setattr(doctor, "_checks", checks)

    return replace


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({"a": GOOD}, 0),
        ({"a": GOOD, "b": BROKEN}, 1),
        ({"a": GOOD, "b": UNKNOWN}, 3),
        ({"a": BROKEN, "b": UNKNOWN}, 1),
    ],
)
def test_exits_with_the_worst(results, expected):
    assert status(results) == expected


def test_prints_the_remedy_of_what_is_broken(only, capsys):
    only(mail=BROKEN)

    with pytest.raises(SystemExit) as end:
        call_command("doctor")

    assert end.value.code == 1
    assert "BROKEN   mail" in (output := capsys.readouterr().out)
    assert "-> mend it" in output


def test_prints_json_for_programs(only, capsys):
    only(database=GOOD)

    call_command("doctor", json=True)

    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "checks": {"database": {"ok": True, "detail": "fine", "remedy": ""}},
    }


def test_goes_on_after_a_check_that_fails_to_check(monkeypatch):
    def raises():
        raise OSError("no such thing")

    monkeypatch.setattr(doctor, "_checks", {"first": raises, "second": lambda: GOOD})

    assert dict(doctor.examine()) == {
        "first": Result(None, "OSError: no such thing"),
        "second": GOOD,
    }


def test_refuses_two_checks_of_one_name():
    with pytest.raises(ValueError, match="python"):
        doctor.check("python")(lambda: GOOD)


@pytest.mark.django_db
def test_finds_a_test_database_in_order():
    found = {name: result.ok for name, result in doctor.examine()}

    assert {name: found[name] for name in ("python", "database", "migrations", "clock")} == {
        "python": True,
        "database": True,
        "migrations": True,
        "clock": True,
    }
