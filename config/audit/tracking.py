"""Tracked models: nothing is saved without who, when, why and from where."""

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, models
from simple_history.models import HistoricalRecords

from config import clock, origin
from config.audit import appending
from config.audit.checking import CheckedTogether

if TYPE_CHECKING:
    from config.organisation.models import User

_saving: ContextVar[bool] = ContextVar("tracked_save", default=False)


class UntrackedWrite(RuntimeError):
    """Code tried to write a tracked or append-only row past its history."""


class TrackedQuerySet[M: models.Model](models.QuerySet[M]):
    """Reads as any queryset; its bulk writes are closed, as they would skip history."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Closed: use an operation."""
        raise UntrackedWrite(f"{self.model.__name__}: update() would skip the history")

    def delete(self) -> NoReturn:
        """Closed: use `delete_as` on each row."""
        raise UntrackedWrite(f"{self.model.__name__}: delete() would skip the history")

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> NoReturn:
        """Closed: use `save_as` on each row."""
        raise UntrackedWrite(f"{self.model.__name__}: bulk_create() would skip the history")

    def bulk_update(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> NoReturn:
        """Closed: use `save_as` on each row."""
        raise UntrackedWrite(f"{self.model.__name__}: bulk_update() would skip the history")


class HistoryRow(models.Model):
    """What every history row carries beside the fields: where the change came from."""

    origin = models.CharField(
        max_length=10, choices=origin.Origin.choices, default=origin.current, editable=False
    )

    class Meta:
        abstract = True


class TrackedHistory(HistoricalRecords):
    """simple-history with origin, a full-text reason, and only the indexes that reading needs.

    A model names fields that must not enter its history in `history_excluded`.
    """

    def __init__(self) -> None:
        super().__init__(
            bases=[HistoryRow],
            history_change_reason_field=models.TextField(blank=True, default=""),
            user_model=settings.AUTH_USER_MODEL,
            user_db_constraint=False,
            inherit=True,
        )

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        """Add (key, history_id): one record's history is read newest first."""
        options: dict[str, Any] = super().get_meta_options(model)
        name = f"{model._meta.model_name}_hist"[:28]
        options["indexes"] = [models.Index(fields=[model._meta.pk.name, "-history_id"], name=name)]
        return options

    def fields_included(self, model: type[models.Model]) -> list[Any]:
        """All concrete fields but those that the model keeps out of its history."""
        excluded = getattr(model, "history_excluded", ())
        return [field for field in super().fields_included(model) if field.name not in excluded]

    def copy_fields(self, model: type[models.Model]) -> dict[str, Any]:
        """The model's fields, without their indexes: history is read by key and by date."""
        fields: dict[str, Any] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False
        return fields

    def create_historical_record(
        self, instance: models.Model, history_type: str, using: str | None = None
    ) -> None:
        """Insert the row of history by a statement that is put together once a model.

        The library would build a manager, a row and its SQL for each, and send signals, of which
        the product has none.
        """
        alias = using or instance._state.db or DEFAULT_DB_ALIAS
        own: dict[str, Any] = {
            "history_date": getattr(instance, "_history_date", None) or clock.now(),
            "history_user_id": getattr(self.get_history_user(instance), "pk", None),
            "history_change_reason": getattr(instance, "_change_reason", None) or "",
            "history_type": history_type,
            "origin": origin.current(),
        }

        def value_of(field: appending.Field) -> Any:
            name = field.attname
            return own[name] if name in own else getattr(instance, name)

        part = _history_part(type(instance), self.manager_name)
        appending.statement((part,), alias).run([value_of], alias)


@cache
def _history_part(model: type[models.Model], manager: str) -> appending.Part:
    meta = getattr(model, manager).model._meta
    fields = (field for field in meta.local_concrete_fields if not field.primary_key)
    return appending.Part(meta.model, tuple(fields))


class Kept(models.Model):
    """A row of a kind that operations write all the time."""

    class Meta:
        abstract = True

    def _do_insert(
        self,
        manager: Any,
        using: str,
        fields: Sequence[Any],
        returning_fields: Sequence[Any],
        raw: bool,
    ) -> list[tuple[Any, ...]]:
        """Django's own step between its signals, by a statement that is compiled only once."""
        part = appending.Part(manager.model, tuple(fields), tuple(returning_fields))
        returned = None if raw else appending.insert(self, part, using)
        if returned is not None:
            return [tuple(returned)]
        rows: list[tuple[Any, ...]] = super()._do_insert(  # type: ignore[misc]  # not in the stubs
            manager, using, fields, returning_fields, raw
        )
        return rows


class Tracked(CheckedTogether, Kept):
    """A record of truth: saved only by `save_as`, with its history beside it.

    `revision` counts the saves; the API's ETag and stale-form checks read it.
    """

    history_excluded: ClassVar[tuple[str, ...]] = ()

    revision = models.PositiveIntegerField(default=0, editable=False)

    if TYPE_CHECKING:  # a manager of an abstract base would count as a class variable
        objects: Any
    else:
        objects = TrackedQuerySet.as_manager()
    history = TrackedHistory()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Closed outside `save_as`."""
        if not _saving.get():
            raise UntrackedWrite(f"{type(self).__name__} is tracked: use save_as(actor, ...)")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Closed outside `delete_as`."""
        if not _saving.get():
            raise UntrackedWrite(f"{type(self).__name__} is tracked: use delete_as(actor, ...)")
        return super().delete(*args, **kwargs)

    def save_as(self, actor: "User", *fields: str, reason: str = "") -> Self:
        """Save (only `fields`, when named) and write the history row, in the caller's transaction.

        Raises `UntrackedWrite` without an actor who is stored.
        """
        if actor.pk is None:
            raise UntrackedWrite("save_as needs an actor")
        names = {*fields, "revision"} if fields and self.pk is not None else None
        self.revision += 1
        return self._write(actor, reason, lambda: models.Model.save(self, update_fields=names))

    def delete_as(self, actor: "User", *, reason: str = "") -> None:
        """Remove a child row; the history row of kind '-' keeps what it was."""
        self._write(actor, reason, lambda: models.Model.delete(self))

    def _write(self, actor: "User", reason: str, write: Any) -> Self:
        self._history_user = actor
        self._change_reason = origin.said_for(reason, actor.pk)
        self._history_date = clock.now()
        token = _saving.set(True)
        try:
            write()
        finally:
            _saving.reset(token)
        return self


class AppendOnlyQuerySet[M: models.Model](models.QuerySet[M]):
    """Reads, and appends; the database refuses the rest as well."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Closed: append-only."""
        raise UntrackedWrite(f"{self.model.__name__} is append-only")

    def delete(self) -> NoReturn:
        """Closed: append-only."""
        raise UntrackedWrite(f"{self.model.__name__} is append-only")


class AppendOnly(Kept):
    """Rows that are inserted once, sealed in the ledger, and never change."""

    if TYPE_CHECKING:  # as above
        objects: Any
    else:
        objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused."""
        if not self._state.adding:
            raise UntrackedWrite(f"{type(self).__name__} is append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Closed: append-only."""
        raise UntrackedWrite(f"{type(self).__name__} is append-only")


def append(*rows: models.Model, using: str = DEFAULT_DB_ALIAS) -> None:
    """Insert new rows by one statement; each may refer to one before it. Never tracked rows."""
    for row in rows:
        if isinstance(row, Tracked):
            raise UntrackedWrite(f"{type(row).__name__} is tracked: use save_as(actor, ...)")
        if not row._state.adding:
            raise UntrackedWrite(f"{type(row).__name__} {row.pk} is stored already")
    appending.insert_together(rows, using)


def lock[M: models.Model](row: M) -> M:
    """Lock the row until the transaction ends, and refresh the caller's own object.

    FOR NO KEY UPDATE: others may still insert rows that refer to it. Unsaved edits are lost.
    """
    queryset = row.__class__._base_manager.select_for_update(no_key=True, of=("self",))
    row.refresh_from_db(from_queryset=queryset)
    return row
