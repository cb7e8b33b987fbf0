"""Whose policies somebody may see."""

from django.db.models import Q

from config.access.rules import Level
from config.access.visibility import containers_of
from config.organisation.models import User
from config.planned import Planned

_UNITS = Planned(
    "units_of_teams", ("bigint[]",), "SELECT DISTINCT unit_id FROM config_team WHERE id = ANY($1)"
)


def reaches(user: User, *, unit: str) -> Q:
    """The filter of `visible_to`: the enterprise's, and those of units where one sees anything."""
    if not user.is_active:
        return Q(pk__in=[])
    seen = containers_of(user, Level.VIEW)
    if seen.everything:
        return Q()
    units = {found for (found,) in _UNITS.rows(list(seen.teams))}
    return Q(**{f"{unit}__isnull": True}) | Q(**{f"{unit}__in": units | seen.units})
