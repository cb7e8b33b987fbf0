"""Public holidays by country and subdivision, from the library that collects them."""

import datetime
from collections.abc import Iterable, Mapping
from functools import lru_cache

import holidays
from django.core.exceptions import ValidationError


@lru_cache(maxsize=1)
def countries() -> dict[str, list[str]]:
    """ISO 3166 codes of the countries that are known, with their subdivisions."""
    found = holidays.list_supported_countries(include_aliases=False)
    return {code: list(parts) for code, parts in sorted(found.items()) if len(code) == 2}


def check_place(country: str, region: str) -> None:
    """Refuse a place whose holidays nobody knows. Raises `ValidationError` by field."""
    known = countries()
    if country and country not in known:
        text = "Use the two letters of a country, such as JP; or leave it empty for no holidays."
        raise ValidationError({"holiday_country": text})
    if region and region not in known.get(country, []):
        listed = ", ".join(known.get(country, [])) or "none"
        raise ValidationError({"holiday_region": f"Known there: {listed}. Or leave it empty."})


def holidays_of(country: str, region: str, years: Iterable[int]) -> Mapping[datetime.date, str]:
    """The holidays of those years; none without a country."""
    found: dict[datetime.date, str] = {}
    if country:
        for year in years:
            found |= _of_year(country, region, year)
    return found


@lru_cache(maxsize=512)
def _of_year(country: str, region: str, year: int) -> Mapping[datetime.date, str]:
    if not 1900 <= year <= 2200:
        return {}
    return dict(holidays.country_holidays(country, subdiv=region or None, years=year))
