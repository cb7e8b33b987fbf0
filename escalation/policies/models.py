"""Escalation policies: governed versions with ordered tiers."""

from typing import ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from config.access.rules import Level, Role, level
from config.access.visibility import containers_of, register_verbs
from config.apikit.codes import explain
from config.audit.tracking import Tracked, TrackedQuerySet
from config.governance.models import Policy, PolicyVersion
from config.organisation.models import Team, User
from escalation.rota.models import Schedule
from incidents.catalog.models import Service


class EscalationPolicyVersion(PolicyVersion):
    """A version of an escalation policy. A running escalation keeps the one it began with."""

    policy_kind: ClassVar[str] = "escalation_policy"
    parts: ClassVar[tuple[str, ...]] = ("tiers",)

    rounds = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(9)],
        help_text="How often the tiers are gone through before the escalation is exhausted.",
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(rounds__gte=1, rounds__lte=9),
                name="escalation_rounds_sane",
                violation_error_code="escalation_rounds_sane",
                violation_error_message="Go through the tiers one to nine times.",
            )
        ]


class Target(models.TextChoices):
    """Whom a tier pages, resolved when it fires."""

    TEAM_ON_CALL = "team_on_call", "On call for the incident's team"
    TEAM_LEADS = "team_leads", "Leads of the incident's team"
    SCHEDULE = "schedule", "On call in a schedule"
    PERSON = "person", "A person"
    ROLE = "role", "Holders of a role"


EXPERTISE = (Target.TEAM_ON_CALL, Target.SCHEDULE, Target.PERSON)
FALLBACK = (Target.PERSON, Target.ROLE)


class Tier(Tracked):
    """One step: whom to page, and how long to wait for an acknowledgement."""

    version = models.ForeignKey(EscalationPolicyVersion, models.CASCADE, related_name="tiers")
    line = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField("tier", default=1)
    target = models.CharField(max_length=15, choices=Target.choices)
    schedule = models.ForeignKey(Schedule, models.PROTECT, null=True, blank=True, related_name="+")
    person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    role = models.CharField(max_length=40, choices=Role.choices, blank=True)
    wait_minutes = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="Minutes until the next tier; empty: policy ack.target_minutes of the severity.",
    )

    class Meta:
        default_permissions = ()
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"],
                name="tier_position_unique",
                violation_error_code="tier_position_unique",
                violation_error_message="Two tiers can't have the same number.",
            ),
            models.CheckConstraint(
                condition=Q(target=Target.SCHEDULE, schedule__isnull=False)
                | ~Q(target=Target.SCHEDULE) & Q(schedule__isnull=True),
                name="tier_schedule_named",
                violation_error_code="tier_schedule_named",
                violation_error_message="Choose the schedule, for this kind of target only.",
            ),
            models.CheckConstraint(
                condition=Q(target=Target.PERSON, person__isnull=False)
                | ~Q(target=Target.PERSON) & Q(person__isnull=True),
                name="tier_person_named",
                violation_error_code="tier_person_named",
                violation_error_message="Choose the person, for this kind of target only.",
            ),
            models.CheckConstraint(
                condition=Q(target=Target.ROLE) & ~Q(role="") | ~Q(target=Target.ROLE) & Q(role=""),
                name="tier_role_named",
                violation_error_code="tier_role_named",
                violation_error_message="Choose the role, for this kind of target only.",
            ),
            models.CheckConstraint(
                condition=Q(wait_minutes__isnull=True) | Q(wait_minutes__gte=1),
                name="tier_wait_positive",
                violation_error_code="tier_wait_positive",
                violation_error_message="Wait at least a minute.",
            ),
        ]

    def __str__(self) -> str:
        return f"Tier {self.position}: {self.describe()}"

    def describe(self) -> str:
        """Whom it pages, in words."""
        named = {
            Target.SCHEDULE: lambda: f"on call in {self.schedule}",
            Target.PERSON: lambda: str(self.person),
            Target.ROLE: lambda: f"every {Role(self.role).label.lower()}",
        }
        return named.get(Target(self.target), lambda: Target(self.target).label.lower())()


class PolicyUseQuerySet(TrackedQuerySet["PolicyUse"]):
    """Which policy is used where."""

    def visible_to(self, user: "User") -> Self:
        """Uses by services and teams that the user can see."""
        containers = containers_of(user, Level.VIEW)
        if containers.everything:
            return self
        return self.filter(Q(service__in=containers.services) | Q(team__in=containers.teams))


class PolicyUse(Tracked):
    """A service, or all services of a team, escalate by this policy; else the default one."""

    policy = models.ForeignKey(
        Policy,
        models.PROTECT,
        related_name="+",
        limit_choices_to={"kind": EscalationPolicyVersion.policy_kind},
    )
    service = models.OneToOneField(Service, models.PROTECT, null=True, blank=True, related_name="+")
    team = models.OneToOneField(Team, models.PROTECT, null=True, blank=True, related_name="+")

    objects: ClassVar = PolicyUseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(service__isnull=False, team__isnull=True)
                | Q(service__isnull=True, team__isnull=False),
                name="policy_use_service_or_team",
                violation_error_code="policy_use_service_or_team",
                violation_error_message="Name a service or a team, not both.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service or self.team}: {self.policy}"


_CHOOSE = {"choose_policy": level(Level.MANAGE)}
register_verbs(Service, _CHOOSE)
register_verbs(Team, _CHOOSE)
register_verbs(PolicyUse, {"view": level(Level.VIEW), "edit": level(Level.MANAGE)})


explain(
    escalation_no_tiers=("The policy has no tier", "Add at least one tier."),
    escalation_no_expertise=(
        "No tier is based on expertise",
        "Let one tier page a schedule, a team's on-call or a person.",
    ),
    escalation_no_fallback=(
        "The last tier is no guaranteed fallback",
        "Let the last tier page a person or the holders of a role.",
    ),
    escalation_person_gone=(
        "A tier names somebody who can't sign in any more",
        "Name somebody else in that tier.",
    ),
    escalation_default_needed=(
        "Everything without a policy of its own escalates by this one",
        "Activate a new version in its place.",
    ),
    escalation_policy_in_use=(
        "Services or teams still escalate by this policy",
        "Choose another policy for them first.",
    ),
)
