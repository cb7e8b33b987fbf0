"""Refusals that matter to security leave a trace although the change was rolled back."""

from typing import Any

import structlog
from django.db import DatabaseError, models, transaction

from config.errors import DomainError
from config.events.operations import record
from config.organisation.models import User

logger = structlog.get_logger(__name__)


def record_refusal(
    error: DomainError, *, actor: Any, where: str, about: models.Model | None = None
) -> None:
    """Record `access.refused` in a transaction of its own; call it after the rollback.

    `about` is the record that was asked for: who may not see it won't read of the refusal either.
    The refusal stands even where it can't be recorded: that is logged.
    """
    who = actor if isinstance(actor, User) else None
    logger.warning("refused", code=error.public_code, where=where, user=who and who.pk)
    try:
        with transaction.atomic():
            record(
                "access.refused",
                about if isinstance(getattr(about, "pk", None), int) else None,
                actor=who or User.objects.system(),
                reason=error.detail,
                code=error.public_code,
                where=where[:300],
            )
    except DatabaseError:
        logger.exception("a refusal could not be recorded", code=error.public_code)
