"""Rows that fall due. Nothing that must happen sleeps in memory."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Now

from config import clock


class DueQuerySet[M: models.Model](models.QuerySet[M]):
    """Due rows by how they stand."""

    def open(self) -> Self:
        """Still to be done."""
        return self.filter(done_at=None, dead_at=None)

    def dead(self) -> Self:
        """Dead letters: given up after too many failures, or parked for want of their code."""
        return self.filter(dead_at__isnull=False, done_at=None)


class DueRow(models.Model):
    """What every due row has: when, who holds it, how often it was tried, how it ended.

    `due_at` is the promise and never moves by itself; `next_at` is when a worker may take the
    row: first `due_at`, then the end of a lease or of a back-off.
    """

    due_at = models.DateTimeField(default=clock.now)
    next_at = models.DateTimeField(default=clock.now, editable=False)
    token = models.UUIDField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    last_error = models.TextField(blank=True, editable=False)
    done_at = models.DateTimeField(null=True, editable=False)
    dead_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DueQuerySet.as_manager()

    class Meta:
        abstract = True
        default_permissions = ()

    @staticmethod
    def indexes(prefix: str) -> list[models.Index]:
        """The index from which workers claim, and the one that lists dead letters."""
        return [
            models.Index(
                fields=["next_at", "id"],
                name=f"{prefix}_open",
                condition=models.Q(done_at__isnull=True, dead_at__isnull=True),
            ),
            models.Index(
                fields=["-dead_at"],
                name=f"{prefix}_dead",
                condition=models.Q(dead_at__isnull=False, done_at__isnull=True),
            ),
        ]

    @staticmethod
    def constraints(prefix: str) -> list[models.BaseConstraint]:
        """A row is open, done or dead."""
        return [
            models.CheckConstraint(
                condition=models.Q(done_at__isnull=True) | models.Q(dead_at__isnull=True),
                name=f"{prefix}_done_or_dead",
            )
        ]

    @property
    def is_open(self) -> bool:
        """True while it is still to be done."""
        return self.done_at is None and self.dead_at is None


class Timer(DueRow):
    """Something that the database must do at a time: page the next tier, expire, remind."""

    kind = models.CharField(max_length=80)
    key = models.CharField(max_length=200, help_text="Names the one open timer of this purpose.")
    root_type = models.CharField(max_length=80)
    root_id = models.BigIntegerField()
    data = models.JSONField(default=dict)

    class Meta(DueRow.Meta):
        indexes = [
            *DueRow.indexes("timer"),
            models.Index(fields=["root_type", "root_id"], name="timer_root"),
        ]
        constraints = [
            *DueRow.constraints("timer"),
            models.UniqueConstraint(
                fields=["kind", "key"],
                condition=models.Q(done_at__isnull=True, dead_at__isnull=True),
                name="timer_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} due {self.due_at:%Y-%m-%d %H:%M:%S}"


class Channel(models.TextChoices):
    """How a message leaves the house."""

    MAIL = "mail", "Mail"
    WEBHOOK = "webhook", "Webhook"


class OutboundMessage(DueRow):
    """One message to one address: its text is made in the sending thread, from the state then."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=80, help_text="Names the @outbound function.")
    channel = models.CharField(max_length=20, choices=Channel.choices)
    address = models.CharField(max_length=500)
    provider = models.CharField(
        max_length=300, editable=False, help_text="Whose slowness it shares: mail, or a host."
    )
    urgent = models.BooleanField(default=False, editable=False)
    root_type = models.CharField(max_length=80)
    root_id = models.BigIntegerField()
    data = models.JSONField(default=dict)
    outcome = models.CharField(max_length=20, blank=True, editable=False)

    class Meta(DueRow.Meta):
        indexes = [
            *DueRow.indexes("outbound"),
            models.Index(fields=["root_type", "root_id"], name="outbound_root"),
        ]
        constraints = [*DueRow.constraints("outbound")]

    def __str__(self) -> str:
        return f"{self.purpose} to {self.address}"


class AttemptOutcome(models.TextChoices):
    """How one attempt to send ended."""

    SENT = "sent", "Sent"
    SKIPPED = "skipped", "Not needed any more"
    FAILED = "failed", "Failed, will be tried again"
    REFUSED = "refused", "Refused for good"


class Attempt(models.Model):
    """One attempt to send one message: began, ended, what the provider said."""

    message = models.ForeignKey(OutboundMessage, models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=AttemptOutcome.choices)
    answer = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["message", "number"], name="attempt_message")]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"


class Installation(models.Model):
    """The one row by which a database knows which installation it belongs to."""

    SINGLE: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    installation_id = models.UUIDField(default=uuid.uuid4)
    heartbeat_at = models.DateTimeField(null=True)
    outbound_paused_at = models.DateTimeField(null=True)
    paused_because = models.CharField(max_length=200, blank=True)
    is_demo = models.BooleanField(default=False)
    facts: Any = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_single")]

    def __str__(self) -> str:
        return str(self.installation_id)


class WorkerHeartbeat(models.Model):
    """One running worker or cluster: what the health page reads."""

    name = models.CharField(max_length=120, unique=True)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Counter(models.Model):
    """Counts that must hold across processes: rate limits and lock-outs. UNLOGGED: may be lost."""

    key = models.CharField(max_length=200, primary_key=True)
    count = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="counter_expiry")]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"
