"""From a refusal to what the person at the form reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models
from django.forms import BaseForm
from django.http import HttpRequest

from config.access.refusals import record_refusal
from config.adminkit.scoping import actor_of
from config.errors import DomainError

REFUSALS = (DomainError, ValidationError, IntegrityError)


def texts_of(error: Exception) -> dict[str, list[str]]:
    """What to say, by field; `__all__` for what concerns no single field."""
    if isinstance(error, DomainError):
        return {error.field or NON_FIELD_ERRORS: [error.detail, *_extras(error)]}
    if isinstance(error, ValidationError):
        if hasattr(error, "error_dict"):
            return {field: list(found) for field, found in error.message_dict.items()}
        return {NON_FIELD_ERRORS: list(error.messages)}
    return {NON_FIELD_ERRORS: [_constraint_text(error)]}


def add_to(form: BaseForm, error: Exception) -> None:
    """Put the refusal into the form, beside its field where the form has that one."""
    code = error.public_code if isinstance(error, DomainError) else None
    for field, found in _by_field(error).items():
        for each in found:
            named = each if isinstance(each, ValidationError) else ValidationError(each, code=code)
            form.add_error(field if field in form.fields else None, named)


def _by_field(error: Exception) -> Mapping[str, Sequence[str | ValidationError]]:
    """As `texts_of`, with the codes of errors that have one each."""
    if isinstance(error, ValidationError) and hasattr(error, "error_dict"):
        found: dict[str, list[ValidationError]] = error.error_dict
        return found
    return texts_of(error)


def as_message(request: HttpRequest, error: Exception, *, about: str = "") -> None:
    """Say it at the top of the next page."""
    messages.error(request, f"{about}: {as_text(error)}" if about else as_text(error))


def as_text(error: Exception) -> str:
    """All of it in one line."""
    return " ".join(text for texts in texts_of(error).values() for text in texts)


def leave_trace(request: HttpRequest, error: Exception, *, about: Any = None) -> None:
    """Record a refusal that matters to security, after the rollback of what was refused.

    It is about a row of its own in a loop over several, else about the one that the page shows.
    """
    if isinstance(error, DomainError) and error.audit:
        about = about or getattr(request, "_watchbill_record", None)
        where = f"{request.method} {request.path}"
        record_refusal(error, actor=actor_of(request), where=where, about=about)


def _extras(error: DomainError) -> list[str]:
    found = []
    if allowed := error.extra.get("allowed"):
        found.append(f"Possible now: {', '.join(str(verb) for verb in allowed)}.")
    found += [str(blocker["text"]) for blocker in error.extra.get("blockers", ())]
    return found


def _constraint_text(error: Exception) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", None)
    constraint = _constraints().get(name) if name else None
    if constraint is not None:
        return str(constraint.get_violation_error_message())
    return f"The database refused this ({name or 'integrity'}): it contradicts other records."


def _constraints() -> dict[str, models.BaseConstraint]:
    return {
        constraint.name: constraint
        for model in apps.get_models(include_auto_created=True)
        for constraint in model._meta.constraints
    }
