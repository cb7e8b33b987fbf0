"""Services: what the company runs, who owns it, and how much it matters."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q

from config.access.models import ContainerType
from config.access.visibility import containers_of, register_container, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation.models import CONTAINER_PERMISSIONS, KEY_VALIDATOR, Team
from incidents.catalog.rules import NEEDS, TEAM_NEEDS

if TYPE_CHECKING:
    from config.organisation.models import User


class ServiceStatus(models.TextChoices):
    """Where a service is in its life."""

    PLANNED = "planned", "Planned"
    LIVE = "live", "Live"
    RETIRED = "retired", "Retired"


class ServiceQuerySet(TrackedQuerySet["Service"]):
    """Services, by what one may see and by status."""

    def visible_to(self, user: "User") -> Self:
        """The services on which the user holds any level of access."""
        return self.filter(containers_of(user, "view").services_filter())

    def live(self) -> Self:
        """Those in operation."""
        return self.filter(status=ServiceStatus.LIVE)


class Service(Tracked):
    """A service that can fail: the container that carries rights, on-call and severity."""

    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="services")
    tier = models.PositiveSmallIntegerField(
        default=3, help_text="1 is the most critical, 4 the least."
    )
    status = models.CharField(
        max_length=10, choices=ServiceStatus.choices, default=ServiceStatus.LIVE
    )
    region = models.CharField(max_length=40, blank=True)
    is_customer_facing = models.BooleanField("customer-facing", default=False)
    rto_minutes = models.PositiveIntegerField(
        "RTO (minutes)", null=True, blank=True, help_text="Recovery time objective."
    )
    rpo_minutes = models.PositiveIntegerField(
        "RPO (minutes)", null=True, blank=True, help_text="Recovery point objective."
    )
    runbook_url = models.URLField("runbook", blank=True)

    objects: ClassVar = ServiceQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = CONTAINER_PERMISSIONS
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="service_key_unique",
                violation_error_code="service_key_unique",
                violation_error_message="A service with this key exists.",
            ),
            models.CheckConstraint(
                condition=Q(tier__gte=1, tier__lte=4),
                name="service_tier_known",
                violation_error_code="service_tier_known",
                violation_error_message="The tier is 1, 2, 3 or 4.",
            ),
            models.CheckConstraint(
                condition=~Q(tier=1) | Q(rto_minutes__isnull=False),
                name="service_tier1_has_rto",
                violation_error_code="service_tier1_has_rto",
                violation_error_message="A tier 1 service needs a recovery time objective (RTO).",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ServiceStatus.values), name="service_status_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


register_container(ContainerType.SERVICE, Service)
register_verbs(Service, NEEDS)
register_verbs(Team, TEAM_NEEDS)
