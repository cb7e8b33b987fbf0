"""Nobody changes what was written."""

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from config.audit.tracking import UntrackedWrite
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.timeline.models import TimelineEntry
from incidents.timeline.operations import add_note
from tests.config import make as people


@pytest.fixture
def line(incident: Incident, bob: User) -> TimelineEntry:
    return add_note(incident, actor=bob, text="Restarted.", kind="action")


def execute_as(role: str, statement: str, pk: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if role == "owner":
            cursor.execute("RESET ROLE")
        cursor.execute(statement, [pk])


@pytest.mark.check("INC-26.1")
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("path", ["timeline/", "timeline/{pk}/"])
def test_refuses_changes_over_the_api(line, incident, alice: User, method: str, path: str) -> None:
    url = f"/api/v1/incidents/{incident.reference}/{path.format(pk=line.pk)}"

    response = getattr(people.api(alice), method)(url, {"text": "x"}, HTTP_IF_MATCH="*")

    assert response.status_code == (404 if "{pk}" in path else 405)
    assert TimelineEntry.objects.get(pk=line.pk).text == "Restarted."


@pytest.mark.check("INC-26.1")
@pytest.mark.parametrize("path", ["change", "delete"])
def test_refuses_changes_in_the_admin(line: TimelineEntry, root: User, path: str) -> None:
    url = f"/admin/incidents/timelineentry/{line.pk}/{path}/"

    response = people.browser(root).post(url, {"text": "x", "post": "yes"})

    assert response.status_code == 403
    assert TimelineEntry.objects.get(pk=line.pk).text == "Restarted."


@pytest.mark.check("INC-26.1")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE incidents_timelineentry SET text = 'x' WHERE id = %s",
        "DELETE FROM incidents_timelineentry WHERE id = %s",
        "UPDATE incidents_keytimeclaim SET source = 'x' WHERE %s > 0",
    ],
)
@pytest.mark.parametrize("role", ["runtime", "owner"])
def test_refuses_changes_in_the_database(line: TimelineEntry, statement: str, role: str) -> None:
    with pytest.raises(DatabaseError):
        execute_as(role, statement, line.pk)

    assert TimelineEntry.objects.get(pk=line.pk).text == "Restarted."


def test_refuses_changes_by_code(line: TimelineEntry) -> None:
    for change in (line.save, line.delete, TimelineEntry.objects.all().delete):
        with pytest.raises(UntrackedWrite):
            change()
    with pytest.raises(UntrackedWrite):
        TimelineEntry.objects.update(text="x")
