"""Inserting rows by statements whose text Django puts together once.

Most of what an operation writes is rows that are new: history, events, lines, claims. Compiling
their INSERT anew for each of them takes longer than the database takes for the row and its ledger
entry together. The fields prepare the values as ever; only the text is kept.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from django.db import connections, models, transaction
from django.db.models.expressions import DatabaseDefault, RawSQL
from django.db.models.sql import InsertQuery

type Field = models.Field[Any, Any]
type Fields = tuple[Field, ...]
type Key = models.ForeignKey[Any, Any]
type Links = tuple[tuple[Key, int], ...]
type Source = Callable[[Field], Any]


class Part(NamedTuple):
    """A row of a statement without its values: all that the text depends on.

    `links` are keys that the row takes from another of the statement, by that one's position.
    """

    model: type[models.Model]
    fields: Fields
    returning: Fields = ()
    links: Links = ()


class Statement(NamedTuple):
    """The text of an INSERT of one or several rows, with a place for each value."""

    text: str
    parts: tuple[Part, ...]

    def run(self, sources: Iterable[Source], using: str) -> list[Any]:
        """Insert a row of the values of each source; all that they return, one after another."""
        connection = connections[using]
        values = [
            field.get_db_prep_save(source(field), connection)
            for part, source in zip(self.parts, sources, strict=True)
            for field in part.fields
        ]
        with transaction.mark_for_rollback_on_error(using=using), connection.cursor() as cursor:
            cursor.execute(self.text, values)
            return list(cursor.fetchone()) if cursor.description else []


def insert(row: models.Model, part: Part, using: str) -> list[Any] | None:
    """Insert the row, and return its fields; None where only Django's own way will do."""
    values = {field: field.pre_save(row, True) for field in part.fields}
    given = _given(values)
    # An expression would be part of the text; what is converted would have to be known here.
    if any(hasattr(values[field], "resolve_expression") for field in given):
        return None
    if any(field.get_db_converters(connections[using]) for field in part.returning):
        return None
    return statement((part._replace(fields=given),), using).run([values.__getitem__], using)


def insert_together(rows: Sequence[models.Model], using: str) -> None:
    """Insert new rows, of any models, by one statement; one may refer to another before it.

    No signals: for rows that nobody else listens to.
    """
    parts, sources = [], []
    for position, row in enumerate(rows):
        links = _links(row, rows[:position])
        values = _values(row, {field for field, _ in links})
        returning = tuple(row._meta.db_returning_fields) or (row._meta.pk,)
        parts.append(Part(type(row), _given(values), returning, links))
        sources.append(values.__getitem__)
    returned = iter(statement(tuple(parts), using).run(sources, using))
    for row, part in zip(rows, parts, strict=True):
        for field in part.returning:
            setattr(row, field.attname, next(returned))
        for field, position in part.links:
            setattr(row, field.attname, rows[position].pk)
        row._state.adding, row._state.db = False, using


def _links(row: models.Model, before: Sequence[models.Model]) -> Links:
    positions = {id(each): position for position, each in enumerate(before)}
    related = (f for f in row._meta.local_concrete_fields if isinstance(f, models.ForeignKey))
    held = ((field, id(field.get_cached_value(row))) for field in related if field.is_cached(row))
    return tuple((field, positions[which]) for field, which in held if which in positions)


def _values(row: models.Model, linked: set[Field]) -> dict[Field, Any]:
    meta = row._meta
    return {
        field: field.pre_save(row, True)
        for field in meta.local_concrete_fields
        if not (field in linked or field is meta.auto_field or field.generated)
    }


def _given(values: Mapping[Field, Any]) -> Fields:
    """Without the columns that are left to the database."""
    return tuple(f for f, value in values.items() if not isinstance(value, DatabaseDefault))


@cache
def statement(parts: tuple[Part, ...], using: str) -> Statement:
    """The INSERT as Django compiles it, of one row, or of several as one statement."""
    texts = [_compiled(part, using) for part in parts]
    if len(texts) == 1:
        return Statement(texts[0], parts)
    rows = ", ".join(f"{_name(position)} AS ({text})" for position, text in enumerate(texts))
    names = ", ".join(map(_name, range(len(texts))))
    # Each returns one row, so the product of them all is one row.
    return Statement(f"WITH {rows} SELECT * FROM {names}", parts)  # noqa: S608  # nosec B608


def _compiled(part: Part, using: str) -> str:
    # There is a place for each value, whatever it is; a link is part of the text.
    row: Any = SimpleNamespace(**{field.attname: None for field in part.fields})
    for field, position in part.links:
        key = connections[using].ops.quote_name(str(field.target_field.column))
        text = f"SELECT {key} FROM {_name(position)}"  # noqa: S608  # nosec B608
        setattr(row, field.attname, RawSQL(text, ()))  # noqa: S611  # nosec B611
    query = InsertQuery(part.model)
    query.insert_values((*part.fields, *(field for field, _ in part.links)), [row], raw=True)
    compiler = query.get_compiler(connection=connections[using])
    compiler.returning_fields = part.returning
    [(text, _)] = compiler.as_sql()
    return str(text)


def _name(position: int) -> str:
    return f"row_{position}"
