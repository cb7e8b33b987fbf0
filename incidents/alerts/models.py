"""Sources that send us alerts, the inbox of what they sent, and the alerts made of it."""

import datetime
import hashlib
import secrets
import string
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Func, Q, Value

from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Level as AccessLevel
from config.access.rules import Need, Role, level
from config.access.visibility import Access, access_for, register_verbs, visible_records
from config.audit.install import register_sql
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation.models import Team, User
from incidents.alerts.rules import Status
from incidents.catalog.models import Service
from incidents.intake.models import IntakeItem
from incidents.lifecycle.models import Incident
from incidents.taxonomy.models import Level

TOKEN_LENGTH = 32
TOKEN_ALPHABET = string.ascii_lowercase + string.digits
MANAGERS = Need(level=AccessLevel.MANAGE, roles=frozenset({Role.INTEGRATOR}))
READERS = (Role.INTEGRATOR, Role.AUDITOR)


class Adapter(models.TextChoices):
    """In which tool's words a source speaks."""

    ALERTMANAGER = "alertmanager", "Prometheus Alertmanager"
    GRAFANA = "grafana", "Grafana"
    PAGERDUTY = "pagerduty", "PagerDuty Events v2"
    OPSGENIE = "opsgenie", "Opsgenie Alert API"
    GENERIC = "generic", "Generic JSON"


class IngestSourceQuerySet(TrackedQuerySet["IngestSource"]):
    """Sources, by what one may see."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The sources of the user's containers."""
        return self.filter(visible_records(user, self.model))


class IngestSource(Tracked):
    """A tool that sends alerts, with the token that lets it in; owned by a team.

    Only digests of tokens are kept. During a rotation the previous token stays valid until
    `previous_until`.
    """

    name = models.CharField(max_length=100)
    adapter = models.CharField(max_length=30, choices=Adapter.choices)
    team = models.ForeignKey(Team, models.PROTECT, related_name="ingest_sources")
    service = models.ForeignKey(
        Service,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ingest_sources",
        verbose_name="default service",
        help_text="For alerts that name none; without it they go to the triage queue.",
    )
    account = models.ForeignKey(
        User,
        models.PROTECT,
        related_name="ingest_sources",
        editable=False,
        help_text="The service account in whose name its alerts act.",
    )
    is_active = models.BooleanField("active", default=True)
    rate_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: the setting ingest.rate_per_minute holds."
    )
    hint = models.CharField(max_length=4, editable=False, help_text="How the token begins.")
    token_digest = models.CharField(max_length=64, editable=False)
    previous_digest = models.CharField(max_length=64, blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = IngestSourceQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["previous_digest"],
                name="source_previous_digest",
                condition=~Q(previous_digest=""),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="source_name_unique",
                violation_error_code="source_name_unique",
                violation_error_message="A source with this name exists.",
            ),
            models.UniqueConstraint(fields=["token_digest"], name="source_token_unique"),
            models.CheckConstraint(
                condition=Q(rate_per_minute__isnull=True) | Q(rate_per_minute__gte=1),
                name="source_rate_positive",
                violation_error_code="source_rate_positive",
                violation_error_message="The rate is at least 1 a minute; or leave it empty.",
            ),
            models.CheckConstraint(
                condition=Q(previous_digest="", previous_until__isnull=True)
                | (~Q(previous_digest="") & Q(previous_until__isnull=False)),
                name="source_previous_has_end",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def new_token() -> str:
        """A fresh token, to be shown once: 165 random bits, and a valid PagerDuty routing key."""
        return "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(TOKEN_LENGTH))

    @staticmethod
    def digest_of(token: str) -> str:
        """SHA-256 in hex: the token is random, so a slow hash adds nothing."""
        return hashlib.sha256(token.encode()).hexdigest()


class PayloadKind(models.TextChoices):
    """What a body is about."""

    ALERTS = "alerts", "Alerts"
    CHANGE = "change", "A change"
    TEST = "test", "A test alert"


class PayloadState(models.TextChoices):
    """How far a body has come."""

    NEW = "new", "New"
    DONE = "done", "Done"
    QUARANTINED = "quarantined", "Quarantined"


class RawPayloadQuerySet(models.QuerySet["RawPayload"]):
    """Bodies, by state and by what one may see."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those in reach, but for what became of restricted incidents.

        Nobody sees one that has not been read: it may turn out to be about a restricted incident.
        """
        rows = self.in_reach_of(user)
        if user.is_superuser:
            return rows
        opened: Self = access_for(user).open_rows(rows.read())  # type: ignore[assignment]  # the same class
        return opened

    def in_reach_of(self, user: User | AnonymousUser) -> Self:
        """Of sources whose team the user manages or audits: a body may say more than its alerts."""
        access = access_for(user)
        reach = (access.containers(AccessLevel.MANAGE), access.holding(READERS))
        if any(each.everything for each in reach):
            return self.all()  # an empty Q would vanish beside the other in `|`
        managed, held = (each.records_filter(service=None, team="source__team") for each in reach)
        return self.filter(managed | held)

    def read(self) -> Self:
        """Those that a worker has gone through at least once, and tests: about nothing secret."""
        return self.filter(Q(processed_at__isnull=False) | Q(kind=PayloadKind.TEST))

    def new(self) -> Self:
        """Those that wait for the worker."""
        return self.filter(state=PayloadState.NEW)

    def quarantined(self) -> Self:
        """Those that nobody could read, and that wait for a person."""
        return self.filter(state=PayloadState.QUARANTINED)


class RawPayload(models.Model):
    """One body as it came in, secrets redacted, and what became of each alert in it.

    `attempts` counts how often a worker began with it: one that stops workers ends in quarantine.
    `led_to` holds the references of the incidents in `outcome`; the database takes them from there.
    """

    source = models.ForeignKey(
        IngestSource, models.PROTECT, related_name="payloads", db_index=False
    )
    adapter = models.CharField(max_length=30)
    kind = models.CharField(max_length=10, choices=PayloadKind.choices, default=PayloadKind.ALERTS)
    received_at = models.DateTimeField(default=clock.now)
    content_type = models.CharField(max_length=100, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    state = models.CharField(max_length=12, choices=PayloadState.choices, default=PayloadState.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)
    outcome = models.JSONField(default=list)
    led_to = models.GeneratedField(
        expression=Func(
            F("outcome"),
            Value("$[*].incident"),
            function="jsonb_path_query_array",
            template="%(function)s(%(expressions)s::jsonpath)",
        ),
        output_field=models.JSONField(),
        db_persist=True,
    )
    error = models.TextField(blank=True)
    processed_at = models.DateTimeField(null=True)

    objects = RawPayloadQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        verbose_name = "received payload"
        indexes = [
            models.Index(fields=["source", "id"], name="raw_new", condition=Q(state="new")),
            models.Index(fields=["-id"], name="raw_quarantined", condition=Q(state="quarantined")),
            models.Index(fields=["source", "-id"], name="raw_source"),
            BrinIndex(fields=["received_at"], name="raw_received"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=PayloadState.values, kind__in=PayloadKind.values),
                name="raw_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state=PayloadState.QUARANTINED) | ~Q(error=""),
                name="raw_quarantine_has_error",
            ),
            models.CheckConstraint(
                condition=Q(state=PayloadState.NEW) | Q(processed_at__isnull=False),
                name="raw_processed_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"payload {self.pk}"

    @property
    def team_id(self) -> int:
        """The container from which access is inherited; select the source with it."""
        return self.source.team_id

    @property
    def is_unread(self) -> bool:
        """Nobody can say yet whom it concerns."""
        return self.processed_at is None and self.kind != PayloadKind.TEST

    def is_told_to(self, access: Access) -> bool:
        """Whether somebody who sees the payload may read it: of what was not understood nobody
        knows whom it concerns, so only those who could replay it may.
        """
        return self.state == PayloadState.DONE or access.may("replay", self)

    @property
    def text(self) -> str:
        """The body for people; bytes that are no UTF-8 are shown as replacements."""
        return bytes(self.body).decode("utf-8", "replace")


class AlertQuerySet(models.QuerySet["Alert"]):
    """Alerts, by state and by what one may see."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those of the user's containers; those of restricted incidents by direct grant alone."""
        return self.filter(visible_records(user, self.model))

    def firing(self) -> Self:
        """Those whose tool has not cleared them; also during the hold."""
        return self.filter(state=Status.FIRING)


class Alert(models.Model):
    """One condition of one source, however often it fires. Written in batches, so not tracked.

    `incident` is the latest one that it opened, joined or reopened. During the hold after a
    resolve the state stays firing, and `resolve_pending_at` says when the hold ends.
    """

    source = models.ForeignKey(IngestSource, models.PROTECT, related_name="alerts", db_index=False)
    fingerprint = models.CharField(max_length=64)
    dedup_key = models.CharField(max_length=255)
    group_digest = models.CharField(max_length=64, blank=True)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    level = models.CharField(max_length=10, choices=Level.choices)
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    team = models.ForeignKey(Team, models.PROTECT, related_name="alerts")
    state = models.CharField(max_length=10, choices=Status.choices)
    count = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    resolve_pending_at = models.DateTimeField(null=True, blank=True)
    incident = models.ForeignKey(
        Incident, models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    report = models.ForeignKey(
        IntakeItem,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="alerts",
        help_text="The latest report that it was taken in as, where policy wants a person first.",
    )
    labels = models.JSONField(default=dict)
    links = models.JSONField(default=list)

    objects = AlertQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["source", "group_digest", "-id"],
                name="alert_group",
                condition=~Q(group_digest=""),
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "fingerprint"], name="alert_unique"),
            models.CheckConstraint(
                condition=Q(state__in=Status.values, level__in=Level.values),
                name="alert_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state=Status.FIRING) | Q(ends_at__isnull=False),
                name="alert_resolved_has_end",
            ),
            models.CheckConstraint(
                condition=Q(resolve_pending_at__isnull=True) | Q(state=Status.FIRING),
                name="alert_hold_while_firing",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def lasted(self) -> datetime.timedelta | None:
        """From start to end, once it has ended."""
        return self.ends_at - self.starts_at if self.ends_at else None


@register_sql
def _leave_room_for_updates(cursor: CursorWrapper) -> None:
    # Counting up changes no indexed column: with room on its page a row is updated in place (HOT).
    cursor.execute("ALTER TABLE IF EXISTS incidents_alert SET (fillfactor = 70)")
    cursor.execute("ALTER TABLE IF EXISTS incidents_rawpayload SET (fillfactor = 80)")


_verbs = {
    "view": level(AccessLevel.VIEW),
    "change": MANAGERS,
    "rotate": MANAGERS,
    "test": MANAGERS,
}
hangs_on(Alert, Incident, "incident", inherits=False)
hangs_on(RawPayload, Incident, "led_to", inherits=False, listed=True, unknown="is_unread")
register_verbs(IngestSource, _verbs)
register_verbs(Team, {"add_ingest_source": MANAGERS})
register_verbs(
    RawPayload,
    {"view": Need(level=AccessLevel.MANAGE, roles=frozenset(READERS)), "replay": MANAGERS},
)
register_verbs(Alert, {"view": level(AccessLevel.VIEW)})
