"""A row's check constraints, asked of the database in one question.

Django asks three statements for each of them, and most rows that an operation saves have several:
of giving somebody a role that was a quarter.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.core.exceptions import FieldError
from django.db import models, router
from django.db.models import Q

type Constraints = list[tuple[type[models.Model], Sequence[models.BaseConstraint]]]


class CheckedTogether(models.Model):
    """Where all checks hold, which is nearly always, they are asked together.

    Where one doesn't, Django asks one by one, and says which.
    """

    _checks_hold = False

    class Meta:
        abstract = True

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Raises what Django raises."""
        self._checks_hold = _all_hold(self, exclude)
        try:
            super().validate_constraints(exclude)
        finally:
            del self._checks_hold

    def get_constraints(self) -> Constraints:
        """All; while they are validated those alone that still are to be asked."""
        found = super().get_constraints()
        if not self._checks_hold:
            return found
        return [
            (model, [each for each in several if not isinstance(each, models.CheckConstraint)])
            for model, several in found
        ]


def _all_hold(row: Any, exclude: Collection[str] | None) -> bool:
    using = router.db_for_write(type(row), instance=row)
    for model, constraints in row.get_constraints():
        checks = [each for each in constraints if isinstance(each, models.CheckConstraint)]
        whole = Q(*(each.condition for each in checks))
        fields = row._get_field_expression_map(meta=model._meta, exclude=exclude)
        try:
            # Unknown lets through, each of them as all together.
            if checks and not whole.check(fields, using=using):
                return False
        except FieldError:  # of a field that is left out: Django leaves out that check alone
            return False
    return True
