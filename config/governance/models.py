"""Versioned policies: every rule is one, and the row that used it keeps the very version."""

import datetime
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, BigIntegerRangeField, DateTimeRangeField
from django.db import models
from django.db.models import F, Func, Q, Value

from config import clock
from config.access.rules import Role
from config.access.visibility import register_verbs
from config.audit.tracking import AppendOnly, AppendOnlyQuerySet, Tracked, TrackedQuerySet
from config.errors import Invalid
from config.governance import registry
from config.governance.reaching import reaches
from config.governance.rules import VERBS, Capacity
from config.organisation.models import BusinessUnit, User


class Freedom(models.TextChoices):
    """What business units may do with an enterprise policy."""

    LOCKED = "locked", "Locked"
    EXTENDABLE = "extendable", "Extendable"
    FREE = "free", "Free"


class VersionState(models.TextChoices):
    """The life of a version."""

    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved", "Approved"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"


TRANSITIONS: dict[str, tuple[str, ...]] = {
    VersionState.DRAFT: (VersionState.IN_REVIEW, VersionState.RETIRED),
    VersionState.IN_REVIEW: (VersionState.APPROVED, VersionState.DRAFT),
    VersionState.APPROVED: (VersionState.ACTIVE, VersionState.DRAFT, VersionState.RETIRED),
    VersionState.ACTIVE: (VersionState.RETIRED,),
    VersionState.RETIRED: (),
}
# Break-glass: in force at once, reviewed by somebody else afterwards.
EMERGENCY_FROM = (VersionState.DRAFT, VersionState.IN_REVIEW, VersionState.APPROVED)
_VERB_TO: dict[str, str] = {
    VersionState.IN_REVIEW: "submit",
    VersionState.APPROVED: "approve",
    VersionState.DRAFT: "send_back",
    VersionState.ACTIVE: "activate",
    VersionState.RETIRED: "retire",
}


def verbs_from(state: str) -> list[str]:
    """The verbs that the table allows from a state."""
    found = [_VERB_TO[target] for target in TRANSITIONS[state]]
    return [*found, "activate_in_emergency"] if state in EMERGENCY_FROM else found


class PolicyQuerySet(TrackedQuerySet["Policy"]):
    """Policies, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """The enterprise's, and those of units in which the user sees anything."""
        return self.filter(reaches(user, unit="unit"))


class Policy(Tracked):
    """The smallest thing one would approve alone; its versions say what it is at a time."""

    kind = models.CharField(max_length=60, help_text="setting, escalation_policy, ...")
    key = models.CharField(max_length=100)
    unit = models.ForeignKey(
        BusinessUnit, models.PROTECT, null=True, blank=True, related_name="policies"
    )
    title = models.CharField(max_length=200)
    freedom = models.CharField(max_length=12, choices=Freedom.choices, default=Freedom.FREE)

    objects: ClassVar = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key", "unit"],
                nulls_distinct=False,
                name="policy_unique",
                violation_error_code="policy_unique",
                violation_error_message="There is such a policy for this unit already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit_id else self.title


class PolicyVersionQuerySet[M: "PolicyVersion"](TrackedQuerySet[M]):
    """Versions, by what one may see, by state and time."""

    def visible_to(self, user: User) -> Self:
        """The versions of policies that the user can see."""
        return self.filter(reaches(user, unit="policy__unit"))

    def in_force_at(self, at: datetime.datetime) -> Self:
        """Those whose time of force contains the instant."""
        return self.filter(in_force__contains=at)


class PolicyVersion(Tracked):
    """One version of a policy. Immutable once it is active, by trigger.

    Subclasses (multi-table) add the fields and child rows of their kind. `in_force` is
    half-open; EXCLUDE lets one version be in force at a time.
    """

    policy_kind: ClassVar[str] = ""
    parts: ClassVar[tuple[str, ...]] = ()
    # Whether a unit's version adds to those above it, which hold as well, or is in their place.
    adds_up: ClassVar[bool] = False

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField("version", editable=False)
    state = models.CharField(
        max_length=12, choices=VersionState.choices, default=VersionState.DRAFT, editable=False
    )
    author = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    change_reason = models.TextField(blank=True)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    in_force = DateTimeRangeField(null=True, blank=True, editable=False)
    activates_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_emergency = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = PolicyVersionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["policy", "-number"], name="version_policy")]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="version_number_unique"),
            models.UniqueConstraint(
                fields=["policy"],
                condition=Q(state__in=[VersionState.DRAFT, VersionState.IN_REVIEW]),
                name="version_one_draft",
                violation_error_code="version_one_draft",
                violation_error_message="This policy has a draft already; go on with that one.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=VersionState.values), name="version_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=VersionState.ACTIVE) | Q(in_force__isnull=False),
                name="version_active_has_time",
            ),
            ExclusionConstraint(
                name="version_one_in_force",
                expressions=[
                    (
                        Func(
                            F("policy"),
                            F("policy"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    ("in_force", "&&"),
                ],
                violation_error_code="version_one_in_force",
                violation_error_message="Another version is in force at that time.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

    @property
    def unit_id(self) -> int | None:
        """The container that the version inherits rights from; None is the enterprise."""
        return self.policy.unit_id

    @classmethod
    def initial_values(cls, policy: Policy) -> Mapping[str, Any]:
        """What the first draft of a policy begins with, where the fields' defaults don't do."""
        return {}

    def shown_value(self, name: str, value: Any) -> str | None:
        """A field's value in words, for kinds whose field can't tell; None: as any other."""
        return None

    @classmethod
    def clean_values(cls, policy: Policy, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values in their stored form, for kinds whose fields can't tell by themselves.

        Raises `Invalid` for what the policy can't hold.
        """
        return values

    def beyond(self, enterprise: "PolicyVersion") -> list[str] | None:
        """What a unit's version says beyond an extendable one of the enterprise, in sentences.

        None: by the usual rule, rows may be added, and nothing changed or left out.
        """
        return None


class Decision(models.TextChoices):
    """What a reviewer said."""

    APPROVED = "approved", "Approved"
    SENT_BACK = "sent_back", "Sent back"
    REVIEWED = "reviewed", "Reviewed after an emergency"


class Approval(AppendOnly):
    """A reviewer's word on the content with that hash.

    An approval keeps the roles that counted, and the version of the approval matrix that it met.
    """

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="approvals")
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    content_hash = models.CharField(max_length=64)
    comment = models.TextField(blank=True)
    in_setup_mode = models.BooleanField(
        default=False, help_text="The only approver there was approved a version of their own."
    )
    roles = ArrayField(
        models.CharField(max_length=40, choices=Role.choices), default=list, blank=True,
        help_text="What the reviewer held there at that time.",
    )  # fmt: skip
    matrix = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="The approval matrix in force at that time; empty: as shipped.",
    )  # fmt: skip
    at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.decision}"


class SignOff(AppendOnly):
    """One side's signature, for one agreement, on the content with that hash."""

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="sign_offs")
    agreement = models.ForeignKey(Policy, models.PROTECT, related_name="+")
    capacity = models.CharField("as", max_length=20, choices=Capacity.choices)
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    content_hash = models.CharField(max_length=64)
    comment = models.TextField(blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "content_hash", "agreement", "capacity"],
                name="sign_off_once",
                violation_error_code="sign_off_once",
                violation_error_message="That side has signed this content already.",
            ),
            models.UniqueConstraint(
                fields=["version", "content_hash", "agreement", "person"],
                name="sign_off_by_different_people",
                violation_error_code="sign_off_by_different_people",
                violation_error_message="Each side is signed for by somebody else.",
            ),
            models.CheckConstraint(
                condition=Q(capacity__in=Capacity.values), name="sign_off_capacity_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}, {self.get_capacity_display().lower()}"


class ChangeReference(AppendOnly):
    """The change record under which a version changes something signed; the latest one counts."""

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="change_references")
    reference = models.CharField(max_length=100)
    named_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.reference


class CommentQuerySet(AppendOnlyQuerySet["Comment"]):
    """Comments, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those on versions that the user can see."""
        return self.filter(reaches(user, unit="version__policy__unit"))


class Comment(AppendOnly):
    """What somebody says of a version before it holds; the next one answers, none is changed."""

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="comments")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(default=clock.now)

    objects: ClassVar = CommentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="comment_says_something")]

    def __str__(self) -> str:
        return f"{self.person}: {self.text[:60]}"


class BackTest(AppendOnly):
    """What a version would have decided on past records, beside what the one in force decides.

    `outcomes` counts each pair `{was, would, count}`; `examples` holds keys of differing records.
    """

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="backtests")
    against = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    content_hash = models.CharField(max_length=64)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)
    looked_at = models.PositiveIntegerField()
    differing = models.PositiveIntegerField()
    outcomes = models.JSONField()
    examples = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.differing} of {self.looked_at} differ"


class SettingVersion(PolicyVersion):
    """A version of one governed setting; the registry knows its type and bounds."""

    policy_kind: ClassVar[str] = "setting"

    value = models.JSONField(blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.policy.key} v{self.number}"

    @classmethod
    def initial_values(cls, policy: Policy) -> Mapping[str, Any]:
        """The shipped default."""
        return {"value": registry.registered(policy.key).default}

    def shown_value(self, name: str, value: Any) -> str | None:
        """By the type that the registry names."""
        setting = registry.find(self.policy.key)
        return setting.show(value) if setting is not None and name == "value" else None

    @classmethod
    def clean_values(cls, policy: Policy, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """By the type that the registry names."""
        setting = registry.find(policy.key)
        if setting is None:
            raise Invalid(f"There is no setting '{policy.key}'.", field="key")
        if policy.unit_id and setting.unit_may == registry.UnitMay.LOCKED:
            raise Invalid("This setting holds for the whole enterprise.", field="unit")
        return {**values, "value": setting.clean(values["value"])} if "value" in values else values

    def beyond(self, enterprise: PolicyVersion) -> list[str] | None:
        """Nothing here: the bounds of the registry are kept by a guard of activation."""
        return []


register_verbs(Policy, VERBS)
