"""The dependency matrix, and the blast radius of an item, as files."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.http import HttpResponse

from config import clock
from config.audit.plain_values import Sheet
from config.events.operations import record
from config.organisation.models import User
from incidents.components.models import Dependency, Item
from incidents.components.operations import blast_radius, matrix
from incidents.components.operations.linking import COLUMNS

RADIUS_COLUMNS = ("key", "name", "kind", "distance", "strength", "team")


@transaction.atomic
def matrix_as_csv(user: User) -> HttpResponse:
    """The matrix of what the user may see; who took it is recorded."""
    rows = list(matrix(Dependency.objects.visible_to(user), clock.now()))
    record("dependency.matrix_exported", None, actor=user, rows=len(rows))
    return _file("dependency-matrix", COLUMNS, rows)


@transaction.atomic
def radius_as_csv(item: Item, user: User) -> HttpResponse:
    """Everything that depends on the item, of what the user may see; who took it is recorded."""
    rows = [
        {
            "key": each.item.key,
            "name": each.item.name,
            "kind": each.kind,
            "distance": each.distance,
            "strength": each.strength,
            "team": each.item.team.key,
        }
        for each in blast_radius(item, user)
    ]
    record("dependency.radius_exported", item, actor=user, rows=len(rows))
    return _file(f"blast-radius-{item.key}", RADIUS_COLUMNS, rows)


def _file(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> HttpResponse:
    content = io.StringIO()
    sheet = Sheet(content, columns)
    for row in rows:
        sheet.add(row)
    response = HttpResponse(content.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
