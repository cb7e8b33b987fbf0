"""What was imported: the file, what it would do, and what it did."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from config import clock
from config.access.visibility import containers_of, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation.models import User
from incidents.importing.rules import NEEDS, Format, ImportState, What


class ImportQuerySet(TrackedQuerySet["CatalogueImport"]):
    """Imports, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """One's own; all of them for those who see the whole enterprise."""
        if containers_of(user, "view").everything:
            return self
        return self.filter(by=user.pk) if user.is_active else self.none()


class CatalogueImport(Tracked):
    """One file: previewed first, applied once.

    `rows` says of each row what it is about, what becomes of it, and what is wrong with it.
    """

    what = models.CharField(max_length=20, choices=What.choices)
    format = models.CharField(max_length=20, choices=Format.choices, default=Format.CSV)
    content = models.TextField(help_text="The text of the file.")
    state = models.CharField(
        max_length=10,
        choices=ImportState.choices,
        default=ImportState.PREVIEWED,
        editable=False,
    )
    rows = models.JSONField(default=list, blank=True, editable=False)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    at = models.DateTimeField(default=clock.now, editable=False)
    applied_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = ImportQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(state=ImportState.APPLIED, applied_at__isnull=False)
                | Q(state=ImportState.PREVIEWED, applied_at__isnull=True),
                name="import_applied_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()} of {self.at:%Y-%m-%d %H:%M}"

    def count(self, outcome: str) -> int:
        """How many rows have that outcome: created, changed, unchanged, wrong."""
        return sum(row["outcome"] == outcome for row in self.rows)


register_verbs(CatalogueImport, NEEDS)
