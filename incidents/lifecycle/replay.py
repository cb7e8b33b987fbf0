"""The severity matrix on past incidents: what a version would have made of them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Expression, QuerySet, Value
from django.urls import reverse

from config.governance.backtest import replays
from config.governance.models import PolicyVersion
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.operations import matrix_of


class SeverityReplay:
    """Incidents by the impact that they have now; a unit's matrix on the unit's own."""

    noun = "incidents"

    def records(self, version: PolicyVersion) -> QuerySet[Any]:
        """Newest first. Restricted ones are left out: counts would speak of them to everybody."""
        rows: QuerySet[Any] = Incident.objects.filter(is_restricted=False).order_by("-pk")
        unit = version.policy.unit_id
        return rows if unit is None else rows.filter(unit_id=unit)

    def outcome(self, version: PolicyVersion) -> Expression | Value:
        """The severity."""
        assert isinstance(version, SeverityTableVersion)  # noqa: S101  # registered for this kind
        return matrix_of(version).in_sql()

    def visible(self, pks: Sequence[int], user: User) -> dict[int, tuple[str, str]]:
        """Reference and title, and the incident's page."""
        rows = Incident.objects.visible_to(user).filter(pk__in=pks)
        return {
            row.pk: (str(row), reverse("admin:incidents_incident_change", args=(row.pk,)))
            for row in rows.only("reference", "title")
        }


replays(SeverityTableVersion.policy_kind, SeverityReplay())
