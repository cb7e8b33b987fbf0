"""What an alert's labels say of the measured impact. Pure.

A label counts under the name of the incident's field: `users_affected`, `revenue_per_hour`,
`exposure`, `data_sensitivity`, `is_regulatory`. What can't be read is left out: no alert is lost
over it, and a person states the impact later.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from incidents.taxonomy.impact import MEASURED, MOST_REVENUE, MOST_USERS
from incidents.taxonomy.models import DataSensitivity, Exposure

_COUNTS = {"users_affected": MOST_USERS, "revenue_per_hour": MOST_REVENUE}
# From the mildest to the worst.
_SCALES: Mapping[str, Sequence[str]] = {
    "exposure": tuple(Exposure.values),
    "data_sensitivity": tuple(DataSensitivity.values),
}
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def impact_of(labels: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the impact that the labels state."""
    stated = {name: _read(name, labels[name]) for name in MEASURED if name in labels}
    return {name: value for name, value in stated.items() if value is not None}


def worse_parts(held: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said and worse than what is held, or where nothing is held."""
    return {name: value for name, value in said.items() if _is_worse(name, held[name], value)}


def _read(name: str, value: Any) -> Any:
    if name in _COUNTS:
        return _count(value, _COUNTS[name])
    word = str(value).strip().lower()
    if name in _SCALES:
        return word if word in _SCALES[name] else None
    return _WORDS.get(word)


def _count(value: Any, most: int) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if isinstance(value, bool) or not math.isfinite(number) or not 0 <= number <= most:
        return None
    return int(number)


def _is_worse(name: str, held: Any, said: Any) -> bool:
    if held in (None, ""):
        return True
    if name in _SCALES:
        return _SCALES[name].index(said) > _SCALES[name].index(held)
    return bool(said > held)
