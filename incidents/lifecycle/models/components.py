"""What of an incident works again and what does not, and incidents that hang together."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Level as AccessLevel
from config.access.rules import level
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import AppendOnly, AppendOnlyQuerySet, Tracked, TrackedQuerySet
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models.incident import Incident


class LinkKind(models.TextChoices):
    """How two incidents hang together."""

    SPLIT_OFF = "split_off", "What was left of it goes on there"


class IncidentLinkQuerySet(AppendOnlyQuerySet["IncidentLink"]):
    """Links, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """Those of incidents that the user sees; the other end is asked for apart."""
        return self.filter(visible_records(user, self.model))


class IncidentLink(AppendOnly):
    """One incident leads to another, which has an owner."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="links")
    other = models.ForeignKey(Incident, models.PROTECT, related_name="linked_from")
    kind = models.CharField(max_length=15, choices=LinkKind.choices)
    owner = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.TextField()
    linked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    objects: ClassVar = IncidentLinkQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["incident", "other", "kind"], name="link_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=LinkKind.values) & ~Q(incident=F("other")), name="link_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident.reference}: {self.get_kind_display()}"


class ComponentState(models.TextChoices):
    """How a component fares in an incident."""

    DOWN = "down", "Down"
    DEGRADED = "degraded", "Degraded"
    RESTORED = "restored", "Restored"
    SPLIT_OFF = "split_off", "Goes on in a linked incident"


# What somebody says of it; the fourth state is reached by splitting off alone.
STATED = (ComponentState.DOWN, ComponentState.DEGRADED, ComponentState.RESTORED)
UNRESTORED = (ComponentState.DOWN, ComponentState.DEGRADED)


class AffectedComponentQuerySet(TrackedQuerySet["AffectedComponent"]):
    """Affected components, by state and by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """Those of incidents that the user sees."""
        return self.filter(visible_records(user, self.model))

    def unrestored(self) -> Self:
        """Down or degraded."""
        return self.filter(state__in=UNRESTORED)


class AffectedComponent(Tracked):
    """A part of a service that an incident affects, with a state of its own."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="components")
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="affected_components"
    )
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=ComponentState.choices)
    since = models.DateTimeField(default=clock.now)
    link = models.ForeignKey(
        IncidentLink, models.PROTECT, null=True, blank=True, related_name="components"
    )

    objects: ClassVar = AffectedComponentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "service", "name"],
                name="affected_component_unique",
                nulls_distinct=False,
                violation_error_code="affected_component_unique",
                violation_error_message="The incident has this component already.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ComponentState.values) & ~Q(name=""),
                name="affected_component_known",
            ),
            models.CheckConstraint(
                condition=Q(state=ComponentState.SPLIT_OFF, link__isnull=False)
                | (~Q(state=ComponentState.SPLIT_OFF) & Q(link__isnull=True)),
                name="affected_component_split_has_link",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.service}" if self.service else self.name


hangs_on(AffectedComponent, Incident, "incident")
hangs_on(IncidentLink, Incident, "incident")
register_verbs(AffectedComponent, {"view": level(AccessLevel.VIEW)})
register_verbs(IncidentLink, {"view": level(AccessLevel.VIEW)})
