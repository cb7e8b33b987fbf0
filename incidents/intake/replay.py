"""The qualification table on past reports: what a version would have made of them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Expression, QuerySet, Value
from django.urls import reverse

from config.governance.backtest import replays
from config.governance.models import PolicyVersion
from config.organisation.models import User
from incidents.intake.models import IntakeItem, QualificationVersion
from incidents.intake.operations.deciding import in_sql


class QualificationReplay:
    """Reports by the answers that they have now; a unit's table on the unit's own."""

    noun = "reports"

    def records(self, version: PolicyVersion) -> QuerySet[Any]:
        """Newest first, without those that double a restricted incident."""
        rows: QuerySet[Any] = IntakeItem.objects.order_by("-pk").exclude(
            duplicate_of__is_restricted=True
        )
        unit = version.policy.unit_id
        return rows if unit is None else rows.filter(unit_id=unit)

    def outcome(self, version: PolicyVersion) -> Expression | Value:
        """What the report is."""
        assert isinstance(version, QualificationVersion)  # noqa: S101  # registered for this kind
        return in_sql(version)

    def visible(self, pks: Sequence[int], user: User) -> dict[int, tuple[str, str]]:
        """Reference and title, and the report's page."""
        rows = IntakeItem.objects.visible_to(user).filter(pk__in=pks)
        return {
            row.pk: (str(row), reverse("admin:incidents_intakeitem_change", args=(row.pk,)))
            for row in rows.only("title")
        }


replays(QualificationVersion.policy_kind, QualificationReplay())
