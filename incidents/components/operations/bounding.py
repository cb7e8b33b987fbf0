"""Components that are owned by a team of another domain than the boundaries say."""

from typing import Any

from django.db.models import Case, CharField, F, QuerySet, Value, When

from incidents.boundaries.operations import rightful_domains
from incidents.components.models import Component


def with_rightful_domain(rows: QuerySet[Component]) -> QuerySet[Component]:
    """The rows with `rightful_domain`: which one answers for what each is; empty: none is named."""
    whens = [
        When(kind=kind, team__unit__in=units, then=Value(domain))
        for units, domains in rightful_domains()
        for kind, domain in domains.items()
    ]
    return rows.annotate(rightful_domain=Case(*whens, default=Value(""), output_field=CharField()))


def with_bounds(component: Component) -> Component:
    """The same for one, as it is stored now."""
    rows = Component.objects.filter(pk=component.pk).select_related("team")
    return with_rightful_domain(rows).get()


def out_of_bounds(rows: QuerySet[Component]) -> QuerySet[Component]:
    """Those of the rows; where a team names no domain, or no rule says, nothing contradicts."""
    known: Any = with_rightful_domain(rows).exclude(team__domain="")
    outside: QuerySet[Component] = known.exclude(rightful_domain="").exclude(
        rightful_domain=F("team__domain")
    )
    return outside
