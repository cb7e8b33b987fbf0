"""The list of versions as of a time."""

import datetime
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db import models
from django.http import HttpRequest

from config import clock
from config.governance.rules import moment_of

_AGO = {"now": 0, "week": 7, "month": 30, "quarter": 92, "year": 365}


class InForceFilter(SimpleListFilter):
    """What held now, or some time ago; `?in_force=2026-03-31T12:00` asks for any other time."""

    title = "in force"
    parameter_name = "in_force"
    takes_any_value = True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The times that are offered."""
        return [
            ("now", "Now"),
            ("week", "A week ago"),
            ("month", "30 days ago"),
            ("quarter", "A quarter ago"),
            ("year", "A year ago"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> models.QuerySet[Any]:
        """The versions whose time holds the instant."""
        value = self.value()
        if value is None:
            found: models.QuerySet[Any] = queryset
            return found
        moment = _moment(value)
        rows: models.QuerySet[Any] = queryset
        return rows.none() if moment is None else rows.filter(in_force__contains=moment)


def _moment(value: str) -> datetime.datetime | None:
    if value in _AGO:
        return clock.now() - datetime.timedelta(days=_AGO[value])
    return moment_of(value)
