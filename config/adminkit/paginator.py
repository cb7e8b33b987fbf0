"""Counting up to a thousand: nobody reads further, and counting more costs more than the page."""

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from unfold.views import ChangeList

CAP = 1000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # whatever rows there are
    """Counts at most 1,001 rows; lists say 'more than 1,000'."""

    template_name = "adminkit/pagination.html"

    @cached_property
    def count(self) -> int:
        """The rows, 1,001 standing for more than 1,000."""
        rows = self.object_list
        if hasattr(rows, "order_by"):
            return int(rows.order_by()[: CAP + 1].count())
        return len(rows)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.count > CAP


class CappedChangeList(ChangeList):
    """A list of rows that doesn't count them all, under the name that the sidebar uses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = self.model_admin.plural

    @property
    def live_state(self) -> str:
        """Key and revision of each row, for a list that tells what changed."""
        return json.dumps([[row.pk, row.revision] for row in self.result_list])

    @property
    def is_narrowed(self) -> bool:
        """Whether search or filters leave rows out."""
        return bool(self.query or self.has_active_filters)
