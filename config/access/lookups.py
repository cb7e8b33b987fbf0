"""`field__any_of=ids`: one of these numbers, sent as one array however many there are.

Of a queryset the database makes the array before anything else: unlike IN, whose rows it may join
after all the tables that are shown (docs/decisions/0018).
"""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.db.models.sql import Query


class AnyOf(models.Lookup):
    """`= ANY(array)`: the plan is that of IN, without a parameter for each id."""

    lookup_name = "any_of"
    prepare_rhs = False
    rhs: Collection[int] | Query

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compare the column with one array."""
        left, params = self.process_lhs(compiler, connection)
        if isinstance(self.rhs, Query):
            text, values = self.rhs.get_compiler(connection=connection).as_sql()
            return f"{left} = ANY(ARRAY({text}))", (*params, *values)
        return f"{left} = ANY(%s::bigint[])", (*params, list(self.rhs))


models.BigAutoField.register_lookup(AnyOf)
models.ForeignKey.register_lookup(AnyOf)
