"""Pages of a list: nobody reads further than a thousand rows, and counting more costs more.

The keys of the first thousand rows, in their order, are asked for once: they are the count, and the
rows of a page are fetched by them. So the last page costs what the first one costs, no joins run
through rows that are only skipped, and what lies beyond is reached from the last row on, by key.
"""

import json
from functools import cached_property
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from unfold.views import ChangeList

CAP = 1000
BEFORE = "before"


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # whatever rows there are
    """Knows at most 1,000 rows, and whether there are more."""

    template_name = "adminkit/pagination.html"

    @cached_property
    def keys(self) -> list[Any]:
        """The keys of the rows, in their order; one more than a thousand where there are more."""
        rows: Any = self.object_list
        return list(rows.values_list("pk", flat=True)[: CAP + 1])

    @cached_property
    def count(self) -> int:
        """The rows, at most 1,000."""
        return min(len(self.keys), CAP)

    @property
    def is_capped(self) -> bool:
        """Whether there are more."""
        return len(self.keys) > CAP

    def page(self, number: Any) -> Page[Any]:
        """The rows of a page, by their keys."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        return Page(self.rows(first, first + self.per_page), number, self)

    def rows(self, first: int, beyond: int) -> Any:
        """Those rows, still to be read."""
        rows: Any = self.object_list
        return rows.filter(pk__in=self.keys[: self.count][first:beyond])


class CappedChangeList(ChangeList):
    """A list of rows that doesn't count them all, under the name that the sidebar uses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = self.model_admin.plural
        # What leads back to this list is put to each link at once, by `url_for_result`.
        self._way_back: str = self.preserved_filters  # type: ignore[has-type]  # Django's own
        self.preserved_filters = ""

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """Without the place in the list: that is no filter."""
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(BEFORE, None)
        return found

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> models.QuerySet[Any]:
        """The rows that search and filters leave, from the place in the list on."""
        rows: models.QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return rows.filter(pk__lt=self._before) if self.is_continued else rows

    @property
    def is_continued(self) -> bool:
        """Whether it begins somewhere below the newest row."""
        return BEFORE in self.params

    @cached_property
    def _before(self) -> Any:
        try:
            return self.opts.pk.to_python(self.params[BEFORE])
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page, with nothing but what the list shows."""
        super().get_results(request)
        whole = self.show_all and self.can_show_all
        rows = self.paginator.rows(0, CAP) if whole or not self.multi_page else self.result_list  # type: ignore[has-type]  # Django's own
        related = self.model_admin.list_select_related
        if isinstance(related, list | tuple):
            rows = rows.select_related(None).select_related(*related)
        self.result_list = rows.defer(*self.model_admin.list_defer)

    @property
    def older_url(self) -> str:
        """Where the list goes on beyond what its pages reach; only by age, which is by key."""
        is_by_age = set(self.queryset.query.order_by) == {"-pk"}
        if not (self.paginator.is_capped and is_by_age):
            return ""
        return str(self.get_query_string({BEFORE: self.paginator.keys[CAP - 1], "p": None}))

    @property
    def newest_url(self) -> str:
        """The same list from its newest row on."""
        return str(self.get_query_string({BEFORE: None, "p": None}))

    def url_for_result(self, result: Any) -> str:
        """The page of the row; asking the URL configuration for each link would cost more."""
        address, back = self._around_key
        return f"{address}{quote(getattr(result, self.pk_attname))}/change/{back}"

    @cached_property
    def _around_key(self) -> tuple[str, str]:
        meta = self.opts
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        return address, f"?{self._way_back}" if self._way_back else ""

    @property
    def live_state(self) -> str:
        """Key and revision of each row, for a list that tells what changed."""
        return json.dumps([[row.pk, row.revision] for row in self.result_list])

    @property
    def is_narrowed(self) -> bool:
        """Whether search or filters leave rows out."""
        return bool(self.query or self.has_active_filters)
