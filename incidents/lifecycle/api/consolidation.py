"""`/api/v1/incident-consolidation/`: incidents by the enterprise's values, units rolled up."""

from django.db.models import QuerySet
from rest_framework import serializers

from config.apikit.views import VIEW
from incidents.lifecycle.consolidation import consolidated
from incidents.terms.api import TaxonomyValueOut, ValueViewSet
from incidents.terms.models import TaxonomyValue


class ConsolidatedOut(TaxonomyValueOut):
    """A value of the enterprise, with its incidents."""

    incidents = serializers.IntegerField(
        read_only=True, help_text="Those that name it, or a unit's value below it."
    )

    class Meta(TaxonomyValueOut.Meta):
        fields = read_only_fields = (*TaxonomyValueOut.Meta.fields, "incidents")  # type: ignore[assignment]  # one more than there


class ConsolidationViewSet(ValueViewSet):
    """The consolidated report: nothing of a unit stands beside what the enterprise defines."""

    model = TaxonomyValue
    out = ConsolidatedOut
    action_permissions = {"list": VIEW, "retrieve": VIEW}

    def door(self) -> QuerySet[TaxonomyValue]:
        """The enterprise's values; by its id, any that the caller may see."""
        rows = super().door()
        return rows if self.detail else rows.filter(unit__isnull=True)

    def shown(self, rows: QuerySet[TaxonomyValue]) -> QuerySet[TaxonomyValue]:
        """With the number of incidents that the caller may see."""
        reader = self.request.user
        return consolidated(super().shown(rows), reader)  # type: ignore[arg-type]  # signed in
