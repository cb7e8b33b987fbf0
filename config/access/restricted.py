"""Records that may be restricted, and what hangs on them: for those alone who were let in.

A room says it once, beside its models:

    may_be_restricted(Incident, name="reference")            # it has `is_restricted`
    hangs_on(EscalationRun, Incident, "incident")            # its rights are the incident's
    hangs_on(EscalationRecord, Incident, "run__incident")
    hangs_on(Page, Incident, "incident", owner="responder")  # one's own page is seen in any case
    hangs_on(Alert, Incident, "incident", inherits=False)    # it has a team of its own

`visible_records` and `may` follow the path, rows in lists and pages leave a trace where the record
is restricted, and the platform's own tables (events, timers, messages, grants; see `telling`) keep
to themselves what they hold about such a row. A model with a key to such a record that says
nothing fails the tests.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)

type Rows = QuerySet[Any]
_KEYS = ArrayField(BigIntegerField())


class AmongKeys(Func):
    """Whether the first is an element of the second, an array."""

    template, arg_joiner = "(%(expressions)s))", " = ANY("
    output_field = BooleanField()


class AmongNames(Func):
    """Whether the first is an element of the second, a list in JSON."""

    template, arg_joiner = "(%(expressions)s))))", " = ANY(ARRAY(SELECT jsonb_array_elements_text("
    output_field = BooleanField()


class _ArrayOf(Func):
    template = "ARRAY[%(expressions)s]"
    output_field = _KEYS


@dataclass(frozen=True)
class Tie:
    """How the rows of a model lead to the record that may be restricted.

    `path` is empty for the record itself. `listed`: the path is a JSON list of records' names.
    `owner` names the key of the person who sees a row in any case. `unknown` names the attribute
    that is true while nobody can say yet on which record a row hangs: until then it is concealed.
    """

    model: type[models.Model]
    to: str
    path: str = ""
    inherits: bool = True
    owner: str = ""
    listed: bool = False
    unknown: str = ""

    @property
    def record(self) -> type[models.Model]:
        """The model of the record."""
        return apps.get_model(self.to)

    @property
    def prefix(self) -> str:
        """What leads from a row to the containers from which it inherits its rights."""
        return f"{self.path}__" if self.path and self.inherits else ""

    def is_unrestricted(self) -> Q:
        """The rows that hang on no restricted record."""
        if self.listed:
            return ~Q(Exists(self.records(restricted(self.record))))
        found = Q(**{f"{self.path}__is_restricted" if self.path else "is_restricted": False})
        return found | Q(**{f"{self.path}__isnull": True}) if self._may_be_none() else found

    def is_admitted(self, let_in: Collection[int], reader: int | None) -> Q:
        """The rows on records into which the reader was let, and the reader's own."""
        found = Q(**{f"{self.path or 'pk'}__any_of": let_in}) if let_in else Q(pk__in=())
        return found | Q(**{self.owner: reader}) if self.owner and reader else found

    def is_open(self, let_in: Collection[int], reader: int | None) -> Q:
        """The rows that hang on no restricted record but those into which the reader was let."""
        if self.listed:
            return ~Q(Exists(self.records(restricted(self.record, let_in))))
        return self.is_unrestricted() | self.is_admitted(let_in, reader)

    def records(self, secret: Rows) -> Rows:
        """For a subquery: those of the secret records on which the outer row hangs."""
        if self.listed:
            name = F(_names[self.to])
            return secret.filter(AmongNames(name, OuterRef(self.path)))
        return secret.filter(pk=OuterRef(self.path or "pk"))

    def records_of_row(self, key: str, secret: Rows) -> Rows:
        """The same for a table whose column `key` names a row of this model."""
        if not self.path:
            return secret.filter(pk=OuterRef(key))
        rows = self.model._base_manager.filter(pk=OuterRef(OuterRef(key))).values(self.path)[:1]
        if self.listed:
            return secret.filter(AmongNames(F(_names[self.to]), Subquery(rows)))
        return secret.filter(pk=Subquery(rows))

    def records_of_rows(self, keys: str, secret: Rows) -> Rows:
        """The same for a table whose column `keys` is an array of such names."""
        if not self.path:
            return secret.filter(AmongKeys(F("pk"), OuterRef(keys)))
        rows = self.model._base_manager.filter(AmongKeys(F("pk"), OuterRef(OuterRef(keys))))
        if self.listed:
            name = OuterRef(_names[self.to])
            return secret.filter(Exists(rows.filter(AmongNames(name, F(self.path)))))
        return secret.filter(Exists(rows.filter(**{self.path: OuterRef("pk")})))

    def records_of(self, row: Any) -> Iterator[Any]:
        """The records on which a row hangs; asks the database where the row has not read them."""
        if not self.path:
            yield row
        elif self.listed:
            names = {f"{_names[self.to]}__in": getattr(row, self.path)}
            yield from self.record._base_manager.filter(**names)
        else:
            for name in self.path.split("__"):
                row = getattr(row, name) if row is not None else None
            if row is not None:
                yield row

    def is_owned_by(self, row: Any, reader: int | None) -> bool:
        """Whether it is the reader's own row, to be seen in any case."""
        return bool(self.owner) and getattr(row, f"{self.owner}_id") == reader

    def restricted_keys(self) -> Any:
        """An expression for each row: the keys of the restricted records on which it hangs."""
        if self.listed:
            return ArraySubquery(self.records(restricted(self.record)).values("pk"))
        on_one = When(**{f"{self.path}__is_restricted": True}, then=_ArrayOf(F(self.path)))
        return Case(on_one, default=Value([], output_field=_KEYS))

    def _may_be_none(self) -> bool:
        options = self.model._meta
        for name in filter(None, self.path.split("__")):
            field: Any = options.get_field(name)
            if field.null:
                return True
            options = field.related_model._meta
        return False


@dataclass(frozen=True)
class Mention:
    """One way in which a row tells of secret records: on which condition, and of which ones."""

    condition: Q
    records: Rows


Teller = Callable[[Rows], Iterable[Mention]]
_names: dict[str, str] = {}
_ties: dict[str, Tie] = {}
_tellers: dict[str, tuple[type[models.Model], Teller]] = {}


def may_be_restricted(model: type[models.Model], *, name: str) -> None:
    """Rows of the model have `is_restricted`; `name` is the field by which people know them."""
    _names[model._meta.label_lower] = name
    _ties[model._meta.label_lower] = Tie(model, model._meta.label_lower)


def hangs_on(
    model: type[models.Model], record: type[models.Model] | str, path: str, **how: Any
) -> None:
    """Rows of the model hang on the record at the end of the path; for the rest see `Tie`."""
    label = record if isinstance(record, str) else record._meta.label
    _ties[model._meta.label_lower] = Tie(model, label.lower(), path, **how)


def tells(*told: type[models.Model]) -> Callable[[Teller], Teller]:
    """Register for a table of the platform which of the secret records its outer row tells of."""

    def register(teller: Teller) -> Teller:
        for model in told:
            _tellers[model._meta.label_lower] = (model, teller)
        return teller

    return register


def tie_of(model: type[models.Model]) -> Tie | None:
    """How rows of the model lead to a record that may be restricted."""
    return _ties.get(model._meta.label_lower)


def ties_to(record: type[models.Model]) -> list[Tie]:
    """Of the record itself, and of all that hangs on it."""
    found = (tie for tie in _ties.values() if tie.to == record._meta.label_lower)
    return sorted(found, key=lambda tie: tie.path != "")


def tied_models() -> list[type[models.Model]]:
    """The records that may be restricted, and all that hangs on them."""
    return [tie.model for tie in _ties.values()]


def telling_models() -> list[type[models.Model]]:
    """The tables of the platform that tell of records by name or key."""
    return [model for model, _ in _tellers.values()]


def records() -> list[type[models.Model]]:
    """The models whose rows may be restricted."""
    return [apps.get_model(label) for label in _names]


def name_field(record: type[models.Model]) -> str:
    """The field by which people know the record."""
    return _names[record._meta.label_lower]


def restricted(record: type[models.Model], let_in: Collection[int] = ()) -> Rows:
    """The restricted records, but for those into which somebody was let."""
    rows = record._base_manager.filter(is_restricted=True)
    return rows.exclude(pk__any_of=let_in) if let_in else rows


def unrestricted(rows: Rows) -> Rows:
    """Without what hangs on restricted records: for figures that anybody may read."""
    tie = _ties[rows.model._meta.label_lower]
    return rows.filter(tie.is_unrestricted())


def tells_of(model: type[models.Model], *secrets: Rows) -> Case:
    """Whether a row of a telling table tells of one of the secret records; never NULL."""
    ways = [mention for secret in secrets for mention in _mentions(model, secret)]
    return Case(
        *(When(way.condition & Q(Exists(way.records)), then=Value(True)) for way in ways),
        default=Value(False),
    )


def names_behind(kind: str, keys: str) -> Case:
    """For each row: the names of the records that the column `keys` holds, by which people know."""
    known = ((label, apps.get_model(label), name) for label, name in _names.items())
    return Case(
        *(
            When(
                Q(**{kind: label}),
                then=ArraySubquery(
                    record._base_manager.filter(AmongKeys(F("pk"), OuterRef(keys)))
                    .order_by("pk")
                    .values(name)
                ),
            )
            for label, record, name in known
        ),
        default=Value([], output_field=ArrayField(TextField())),
        output_field=ArrayField(TextField()),
    )


def is_telling(model: type[models.Model]) -> bool:
    """Whether it is such a table."""
    return model._meta.label_lower in _tellers


def traced(rows: Rows) -> Rows:
    """With the keys of the restricted records that each row tells of, for the trace of its read."""
    tie = tie_of(rows.model)
    marks: dict[str, Any] = {}
    if tie is not None and tie.path:
        marks = {mark(tie.record): tie.restricted_keys()}
    elif tie is None and is_telling(rows.model):
        marks = {mark(record): _told_keys(rows.model, record) for record in records()}
    return rows.annotate(**marks) if marks else rows


def mark(record: type[models.Model]) -> str:
    """The attribute of traced rows that holds those keys."""
    return f"restricted_{record._meta.model_name}_keys"


def _told_keys(model: type[models.Model], record: type[models.Model]) -> Case:
    ways = _mentions(model, restricted(record))
    return Case(
        *(When(way.condition, then=ArraySubquery(way.records.values("pk"))) for way in ways),
        default=Value([], output_field=_KEYS),
    )


def _mentions(model: type[models.Model], secret: Rows) -> Iterable[Mention]:
    _, teller = _tellers[model._meta.label_lower]
    return teller(secret)
