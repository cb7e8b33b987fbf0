"""Incidents by the values of the taxonomy, those of units rolled up into the enterprise's."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.terms.models import TaxonomyValue
from incidents.terms.operations import FIELDS
from incidents.terms.rules import Kind


def consolidated(rows: QuerySet[TaxonomyValue], reader: User) -> QuerySet[TaxonomyValue]:
    """The values with `incidents`: how many that the reader may see name it, or a unit's below it.

    A unit's value hangs right below one of the enterprise's, so one step up reaches it.
    """
    seen = Incident.objects.visible_to(reader).order_by()
    whens = [When(kind=kind, then=_count(seen, _names(field))) for field, kind in FIELDS.items()]
    whens.append(When(kind=Kind.TAG, then=_count(seen, _tagged())))
    counted = Case(*whens, default=Value(0), output_field=IntegerField())
    return rows.annotate(incidents=counted)


def _names(field: str) -> Q:
    below = {f"{field}__parent": OuterRef("pk"), f"{field}__unit__isnull": False}
    return Q(**{field: OuterRef("pk")}) | Q(**below)


def _tagged() -> Q:
    keys = TaxonomyValue.objects.filter(
        Q(pk=OuterRef(OuterRef("pk"))) | Q(parent=OuterRef(OuterRef("pk")), unit__isnull=False)
    ).order_by()
    return Q(tags__overlap=ArraySubquery(keys.values("key")))


def _count(seen: QuerySet[Incident], condition: Q) -> Coalesce:
    counts = (
        seen.filter(condition)
        .annotate(everything=Value(1))
        .values("everything")
        .annotate(number=Count(F("pk"), distinct=True))
        .values("number")
    )
    return Coalesce(Subquery(counts, output_field=IntegerField()), 0)
