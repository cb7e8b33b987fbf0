"""The dependency matrix as a file."""

import io

from django.db import transaction
from django.http import HttpResponse

from config import clock
from config.audit.plain_values import Sheet
from config.events.operations import record
from config.organisation.models import User
from incidents.components.models import Dependency
from incidents.components.operations import matrix
from incidents.components.operations.linking import COLUMNS


@transaction.atomic
def matrix_as_csv(user: User) -> HttpResponse:
    """The matrix of what the user may see; who took it is recorded."""
    content = io.StringIO()
    sheet = Sheet(content, COLUMNS)
    rows = list(matrix(Dependency.objects.visible_to(user), clock.now()))
    for row in rows:
        sheet.add(row)
    record("dependency.matrix_exported", None, actor=user, rows=len(rows))
    response = HttpResponse(content.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="dependency-matrix.csv"'
    return response
