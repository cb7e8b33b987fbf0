"""What the API itself must remember: answers that a repeated POST gets again."""

import datetime
from typing import Self

from django.db import models

from config import clock

KEPT_FOR = datetime.timedelta(hours=24)


class IdempotentRequestQuerySet(models.QuerySet["IdempotentRequest"]):
    """Kept answers, by age."""

    def expired(self) -> Self:
        """Older than the time for which a key holds."""
        return self.filter(created_at__lte=clock.now() - KEPT_FOR)


class IdempotentRequest(models.Model):
    """One POST with an Idempotency-Key, and its answer.

    Inserted in the transaction of the write itself. Key and caller are kept as a hash, and the
    answer is encrypted with the key: it may hold what only its caller may see.
    """

    digest = models.CharField(max_length=64, help_text="Of caller, method, path and key.")
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    answer = models.TextField()
    created_at = models.DateTimeField(default=clock.now)

    objects = IdempotentRequestQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["created_at"], name="idempotent_age")]
        constraints = [models.UniqueConstraint(fields=["digest"], name="idempotent_once")]

    def __str__(self) -> str:
        return f"{self.digest[:8]} answered {self.status}"
