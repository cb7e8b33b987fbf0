"""What the database says is wrong, where no row and no query is to blame."""

import psycopg

# Classes of SQLSTATE: connection exceptions, and shut down by an operator or a crash.
AWAY = ("08", "57P")
SHORTAGE = ("53", "58")  # insufficient resources, system error


def is_away(error: BaseException) -> bool:
    """Whether the connection is gone: cut, or its server going or coming.

    Of errors of the driver, and of Django's around them. Without an SQLSTATE the driver noticed.
    """
    found = _of_driver(error)
    if not isinstance(found, (psycopg.OperationalError, psycopg.InterfaceError)):
        return False
    return found.sqlstate is None or found.sqlstate.startswith(AWAY)


def is_shortage(error: BaseException) -> bool:
    """Whether the database lacks room, memory or a working disk."""
    found = _of_driver(error)
    return found is not None and (found.sqlstate or "").startswith(SHORTAGE)


def _of_driver(error: BaseException) -> psycopg.Error | None:
    found = error if isinstance(error, psycopg.Error) else error.__cause__
    return found if isinstance(found, psycopg.Error) else None
