"""CSV that a spreadsheet shows as text and never runs, and the plain values of exported rows."""

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TextIO
from uuid import UUID

from psycopg.types.range import Range

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


class Sheet:
    """A CSV file (RFC 4180) that begins with the names of its columns."""

    def __init__(self, stream: TextIO, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._writer = csv.writer(stream, lineterminator="\r\n")
        self._writer.writerow([cell(column) for column in columns])

    def add(self, row: Mapping[str, Any]) -> None:
        self._writer.writerow([cell(row[column]) for column in self._columns])


def cell(value: Any) -> str:
    """One value as a CSV cell; text that a spreadsheet takes for a formula gets an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    text = value if isinstance(value, str) else _text(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def json_line(row: Mapping[str, Any]) -> bytes:
    """One row as a line of JSONL, always in the same bytes. Raises `TypeError` on unknown types."""
    return (json.dumps(row, ensure_ascii=False, default=plain, allow_nan=False) + "\n").encode()


def plain(value: Any) -> Any:
    """What JSON has no type for, in a form that loses nothing."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, timedelta):
        return f"{value / timedelta(microseconds=1):.0f} us"
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Range):
        return _range(value)
    raise TypeError(f"{type(value).__name__} can't be exported: turn it into text first")


def _text(value: Any) -> str:
    if isinstance(value, (Mapping, Sequence, float)) and not isinstance(value, (bytes, memoryview)):
        return json.dumps(value, ensure_ascii=False, default=plain, allow_nan=False)
    converted = plain(value)
    return converted if isinstance(converted, str) else json.dumps(converted, default=plain)


def _range(value: "Range[Any]") -> str:
    """As PostgreSQL writes it, with ISO times: `[2026-01-01T00:00:00+00:00,)`, or `empty`."""
    if value.isempty:
        return "empty"
    lower, upper = ("" if bound is None else _bound(bound) for bound in (value.lower, value.upper))
    return f"{value.bounds[0]}{lower},{upper}{value.bounds[1]}"


def _bound(value: Any) -> str:
    return str(value) if isinstance(value, int) else str(plain(value))
