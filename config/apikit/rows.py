"""The rows of a list as plain values, by the fields of its serializer.

DRF asks each field of each row anew where its value is and how it is written, and a queryset makes
every related row whole for the sake of one key. For a page of rows that is most of the request.
A `Shape` works both out once per serializer class: which columns the fields name, those of related
rows through joins, and one function per field. The answers are DRF's own to the letter.

What a field reads must be known. It is for columns, keys of related rows and paths such as
`source="incident.reference"`. A method, or a property of the model, says it in the serializer:

    class EntryOut(serializers.ModelSerializer[Entry]):
        reads = {"html": ("text",), "late": ("at", "recorded_at")}      # names of model fields

A list whose serializer has one field without that is read by DRF, from whole rows.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import Any, cast

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F, QuerySet
from rest_framework import fields, relations
from rest_framework.serializers import BaseSerializer, Serializer

type Read = Callable[[Any], Any]
type Bind = Callable[[BaseSerializer[Any]], Read]
type Field = fields.Field[Any, Any, Any, Any]

# What DRF's own fields write without asking who asks. Only these very classes: a subclass may.
WRITTEN = (
    *(fields.BigIntegerField, fields.BooleanField, fields.CharField, fields.ChoiceField),
    *(fields.DateField, fields.DateTimeField, fields.DecimalField, fields.DictField),
    *(fields.EmailField, fields.FloatField, fields.IntegerField, fields.IPAddressField),
    *(fields.JSONField, fields.ListField, fields.ReadOnlyField, fields.SlugField),
    *(fields.TimeField, fields.URLField, fields.UUIDField),
)
TEXTS = (fields.CharField, fields.EmailField, fields.SlugField, fields.URLField)


class Unknown(Exception):
    """It can't be said which columns a field reads."""


@dataclass
class Shape:
    """What the rows of a list are made of."""

    model: type[models.Model]
    columns: set[str] = field(default_factory=set)
    joined: dict[str, str] = field(default_factory=dict)
    values: dict[str, Bind] = field(default_factory=dict)

    def narrowed[M: models.Model](
        self, rows: QuerySet[M], order: Iterable[str] = ()
    ) -> QuerySet[M]:
        """The same rows, with nothing but what is shown, and by what paging orders them."""
        paths = {alias: F(path) for path, alias in self.joined.items()}
        ordered = [name.removeprefix("-") for name in order]
        # The rows of `incident.timeline` get that very incident, by this key.
        known = [key.name for key in rows._known_related_objects]  # type: ignore[attr-defined]  # not in the stubs
        narrow = rows.select_related(None).only(*self.columns, *ordered, *known)
        return cast("QuerySet[M]", narrow.annotate(**paths))

    def read(self, rows: Iterable[Any], serializer: BaseSerializer[Any]) -> list[dict[str, Any]]:
        """The rows as the serializer, which carries the caller's context, would show them."""
        values = [(name, bind(serializer)) for name, bind in self.values.items()]
        return [{name: read(row) for name, read in values} for row in rows]

    def column(self, name: str) -> str:
        """Fetch a column; the attribute that holds it."""
        found = _field(self.model, name)
        self.columns.add(found.name)
        return str(found.attname)

    def join(self, path: str) -> str:
        """Fetch a column of a related row; the attribute that holds it."""
        return self.joined.setdefault(path, f"joined_{len(self.joined)}")


@cache
def shape_of(kind: type[BaseSerializer[Any]]) -> Shape | None:
    """The shape of the lists of that serializer; None where DRF has to read whole rows."""
    model = getattr(getattr(kind, "Meta", None), "model", None)
    if model is None or kind.to_representation is not Serializer.to_representation:
        return None
    shape = Shape(model)
    shape.columns |= {"pk"} | {each.name for each in model._meta.concrete_fields} & ALWAYS
    try:
        shape.values = dict(_values(cast("Serializer[Any]", kind()), shape))
    except Unknown:
        return None
    return shape


# Traces of reads ask this of every row.
ALWAYS = {"is_restricted"}


def _values(serializer: Serializer[Any], shape: Shape) -> Iterator[tuple[str, Bind]]:
    reads = getattr(serializer, "reads", {})
    for name, each in serializer.fields.items():
        if not each.write_only:
            yield name, _bind(each, reads.get(name), shape)


def _bind(each: Field, reads: tuple[str, ...] | None, shape: Shape) -> Bind:
    if reads is not None:
        for name in reads:
            shape.column(name)
        return _computed(each)
    if isinstance(each, Serializer):
        return _nested(each, shape)
    read = _related(each, shape) or _written(each, shape)
    return lambda serializer: read


def _computed(each: Field) -> Bind:
    """By a method of the serializer, or a property of the model."""
    if isinstance(each, fields.SerializerMethodField):
        return attrgetter(str(each.method_name))
    if each.source == "*" or type(each) not in WRITTEN:
        raise Unknown
    get, write = attrgetter(str(each.source)), _writer(each)
    return lambda serializer: lambda row: _or_none(get(row), write)


def _nested(each: Serializer[Any], shape: Shape) -> Bind:
    """A group of fields of the same row; its methods, which ask who asks, are DRF's to call."""
    if each.source != "*" or type(each).to_representation is not Serializer.to_representation:
        raise Unknown
    if any(isinstance(inner, fields.SerializerMethodField) for inner in each.fields.values()):
        raise Unknown
    values = [(name, bind(each)) for name, bind in _values(each, shape)]
    return lambda serializer: lambda row: {name: read(row) for name, read in values}


def _related(each: Field, shape: Shape) -> Read | None:
    """By a path over foreign keys; None for what is in the row itself."""
    path = each.source_attrs
    if isinstance(each, relations.SlugRelatedField):
        path = [*path, *each.slug_field.split("__")]
    elif type(each) is relations.PrimaryKeyRelatedField and each.pk_field is None:
        return _column(shape.column(str(each.source)), None)
    if len(path) < 2:
        return None
    write = None if isinstance(each, relations.SlugRelatedField) else _writer(each)
    may_be_none = each.allow_null or each.default is None
    last_step = len(path) - 1 - isinstance(each, relations.SlugRelatedField)
    model = shape.model
    for step, name in enumerate(path[:-1]):
        key = _field(model, name)
        if not (key.many_to_one or key.one_to_one):
            raise Unknown
        # DRF leaves a field out where a row on the way to it is missing.
        if step < last_step and not may_be_none and (key.auto_created or key.null):
            raise Unknown
        model = key.related_model
    if not _field(model, path[-1]).concrete:
        raise Unknown
    return _column(shape.join("__".join(path)), write)


def _written(each: Field, shape: Shape) -> Read:
    """By a column of the row."""
    if len(each.source_attrs) != 1:
        raise Unknown
    column = _field(shape.model, each.source_attrs[0])
    if not column.concrete or (column.is_relation and each.source != column.attname):
        raise Unknown
    return _column(shape.column(column.name), _writer(each))


def _field(model: type[models.Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        raise Unknown from None


def _column(attribute: str, write: Read | None) -> Read:
    # From `__dict__`: a column that was not fetched is an error here, and never a query.
    if write is None:
        return lambda row: row.__dict__[attribute]

    def read(row: Any) -> Any:
        value = row.__dict__[attribute]
        return None if value is None else write(value)

    return read


def _or_none(value: Any, write: Read | None) -> Any:
    return value if value is None or write is None else write(value)


def _writer(each: Field) -> Read | None:
    """How the field writes a value; None: as it is."""
    if type(each) not in WRITTEN:
        raise Unknown
    if type(each) in TEXTS:
        return str
    if type(each) is fields.IntegerField:
        return int
    if type(each) is fields.DateTimeField and not hasattr(each, "format"):
        return _instant
    return None if type(each) is fields.ReadOnlyField else each.to_representation


def _instant(value: datetime.datetime) -> str:
    """ISO 8601 in UTC, the only zone of the API."""
    text = value.astimezone(datetime.UTC).isoformat()
    return f"{text[:-6]}Z"
