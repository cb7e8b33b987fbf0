"""The segregation matrix, a governed policy, and exceptions that compliance approves for a time."""

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from config import clock
from config.access.rules import Level, Role
from config.access.separation import find_act
from config.access.visibility import Access, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.duties.rules import DECIDERS, VERBS
from config.governance.models import PolicyVersion
from config.organisation.models import User

if TYPE_CHECKING:
    import datetime


class SegregationVersion(PolicyVersion):
    """A version of the matrix: pairs of roles, and pairs of acts on one record."""

    policy_kind: ClassVar[str] = "segregation"
    parts: ClassVar[tuple[str, ...]] = ("role_pairs", "act_pairs")

    class Meta:
        default_permissions = ()

    def shown_value(self, name: str, value: Any) -> str | None:
        """Acts by their labels; roles have choices."""
        act = find_act(value) if name in ("first", "second") else None
        return None if act is None else act.label


class RolePair(Tracked):
    """Two roles that nobody may hold together. `line` is the row's identity."""

    matrix = models.ForeignKey(SegregationVersion, models.CASCADE, related_name="role_pairs")
    line = models.CharField(max_length=40)
    first = models.CharField("role", max_length=40, choices=Role.choices)
    second = models.CharField("kept apart from", max_length=40, choices=Role.choices)
    note = models.CharField(max_length=200, blank=True, help_text="Why they are kept apart.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["matrix", "first", "second"],
                name="role_pair_unique",
                violation_error_code="role_pair_unique",
                violation_error_message="The matrix has this pair already.",
            ),
            models.CheckConstraint(
                condition=~Q(first=F("second")),
                name="role_pair_differs",
                violation_error_code="role_pair_differs",
                violation_error_message="Choose two different roles.",
            ),
            models.CheckConstraint(
                condition=Q(first__in=Role.values, second__in=Role.values), name="role_pair_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_first_display()} and {self.get_second_display().lower()}"


class ActPair(Tracked):
    """Two acts that one person may not both do to one record. `line` is the row's identity."""

    matrix = models.ForeignKey(SegregationVersion, models.CASCADE, related_name="act_pairs")
    line = models.CharField(max_length=40)
    first = models.CharField("act", max_length=60)
    second = models.CharField("kept apart from", max_length=60)
    note = models.CharField(max_length=200, blank=True, help_text="Why they are kept apart.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["matrix", "first", "second"],
                name="act_pair_unique",
                violation_error_code="act_pair_unique",
                violation_error_message="The matrix has this pair already.",
            ),
            models.CheckConstraint(
                condition=~Q(first=F("second")),
                name="act_pair_differs",
                violation_error_code="act_pair_differs",
                violation_error_message="Choose two different acts.",
            ),
        ]

    def __str__(self) -> str:
        return " and ".join(_label(name) for name in (self.first, self.second))

    def clean(self) -> None:
        """Only acts that the product knows: a misspelt one would keep nothing apart."""
        unknown = {
            name: ValidationError("There is no such act.", code="invalid")
            for name in ("first", "second")
            if find_act(getattr(self, name)) is None
        }
        if unknown:
            raise ValidationError(unknown)


def _label(name: str) -> str:
    act = find_act(name)
    return act.label if act is not None else name


class ExceptionState(models.TextChoices):
    """Where an exception stands."""

    REQUESTED = "requested", "Awaiting compliance"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    ENDED = "ended", "Ended"


class DutyExceptionQuerySet(TrackedQuerySet["DutyException"]):
    """Exceptions, by who may see them and when they hold."""

    def visible_to(self, user: User) -> Self:
        """One's own and those that one asked for; all for compliance, administrators, auditors."""
        if not user.is_active:
            return self.none()
        access = Access(user)
        overseen = any(access.containers(each).everything for each in (Level.AUDIT, Level.MANAGE))
        if overseen or access.holding(DECIDERS).everything:
            return self.all()
        return self.filter(Q(person=user) | Q(requested_by=user))

    def running(self, at: "datetime.datetime | None" = None) -> Self:
        """Approved, begun and not over."""
        moment = at or clock.now()
        return self.filter(state=ExceptionState.APPROVED, starts_at__lte=moment, until__gt=moment)


class DutyException(Tracked):
    """One person may hold two roles that are kept apart, from one day to another."""

    person = models.ForeignKey(User, models.PROTECT, related_name="duty_exceptions")
    first = models.CharField("role", max_length=40, choices=Role.choices)
    second = models.CharField("together with", max_length=40, choices=Role.choices)
    starts_at = models.DateTimeField("from", default=clock.now)
    until = models.DateTimeField(help_text="UTC. The second role is given until then at most.")
    reason = models.TextField(help_text="Why nobody else can do it, and what is watched meanwhile.")
    state = models.CharField(
        max_length=10,
        choices=ExceptionState.choices,
        default=ExceptionState.REQUESTED,
        editable=False,
    )
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    decision_reason = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = DutyExceptionQuerySet.as_manager()

    class Meta:
        verbose_name = "exception from segregation"
        verbose_name_plural = "exceptions from segregation"
        default_permissions = ()
        indexes = [models.Index(fields=["person", "state"], name="duty_exception_person")]
        constraints = [
            models.CheckConstraint(
                condition=Q(until__gt=F("starts_at")),
                name="duty_exception_ends_after_start",
                violation_error_code="duty_exception_ends_after_start",
                violation_error_message="The end must be later than the start.",
            ),
            models.CheckConstraint(
                condition=~Q(first=F("second")),
                name="duty_exception_differs",
                violation_error_code="duty_exception_differs",
                violation_error_message="Choose two different roles.",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="duty_exception_has_reason",
                violation_error_code="duty_exception_has_reason",
                violation_error_message="Say why the exception is needed.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ExceptionState.values), name="duty_exception_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=ExceptionState.REQUESTED) | Q(decided_by__isnull=False),
                name="duty_exception_has_decider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_first_display()} and {self.get_second_display().lower()}"


register_verbs(DutyException, VERBS)
