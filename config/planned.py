"""Statements that each connection plans once.

Django writes values into statements, so to PostgreSQL each is another one, planned anew, and Django
puts its words together anew: of what every request asks that is most of its time
(docs/decisions/0019).
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection, models
from django.db.models.query import get_related_populators
from psycopg import Connection, sql

# Rolled back or not, a statement stays with its connection.
_known: WeakKeyDictionary[Connection[Any], dict[str, str]] = WeakKeyDictionary()
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement under a name of its own, with `$1`, `$2` ... of these types."""

    name: str
    types: Sequence[str]
    text: str

    def rows(self, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the default database; raises what Django raises."""
        try:
            return self._asked(values)
        except NotSupportedError:
            # A migration has since changed the type of a column that is told: it is told anew,
            # under another name. A transaction is lost by it, the next one asks again.
            raw = connection.connection
            known = _known.get(raw, {}) if raw else {}
            if known.pop(self.name, None) is None or connection.in_atomic_block:
                raise
            return self._asked(values)

    def _asked(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            told = self._told(connection.connection)
            cursor.execute(f"EXECUTE {told} ({', '.join(['%s'] * len(values))})", values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def _told(self, raw: Connection[Any]) -> str:
        """The name by which the connection knows it."""
        known = _known.setdefault(raw, {})
        if self.name not in known:
            name = f"{self.name}_{next(_numbers)}"
            types = sql.SQL(", ").join(map(sql.SQL, self.types))
            words = sql.SQL("PREPARE {name} ({types}) AS {text}").format(
                name=sql.Identifier(name), types=types, text=sql.SQL(self.text)
            )
            with connection.wrap_database_errors:
                raw.execute(words)
            known[self.name] = name
        return known[self.name]


class PlannedRow[M: models.Model]:
    """The row of a queryset in which one value differs from time to time.

    `rows` makes the queryset; it is called once, with a value of no meaning in that place. What it
    selects along (select_related) comes along; annotations don't.
    """

    def __init__(self, name: str, kind: str, rows: Callable[[Any], models.QuerySet[M]]) -> None:
        self._name, self._kind, self._rows = name, kind, rows

    def get(self, value: Any) -> M | None:
        """The row for this value, None where there is none."""
        statement, made = self._made
        return next(map(made, statement.rows(value)), None)

    @cached_property
    def _made(self) -> tuple[Planned, Callable[[tuple[Any, ...]], M]]:
        compiler: Any = self._rows(0).query.get_compiler(using=DEFAULT_DB_ALIAS)
        text, values = compiler.as_sql()
        if set(values) - {0, "0"} or compiler.annotation_col_map:
            raise TypeError(f"{self._name}: the one value alone may differ, and nothing be added")
        return Planned(self._name, (self._kind,), text.replace("%s", "$1")), _reader(compiler)


def _reader(compiler: Any) -> Callable[[tuple[Any, ...]], Any]:
    """As Django makes instances of what a compiler has selected."""
    chosen = compiler.klass_info["select_fields"]
    own = slice(chosen[0], chosen[-1] + 1)
    names = [column.target.attname for column, *_ in compiler.select[own]]
    populators: Any = get_related_populators  # the stubs know a later Django's
    along = populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS)

    def read(values: tuple[Any, ...]) -> Any:
        (row,) = compiler.results_iter([[values]])
        found = compiler.klass_info["model"].from_db(DEFAULT_DB_ALIAS, names, row[own])
        for each in along:
            each.populate(row, found)
        return found

    return read
