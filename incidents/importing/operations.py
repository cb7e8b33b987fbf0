"""Previewing a file and applying it: the same steps, of which a preview takes everything back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from config import clock
from config.access.rules import Level
from config.access.visibility import Containers, access_for
from config.audit.tracking import lock
from config.errors import DomainError, NotAllowed, Refused
from config.events.operations import record
from config.organisation.models import User
from config.origin import Origin, acting
from incidents.importing.models import CatalogueImport
from incidents.importing.rules import COLUMNS, ImportState, Row, identity_of, rows_of
from incidents.importing.taking import Outcome, take_component, take_dependency, take_service

_TAKES: Mapping[str, Callable[[Row, User, str], Outcome]] = {
    "services": take_service,
    "components": take_component,
    "dependencies": take_dependency,
}


@transaction.atomic
def preview(*, actor: User, what: str, format: str, content: str) -> CatalogueImport:
    """Read the file and say what each row would do, by doing it and taking it back.

    Raises `NotAllowed` for who works nowhere, `Invalid` where the file can't be read as a whole.
    """
    works = access_for(actor).containers(Level.RESPOND)
    if not (actor.is_superuser or works != Containers()):
        raise NotAllowed("Who works on services imports them.", audit=True)
    made = CatalogueImport(what=what, format=format, content=content, by=actor)
    made.full_clean()
    rows = rows_of(what, format, content)
    with transaction.atomic():
        made.rows = _take_all(what, rows, actor, "Preview of an import")
        transaction.set_rollback(True)
    made.save_as(actor)
    record("catalogue.import_previewed", made, actor=actor, what=what, **_counts(made))
    return made


@transaction.atomic
def apply(found: CatalogueImport, *, actor: User) -> CatalogueImport:
    """Do what the file says, as of now: all rows, or, where one is wrong, none.

    Each change goes through its own operation, with origin import. Applying the same file again
    changes nothing. Raises `Refused` (`import_has_errors`, `import_applied`).
    """
    lock(found)
    if found.state == ImportState.APPLIED:
        raise Refused("This import was applied already.", code="import_applied")
    rows = rows_of(found.what, found.format, found.content)
    with acting(Origin.IMPORT):
        found.rows = _take_all(found.what, rows, actor, f"Import {found.pk}")
    wrong = found.count(Outcome.WRONG)
    if wrong:
        raise Refused(
            f"{wrong} rows can't be taken; put them right and preview the file again.",
            code="import_has_errors",
        )
    found.state, found.applied_at = ImportState.APPLIED, clock.now()
    found.save_as(actor, "state", "applied_at", "rows")
    record("catalogue.imported", found, actor=actor, what=found.what, **_counts(found))
    return found


def _take_all(what: str, rows: Sequence[Row], actor: User, reason: str) -> list[dict[str, Any]]:
    """Each row in a savepoint of its own: a wrong one is told and takes nothing with it."""
    found = []
    for number, row in enumerate(rows, start=1):
        outcome, errors = _take(_TAKES[what], row, actor, reason)
        about = identity_of(what, row)
        found.append({"row": number, "about": about, "outcome": outcome, "errors": errors})
    return found


def _take(
    take: Callable[[Row, User, str], Outcome], row: Row, actor: User, reason: str
) -> tuple[Outcome, list[dict[str, str]]]:
    try:
        with transaction.atomic():
            return take(row, actor, reason), []
    except ValidationError as error:
        by_field = error.update_error_dict({})
        return Outcome.WRONG, [
            {"column": "" if name == "__all__" else _column(name), "text": text}
            for name, errors in by_field.items()
            for each in errors
            for text in each.messages
        ]
    except DomainError as error:
        return Outcome.WRONG, [{"column": error.field or "", "text": error.detail}]


def _column(field: str) -> str:
    """Flags are fields with a prefix, and columns without."""
    short = field.removeprefix("is_")
    known = {name for columns in COLUMNS.values() for name in columns}
    return short if short in known else field


def _counts(found: CatalogueImport) -> dict[str, Any]:
    return {outcome.value: found.count(outcome) for outcome in Outcome}
