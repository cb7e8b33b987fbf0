"""The taxonomy: versions of the tree, and the values that records refer to for good."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from config.audit.tracking import Tracked, TrackedQuerySet
from config.governance.models import PolicyVersion
from config.governance.reaching import reaches
from config.organisation.models import KEY_VALIDATOR, BusinessUnit, User
from incidents.terms.rules import COMPONENT_KINDS, PARENTS, Kind, name_of


class ValueKind(models.TextChoices):
    """What a value classifies."""

    TYPE = Kind.TYPE, "Type"
    CATEGORY = Kind.CATEGORY, "Category"
    CLOSURE_CODE = Kind.CLOSURE_CODE, "Closure code"
    CAUSE_CODE = Kind.CAUSE_CODE, "Cause code"
    TAG = Kind.TAG, "Tag"


class ValueQuerySet(TrackedQuerySet["TaxonomyValue"]):
    """Values, by what one may see, and by name."""

    def visible_to(self, user: User) -> Self:
        """The enterprise's, and those of units in which the user sees anything."""
        return self.filter(reaches(user, unit="unit"))

    def named(self, kind: str, key: str) -> "TaxonomyValue | None":
        """The value of that kind and key."""
        return self.filter(kind=kind, key=key).first()


class TaxonomyValue(Tracked):
    """A value that records refer to: it stays, whatever later versions say of it.

    Made when a version that has it is activated. `label` is what the last version called it.
    """

    kind = models.CharField(max_length=15, choices=ValueKind.choices)
    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    label = models.CharField(max_length=80)
    unit = models.ForeignKey(
        BusinessUnit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the whole enterprise's.",
    )
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="below")

    objects: ClassVar = ValueQuerySet.as_manager()

    class Meta:
        verbose_name = "value of the taxonomy"
        verbose_name_plural = "values of the taxonomy"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                name="taxonomy_value_unique",
                violation_error_code="taxonomy_value_unique",
                violation_error_message="There is a value of this kind and key already.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ValueKind.values), name="taxonomy_value_known"
            ),
            models.CheckConstraint(
                condition=Q(unit__isnull=True) | Q(parent__isnull=False),
                name="taxonomy_value_has_parent",
                violation_error_code="taxonomy_value_has_parent",
                violation_error_message="A unit's value hangs below one of the enterprise's.",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def name(self) -> str:
        """Kind and key."""
        return name_of(self.kind, self.key)


class TaxonomyVersion(PolicyVersion):
    """A version of the tree: the enterprise's, or what a unit adds below it."""

    policy_kind: ClassVar[str] = "taxonomy"
    adds_up: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("entries",)

    class Meta:
        default_permissions = ()

    def shown_value(self, name: str, value: Any) -> str | None:
        """A parent by what it is, and its key."""
        if name != "parent" or ":" not in str(value):
            return None
        kind, _, key = str(value).partition(":")
        return f"{ValueKind(kind).label} {key}"

    def beyond(self, enterprise: PolicyVersion) -> list[str] | None:
        """Nothing: a unit's version holds what it adds alone, and each entry is checked as such."""
        return []


class TaxonomyEntry(Tracked):
    """One value as a version says it. A retired one keeps its row, for the records that have it."""

    taxonomy = models.ForeignKey(TaxonomyVersion, models.CASCADE, related_name="entries")
    line = models.CharField(max_length=80)
    kind = models.CharField(max_length=15, choices=ValueKind.choices)
    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    label = models.CharField(max_length=80)
    parent = models.CharField(
        max_length=80,
        blank=True,
        help_text="What it hangs below, as kind:key. A unit's values need one of the enterprise's.",
    )
    is_retired = models.BooleanField(
        "retired", default=False, help_text="Not offered any more; old records go on showing it."
    )
    component_kinds: "models.Field[Any, Any]" = ArrayField(
        models.CharField(max_length=20, choices=COMPONENT_KINDS),
        default=list,
        blank=True,
        help_text="For a type: the components it may be raised on. None: any.",
    )
    default_tags: "models.Field[Any, Any]" = ArrayField(
        models.SlugField(max_length=60),
        default=list,
        blank=True,
        help_text="Tags that incidents of this type or category get by themselves.",
    )

    class Meta:
        verbose_name = "value"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["taxonomy", "kind", "key"],
                name="taxonomy_entry_unique",
                violation_error_code="taxonomy_entry_unique",
                violation_error_message="The version has a row of this kind and key already.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ValueKind.values), name="taxonomy_entry_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{ValueKind(self.kind).label} {self.label}"

    @property
    def name(self) -> str:
        """Kind and key."""
        return name_of(self.kind, self.key)

    def clean(self) -> None:
        """What a row can tell by itself, and by the values that there are already."""
        if self.kind not in PARENTS:
            return  # the field says so
        kind, _, key = self.parent.partition(":")
        if self.parent and (not key or kind not in PARENTS[self.kind]):
            allowed = " or a ".join(ValueKind(each).label.lower() for each in PARENTS[self.kind])
            raise ValidationError(
                {"parent": f"A {ValueKind(self.kind).label.lower()} hangs below a {allowed}."}
            )
        if self.component_kinds and self.kind != ValueKind.TYPE:
            raise ValidationError({"component_kinds": "Only types are limited to components."})
        unit = self.taxonomy.policy.unit_id
        if unit is not None:
            self._check_extension(unit, kind, key)

    def _check_extension(self, unit: int, kind: str, key: str) -> None:
        """A unit adds leaves below the enterprise's values, and redefines none."""
        if not self.parent:
            text = "Choose the enterprise value that it hangs below."
            raise ValidationError({"parent": ValidationError(text, code="policy_extension")})
        parent = TaxonomyValue.objects.named(kind, key)
        if parent is None or parent.unit_id is not None:
            text = f"There is no enterprise value {self.parent}; choose one that there is."
            raise ValidationError({"parent": ValidationError(text, code="policy_extension")})
        same = TaxonomyValue.objects.named(self.kind, self.key)
        if same is not None and same.unit_id != unit:
            text = f"{same.label} is defined elsewhere and can't be redefined; choose another key."
            raise ValidationError({"key": ValidationError(text, code="policy_extension")})
