"""The scope rule on the services that there are: which would come in, and which would go."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Expression, QuerySet, Value
from django.urls import reverse

from config.governance.backtest import replays
from config.governance.models import PolicyVersion
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.scoping.models import ScopeRuleVersion
from incidents.scoping.operations import in_sql


class ScopeReplay:
    """Services as they are now; a unit's rule on the unit's own."""

    noun = "services"

    def records(self, version: PolicyVersion) -> QuerySet[Any]:
        """Newest first."""
        rows: QuerySet[Any] = Service.objects.order_by("-pk")
        unit = version.policy.unit_id
        return rows if unit is None else rows.filter(team__unit_id=unit)

    def outcome(self, version: PolicyVersion) -> Expression | Value:
        """In words."""
        assert isinstance(version, ScopeRuleVersion)  # noqa: S101  # registered for this kind
        return in_sql(version)

    def visible(self, pks: Sequence[int], user: User) -> dict[int, tuple[str, str]]:
        """The name, and the service's page."""
        rows = Service.objects.visible_to(user).filter(pk__in=pks)
        return {
            row.pk: (row.name, reverse("admin:incidents_service_change", args=(row.pk,)))
            for row in rows.only("name")
        }


replays(ScopeRuleVersion.policy_kind, ScopeReplay())
