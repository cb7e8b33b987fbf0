"""Business functions and the services behind them: who owns what, and how much it matters."""

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from config.access.models import ContainerType
from config.access.visibility import containers_of, register_container, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.governance.reaching import reaches
from config.organisation.models import (
    CONTAINER_PERMISSIONS,
    KEY_VALIDATOR,
    BusinessUnit,
    Team,
    User,
)
from incidents.calendars.models import OperatingCalendar
from incidents.catalog.rules import (
    FUNCTION_NEEDS,
    NEEDS,
    TEAM_NEEDS,
    UNIT_NEEDS,
    BusinessImpact,
    DataClass,
    ScopeOverride,
    ServiceStatus,
)
from incidents.scoping.models import ScopeRuleVersion

__all__ = ["BusinessFunction", "Service", "ServiceRegion", "ServiceStatus"]


class FunctionQuerySet(TrackedQuerySet["BusinessFunction"]):
    """Business functions, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """The enterprise's, and those of units in which the user sees anything."""
        return self.filter(reaches(user, unit="unit"))


class BusinessFunction(Tracked):
    """What the company does, such as taking payments; services stand behind it."""

    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    unit = models.ForeignKey(
        BusinessUnit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: of the whole enterprise.",
    )

    objects: ClassVar = FunctionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="function_key_unique",
                violation_error_code="function_key_unique",
                violation_error_message="A business function with this key exists.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class ServiceQuerySet(TrackedQuerySet["Service"]):
    """Services, by what one may see and by status."""

    def visible_to(self, user: User) -> Self:
        """The services on which the user holds any level of access."""
        return self.filter(containers_of(user, "view").services_filter())

    def live(self) -> Self:
        """Those in operation."""
        return self.filter(status=ServiceStatus.LIVE)


def _flag(label: str) -> "models.BooleanField[bool, bool]":
    return models.BooleanField(label, default=False)


class Service(Tracked):
    """A service that can fail: the container that carries rights, on-call and severity.

    `in_scope` and `is_sla_reportable` are derived by the scope rule, or by an override that ends.
    """

    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="services")
    owner = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The person who answers for it.",
    )
    function = models.ForeignKey(
        BusinessFunction,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="services",
        verbose_name="business function",
    )
    tier = models.PositiveSmallIntegerField(
        default=3, help_text="1 is the most critical, 4 the least."
    )
    business_impact = models.CharField(
        max_length=10,
        choices=BusinessImpact.choices,
        blank=True,
        help_text="What losing it for a day would mean.",
    )
    status = models.CharField(
        max_length=10, choices=ServiceStatus.choices, default=ServiceStatus.LIVE
    )
    region = models.CharField(max_length=40, blank=True)
    is_customer_facing = models.BooleanField("customer-facing", default=False)
    is_key_workflow = _flag("key workflow")
    is_sla_governed = _flag("SLA-governed")
    is_regulated = _flag("regulated")
    data_classes = ArrayField(
        models.CharField(max_length=20, choices=DataClass.choices),
        default=list,
        blank=True,
        help_text="The classes of data that it handles.",
    )
    rto_minutes = models.PositiveIntegerField(
        "RTO (minutes)", null=True, blank=True, help_text="Recovery time objective."
    )
    rpo_minutes = models.PositiveIntegerField(
        "RPO (minutes)", null=True, blank=True, help_text="Recovery point objective."
    )
    runbook_url = models.URLField("runbook", blank=True)
    in_scope = models.BooleanField(default=False, editable=False)
    is_sla_reportable = models.BooleanField("SLA-reportable", default=False, editable=False)
    scope_version = models.ForeignKey(
        ScopeRuleVersion,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name="scope rule that decided",
    )
    scope_line = models.CharField(max_length=40, blank=True, editable=False)
    scope_override = models.CharField(
        max_length=12, choices=ScopeOverride.choices, blank=True, editable=False
    )
    scope_override_reason = models.TextField(blank=True, editable=False)
    scope_override_until = models.DateTimeField(null=True, editable=False)

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
            models.CheckConstraint(
                condition=Q(business_impact__in=["", *BusinessImpact.values]),
                name="service_impact_known",
            ),
            models.CheckConstraint(
                condition=Q(scope_override="", scope_override_until__isnull=True)
                | Q(scope_override__in=ScopeOverride.values, scope_override_until__isnull=False)
                & ~Q(scope_override_reason=""),
                name="service_override_is_dated",
                violation_error_code="service_override_is_dated",
                violation_error_message="An override needs a reason and an end.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ServiceRegion(Tracked):
    """One region in which a service is offered, with the calendar that it keeps there."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="regions")
    region = models.CharField(max_length=40)
    calendar = models.ForeignKey(OperatingCalendar, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["service", "region"],
                name="service_region_unique",
                violation_error_code="service_region_unique",
                violation_error_message="The service has this region already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} in {self.region}"


register_container(ContainerType.SERVICE, Service)
register_verbs(Service, NEEDS)
register_verbs(BusinessFunction, FUNCTION_NEEDS)
register_verbs(Team, TEAM_NEEDS)
register_verbs(BusinessUnit, UNIT_NEEDS)
