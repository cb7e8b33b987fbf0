"""Role assignments: the truth about who may do what, projected to grants on containers."""

from typing import ClassVar, Self

from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Now

from config import clock
from config.access.rules import label_of
from config.audit.tracking import Tracked
from config.organisation.models import DirectoryQuerySet, Team, User


class ContainerType(models.TextChoices):
    """What a role can be given on; records inherit from it."""

    UNIT = "unit", "Business unit"
    TEAM = "team", "Team"
    SERVICE = "service", "Service"


class RoleAssignmentQuerySet(DirectoryQuerySet["RoleAssignment"]):
    """Assignments, by time."""

    def in_force(self) -> Self:
        """Begun, not ended, not revoked, at this moment."""
        at = clock.now()
        ended = models.Q(until__isnull=True) | models.Q(until__gt=at)
        return self.filter(ended, starts_at__lte=at, revoked_at__isnull=True)

    def held_by(self, *people: int | None) -> Self:
        """Given to one of the people, or to a team of theirs.

        Two lists, each by its index: asked in one condition, all assignments would be read.
        """
        own = RoleAssignment.objects.filter(person__any_of=people).values("pk")
        shared = RoleAssignment.objects.filter(team__memberships__user__any_of=people).values("pk")
        return self.filter(pk__any_of=own.union(shared, all=True))


class RoleAssignment(Tracked):
    """Somebody (a person, or all members of a team) holds a role on a container for a time."""

    role = models.ForeignKey(Group, models.PROTECT, related_name="+")
    person = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="role_assignments"
    )
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="role_assignments"
    )
    container_type = models.CharField(max_length=10, choices=ContainerType.choices)
    container_id = models.BigIntegerField()
    starts_at = models.DateTimeField("from", default=clock.now)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField()
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar = RoleAssignmentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["container_type", "container_id"], name="role_container")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(person__isnull=False, team__isnull=True)
                | models.Q(person__isnull=True, team__isnull=False),
                name="role_person_or_team",
                violation_error_code="role_person_or_team",
                violation_error_message="Name a person or a team, not both.",
            ),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gt=models.F("starts_at")),
                name="role_ends_after_start",
                violation_error_code="role_ends_after_start",
                violation_error_message="The end must be later than the start.",
            ),
            models.CheckConstraint(
                condition=~models.Q(reason=""),
                name="role_has_reason",
                violation_error_code="role_has_reason",
                violation_error_message="Say why the role is given.",
            ),
            models.UniqueConstraint(
                fields=["role", "person", "container_type", "container_id"],
                condition=models.Q(revoked_at__isnull=True, person__isnull=False),
                name="role_person_once",
                violation_error_code="role_person_once",
                violation_error_message="This person holds that role there already.",
            ),
            models.UniqueConstraint(
                fields=["role", "team", "container_type", "container_id"],
                condition=models.Q(revoked_at__isnull=True, team__isnull=False),
                name="role_team_once",
                violation_error_code="role_team_once",
                violation_error_message="This team holds that role there already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person or self.team}: {label_of(self.role.name)}"


class DelegationQuerySet(DirectoryQuerySet["Delegation"]):
    """Delegations, by time."""

    def in_force(self) -> Self:
        """Begun, not ended, not taken back, at this moment; both accounts are active."""
        at = clock.now()
        return self.filter(
            starts_at__lte=at,
            until__gt=at,
            revoked_at__isnull=True,
            principal__is_active=True,
            delegate__is_active=True,
        )


class Delegation(Tracked):
    """One person stands in for another, from one day to another; never for need-to-know."""

    principal = models.ForeignKey(User, models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(User, models.PROTECT, related_name="delegations_held")
    starts_at = models.DateTimeField("from", default=clock.now)
    until = models.DateTimeField()
    reason = models.TextField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = DelegationQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["delegate", "until"], name="delegation_delegate")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(principal=models.F("delegate")),
                name="delegation_of_two",
                violation_error_code="delegation_of_two",
                violation_error_message="Name somebody else.",
            ),
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("starts_at")),
                name="delegation_ends_after_start",
                violation_error_code="delegation_ends_after_start",
                violation_error_message="The end must be later than the start.",
            ),
            models.CheckConstraint(
                condition=~models.Q(reason=""),
                name="delegation_has_reason",
                violation_error_code="delegation_has_reason",
                violation_error_message="Say why somebody stands in.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.principal}"
