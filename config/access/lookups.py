"""`field__any_of=ids`: one of these numbers, sent as one array however many there are."""

from collections.abc import Collection
from typing import Any

from django.db import models


class AnyOf(models.Lookup):
    """`= ANY(array)`: the plan is that of IN, without a parameter for each id."""

    lookup_name = "any_of"
    prepare_rhs = False
    rhs: Collection[int]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compare the column with one array."""
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s::bigint[])", (*params, list(self.rhs))


models.BigAutoField.register_lookup(AnyOf)
models.ForeignKey.register_lookup(AnyOf)
