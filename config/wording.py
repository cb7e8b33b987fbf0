"""A stored value as pages say it: histories and differences of versions speak alike."""

import datetime
from typing import Any

from django.db import models

_TIME = "%Y-%m-%d %H:%M:%S UTC"


def in_words(field: "models.Field[Any, Any]", value: Any) -> str:
    """Labels for choices, sentences for conditions, times in UTC without fractions of a second."""
    if hasattr(field, "shown"):
        return str(field.shown(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime(_TIME)
    if isinstance(value, list):
        return ", ".join(in_words(getattr(field, "base_field", field), each) for each in value)
    return str(dict(field.flatchoices).get(value, value) if isinstance(value, str | int) else value)
