"""List filters by when something was: each end a day, or a day and a time, on the admin's clock."""

import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.forms import DateField, SplitDateTimeField, TimeField
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.contrib.filters.forms import RangeDateTimeForm

from config.adminkit.matching import UnfitAddress

DAY = datetime.timedelta(days=1)
SECOND = datetime.timedelta(seconds=1)
MIDNIGHT = datetime.time()


class _Shown(SplitDateTimeField):
    """Shows what was asked for; the filter has read it, also a day without a time."""

    def compress(self, data_list: Any) -> None:
        """Nothing."""


class PeriodForm(RangeDateTimeForm):
    """The four fields of a period in the panel of filters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            self.fields[name] = _Shown(label="", required=False, widget=field.widget)


class PeriodFilter(RangeDateTimeFilter):
    """Rows from one moment to another, both included.

    A day without a time is that whole day, a time is that whole second. What can't be read is said:
    a filter that is passed over would show more than was asked for.
    """

    form_class = PeriodForm

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: dict[str, Any],
        model: type[models.Model],
        model_admin: Any,
        field_path: str,
    ) -> None:
        for name in self.parameters_of(field_path):
            if len(params.get(name, ())) > 1:
                raise UnfitAddress(f"The filter '{name}' stands there twice.", [name])
        super().__init__(field, request, params, model, model_admin, field_path)

    @staticmethod
    def parameters_of(field: str) -> list[str]:
        """Their names in an address: the day and the time of both ends."""
        return [f"{field}_{end}_{part}" for end in ("from", "to") for part in (0, 1)]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        """The rows of the period. Raises `UnfitAddress` where an end can't be read."""
        names = self.parameters_of(self.field_path)
        first, _ = self._meant(*names[:2])
        _, last = self._meant(*names[2:])
        if first is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": first})
        if last is not None:
            queryset = queryset.filter(**{f"{self.field_path}__lt": last})
        return queryset

    def _meant(self, *names: str) -> tuple[datetime.datetime | None, datetime.datetime | None]:
        """By a day and a time: their first instant, and the first one after them."""
        day, time = (self.used_parameters.get(name) or "" for name in names)
        if not day and not time:
            return None, None
        try:
            return _span(day, time)
        except ValidationError as error:
            said = f"{day} {time}".strip()
            raise UnfitAddress(
                f"The filter '{self.title}' can't read '{said}': give a day such as 2026-01-31,"
                " and a time such as 14:30 or none.",
                names,
            ) from error


def _span(day: str, time: str) -> tuple[datetime.datetime, datetime.datetime | None]:
    date = DateField().clean(day)
    at = TimeField().clean(time).replace(microsecond=0) if time else MIDNIGHT
    begin = datetime.datetime.combine(date, at)
    try:
        end = timezone.make_aware(begin + (SECOND if time else DAY))
    except OverflowError:
        end = None  # after the last day of all there is nothing
    return timezone.make_aware(begin), end
