"""Components with an owner, and directed dependencies between them and services."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from config import clock
from config.access.visibility import containers_of, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation.models import KEY_VALIDATOR, Team, User
from config.organisation.rules import Domain
from incidents.boundaries.rules import ComponentKind
from incidents.catalog.models import Service
from incidents.components.rules import DEPENDENCY_NEEDS, NEEDS, OWNER_NEEDS, Strength


class ComponentStatus(models.TextChoices):
    """Where a component is in its life."""

    LIVE = "live", "Live"
    RETIRED = "retired", "Retired"


class ComponentQuerySet(TrackedQuerySet["Component"]):
    """Components, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those of teams of which the user sees the records."""
        return self.filter(containers_of(user, "view").records_filter(service=None))


class Component(Tracked):
    """A technical item on which services stand: owned by a team, answered for by a domain."""

    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=ComponentKind.choices)
    domain = models.CharField(max_length=20, choices=Domain.choices)
    team = models.ForeignKey(Team, models.PROTECT, related_name="components")
    status = models.CharField(
        max_length=10, choices=ComponentStatus.choices, default=ComponentStatus.LIVE
    )
    description = models.TextField(blank=True)
    external_id = models.CharField(
        max_length=64, blank=True, help_text="What another CMDB calls it, such as a sys_id."
    )

    objects: ClassVar = ComponentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="component_key_unique",
                violation_error_code="component_key_unique",
                violation_error_message="A component with this key exists.",
            ),
            models.UniqueConstraint(
                fields=["external_id"],
                condition=~Q(external_id=""),
                name="component_external_id_unique",
                violation_error_code="component_external_id_unique",
                violation_error_message="Another component has this external id.",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=ComponentKind.values,
                    domain__in=Domain.values,
                    status__in=ComponentStatus.values,
                ),
                name="component_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


type Item = Service | Component


class DependencyQuerySet(TrackedQuerySet["Dependency"]):
    """Dependencies, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those of which the user sees both ends."""
        seen = containers_of(user, "view")
        if seen.everything:
            return self
        services = Q(pk__any_of=seen.services)
        mine = {
            "service": Service.objects.filter(services).values("pk"),
            "component": Component.objects.visible_to(user).values("pk"),
        }
        source = Q(source_service__in=mine["service"]) | Q(source_component__in=mine["component"])
        target = Q(target_service__in=mine["service"]) | Q(target_component__in=mine["component"])
        return self.filter(source & target)

    def with_ends(self) -> Self:
        """With both ends and their teams."""
        return self.select_related(
            *("source_service__team__unit", "source_component__team__unit"),
            *("target_service__team__unit", "target_component__team__unit"),
        )


def _end(model: type[models.Model], name: str) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(model, models.PROTECT, null=True, blank=True, related_name=name)


def node(end: str) -> Coalesce:
    """An end as one number, for walking: services count up, components down from zero."""
    return Coalesce(F(f"{end}_service"), F(f"{end}_component") * -1)


class Dependency(Tracked):
    """The source needs the target. Shown as stale once nobody has verified it for too long."""

    source_service = _end(Service, "dependencies")
    source_component = _end(Component, "dependencies")
    target_service = _end(Service, "dependants")
    target_component = _end(Component, "dependants")
    strength = models.CharField(max_length=10, choices=Strength.choices, default=Strength.HARD)
    note = models.CharField(max_length=200, blank=True)
    verified_at = models.DateTimeField("last verified", default=clock.now, editable=False)
    stale_since = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = DependencyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "dependencies"
        default_permissions = ()
        indexes = [
            models.Index(node("source"), name="dependency_source"),
            models.Index(node("target"), name="dependency_target"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source_service", "source_component", "target_service", "target_component"],
                nulls_distinct=False,
                name="dependency_unique",
                violation_error_code="dependency_unique",
                violation_error_message="This dependency is known already.",
            ),
            models.CheckConstraint(
                condition=Q(source_service__isnull=False, source_component__isnull=True)
                | Q(source_service__isnull=True, source_component__isnull=False),
                name="dependency_one_source",
                violation_error_code="dependency_one_source",
                violation_error_message="Name one dependant: a service or a component.",
            ),
            models.CheckConstraint(
                condition=Q(target_service__isnull=False, target_component__isnull=True)
                | Q(target_service__isnull=True, target_component__isnull=False),
                name="dependency_one_target",
                violation_error_code="dependency_one_target",
                violation_error_message="Name one dependency: a service or a component.",
            ),
            models.CheckConstraint(
                condition=(Q(source_service__isnull=True) | ~Q(source_service=F("target_service")))
                & (Q(source_component__isnull=True) | ~Q(source_component=F("target_component"))),
                name="dependency_not_on_itself",
                violation_error_code="dependency_on_itself",
                violation_error_message="Nothing depends on itself; name two different ends.",
            ),
            models.CheckConstraint(
                condition=Q(strength__in=Strength.values), name="dependency_strength_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} needs {self.target}"

    @property
    def source(self) -> Item:
        """The one that depends."""
        found: Item = self.source_service or self.source_component
        return found

    @property
    def target(self) -> Item:
        """The one that is needed."""
        found: Item = self.target_service or self.target_component
        return found

    @property
    def team_id(self) -> int:
        """The dependant's team: whoever needs something says so, and answers for it."""
        return self.source.team_id


register_verbs(Component, NEEDS)
register_verbs(Dependency, DEPENDENCY_NEEDS)
register_verbs(Team, OWNER_NEEDS)
register_verbs(Service, {"add_dependency": OWNER_NEEDS["add_dependency"]})
register_verbs(Component, {"add_dependency": OWNER_NEEDS["add_dependency"]})
