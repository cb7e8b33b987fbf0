"""Pages: one person asked, once, to look at one incident."""

import secrets
import uuid
from typing import Self

from django.db import models

from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Level, Need
from config.access.visibility import register_verbs, visible_records
from config.organisation.models import User
from escalation.responders.models import ContactMethod
from incidents.lifecycle.models import Incident


class PageState(models.TextChoices):
    """What became of a page."""

    WAITING = "waiting", "Waiting to be sent"
    SENT = "sent", "Sent"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    NOT_NEEDED = "not_needed", "Not needed any more"
    FAILED = "failed", "Could not be delivered"


class PageQuerySet(models.QuerySet["Page"]):
    """Pages, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Pages about incidents that the user can see, and one's own."""
        return self.filter(visible_records(user, self.model))


def new_page_id() -> uuid.UUID:
    """Sorts by time (RFC 9562, version 7), so that lists by key are lists by age."""
    milliseconds = int(clock.now().timestamp() * 1000)
    number = (milliseconds << 80) | secrets.randbits(80)
    number = number & ~(0xF << 76) | (7 << 76)
    return uuid.UUID(int=number & ~(0x3 << 62) | (0x2 << 62))


class Page(models.Model):
    """One page. Its link acknowledges for this person and this incident only."""

    id = models.UUIDField(primary_key=True, default=new_page_id, editable=False)
    run = models.ForeignKey("escalation.EscalationRun", models.PROTECT, related_name="pages")
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="pages")
    responder = models.ForeignKey(User, models.PROTECT, related_name="pages")
    tier = models.PositiveSmallIntegerField()
    round = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=15, choices=PageState.choices, default=PageState.WAITING)
    contact = models.ForeignKey(
        ContactMethod, models.PROTECT, null=True, related_name="+", help_text="The one tried last."
    )
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    objects = PageQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["responder", "-created_at"], name="page_responder"),
            models.Index(fields=["incident", "created_at"], name="page_incident"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=PageState.values), name="page_state_known"
            ),
            # Never twice the same tier: a second run of the timer finds the page there.
            models.UniqueConstraint(
                fields=["run", "round", "tier", "responder"], name="page_once_a_tier"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.responder} about {self.incident.reference}"


hangs_on(Page, Incident, "incident", owner="responder")
register_verbs(Page, {"view": Need(level=Level.VIEW, owner="responder_id")})
