"""Whose fault an error of the database is."""

import psycopg
import pytest
from django.db import DatabaseError, OperationalError
from psycopg import errors

from config.sqlstates import is_away, is_shortage


def wrapped(cause: Exception) -> Exception:
    """As Django raises it."""
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("as_raised", [lambda error: error, wrapped])
@pytest.mark.parametrize(
    ("error", "away", "shortage"),
    [
        (errors.AdminShutdown("shut down"), True, False),
        (errors.CrashShutdown("crashed"), True, False),
        (errors.CannotConnectNow("starting"), True, False),
        (errors.ConnectionFailure("cut"), True, False),
        (psycopg.OperationalError("the connection is closed"), True, False),
        (psycopg.InterfaceError("the cursor is closed"), True, False),
        (errors.DiskFull("no room"), False, True),
        (errors.OutOfMemory("no memory"), False, True),
        (errors.IoError("no disk"), False, True),
        (errors.QueryCanceled("too slow"), False, False),
        (errors.DeadlockDetected("a circle"), False, False),
        (errors.UniqueViolation("twice"), False, False),
        (psycopg.ProgrammingError("the driver's own"), False, False),
    ],
)
def test_tells_what_is_no_fault_of_a_row(as_raised, error, away: bool, shortage: bool):
    assert (is_away(as_raised(error)), is_shortage(as_raised(error))) == (away, shortage)


def test_takes_an_error_of_its_own_for_neither():
    assert not is_away(DatabaseError("odd"))
    assert not is_shortage(ValueError("odd"))
