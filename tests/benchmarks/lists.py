"""Lists at 100,000 incidents, beside SQL with json.dumps, a bare DRF view and the stock admin."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.test import override_settings
from django.urls import path
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.serializers import BaseSerializer
from rest_framework.test import APIClient

from config import urls
from config.access.rules import Role
from config.adminkit.paginator import CAP
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.api.shapes import IncidentOut
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations.options import Options
from incidents.lifecycle.rules import State
from incidents.taxonomy.models import Level, Severity
from tests.benchmarks import stock_admin
from tests.benchmarks.measuring import Figure, in_turns, scratch, settle
from tests.config import make
from tests.incidents import make as make_incidents

ROWS, PAGE, TEAMS, REACHED, ROUNDS = 100_000, 50, 200, 10, 60
CHANGELIST = "/admin/incidents/incident/"
URL = f"/api/v1/incidents/?page_size={PAGE}"
SQL = """
    SELECT i.reference, i.title, i.description, i.state, i.severity, i.level, i.is_restricted,
        i.revision, i.started_at::text, i.detected_at::text, i.reported_at::text,
        i.acknowledged_at::text, i.mitigated_at::text, i.restored_at::text, i.resolved_at::text,
        i.closed_at::text, s.key AS service, t.key AS team, u.key AS unit
    FROM incidents_incident i
    LEFT JOIN incidents_service s ON s.id = i.service_id
    JOIN config_team t ON t.id = i.team_id
    JOIN config_businessunit u ON u.id = i.unit_id
    WHERE NOT i.is_restricted AND i.team_id = ANY(%s::bigint[])
    ORDER BY i.id DESC LIMIT %s
"""


class BareList(ListAPIView[Incident]):
    """DRF, the serializer and the rows: no rights, no filters, no pages, no audit."""

    serializer_class: type[BaseSerializer[Any]] = IncidentOut
    permission_classes = [AllowAny]
    authentication_classes = []
    pagination_class = None
    filter_backends = []
    action = "list"

    def get_queryset(self) -> Any:
        """The newest."""
        self.reader = Options(User.objects.get(username="root"))
        return Incident.objects.with_parts().order_by("-pk")[:PAGE]


urlpatterns = [
    path("bare/", BareList.as_view()),
    path("stock/", stock_admin.changelist),
    path("stock-admin/", stock_admin.site.urls),
    *urls.urlpatterns,
]


def figures() -> Iterator[Figure]:
    """Milliseconds for the page, at its beginning and deep down, with few grants and with many."""
    settings = {"ROOT_URLCONF": __name__, "TEMPLATES": stock_admin.templates()}
    with scratch(), override_settings(ALLOWED_HOSTS=["testserver"], **settings):
        services = _fill()
        few, many = _reader("few", services[:REACHED]), _reader("many", services)
        settle()
        yield from _api_figures(few, many, [each.team_id for each in services[:REACHED]])
        yield from _admin_figures(few, many)


def _api_figures(few: User, many: User, teams: list[int]) -> Iterator[Figure]:
    ours, deep, granted, sql, bare = in_turns(
        *(_page(few, URL), _page(few, _deep(few)), _page(many, URL), _sql(teams), _bare()),
        times=ROUNDS,
    )
    yield Figure("incident list of 50, beside SQL", ours, "ms", 15.0, floor=sql)
    yield Figure("incident list of 50, beside bare DRF", ours, "ms", 1.6, floor=bare)
    yield Figure("incident list, at its last pages", deep, "ms", 1.2, floor=ours)
    yield Figure("incident list, 200 grants beside 10", granted, "ms", 1.2, floor=ours)


def _admin_figures(few: User, many: User) -> Iterator[Figure]:
    last = f"{CHANGELIST}?p={CAP // PAGE}"
    ours, deep, granted, stock = in_turns(
        *(_changelist(few), _changelist(few, last), _changelist(many)),
        _changelist(User.objects.get(username="root"), "/stock/"),
        times=ROUNDS,
    )
    yield Figure("incidents in the admin, beside stock", ours, "ms", 3.0, floor=stock)
    yield Figure("incidents in the admin, at page 20", deep, "ms", 1.2, floor=ours)
    yield Figure("incidents in the admin, 200 grants", granted, "ms", 1.2, floor=ours)


def _changelist(reader: User, url: str = CHANGELIST) -> Callable[[], Any]:
    client = make.browser(reader)
    page = client.get(url)
    if page.status_code != 200 or page.content.count(b"_selected_action") < PAGE:
        raise RuntimeError(f"{url} answers {page.status_code}, or too few rows")
    return lambda: client.get(url)


def _fill() -> list[Service]:
    make.superuser("root")
    services = [make_incidents.service(team=make.team()) for _ in range(TEAMS)]
    states = [state for state in State if state not in (State.RESOLVED, State.CLOSED)]
    Incident._base_manager.bulk_create(
        (
            Incident(
                number=number,
                reference=f"INC-{number:06d}",
                title=f"Checkout is slow in region {number % 7}",
                state=states[number % len(states)],
                severity=Severity.values[number % 4],
                level=Level.ERROR,
                service=services[number % TEAMS],
                team_id=services[number % TEAMS].team_id,
                unit_id=services[number % TEAMS].team.unit_id,
            )
            for number in range(1, ROWS + 1)
        ),
        batch_size=5000,
    )
    return services


def _reader(name: str, services: list[Service]) -> User:
    person = make.user(name)
    for service in services:
        make.role(Role.ENGINEER, to=person, on=service.team)
    return person


def _page(reader: User, url: str) -> Callable[[], Any]:
    client = make.api(reader)
    rows = client.get(url).json()["results"]
    if len(rows) != PAGE:
        raise RuntimeError(f"{len(rows)} rows on the page")
    return lambda: client.get(url)


def _deep(reader: User) -> str:
    """The address of the page after many."""
    client, url = make.api(reader), "/api/v1/incidents/?page_size=100"
    for _ in range(REACHED * ROWS // TEAMS // 100 - 1):
        following = urlsplit(client.get(url).json()["next"])
        url = f"{following.path}?{following.query}"
    return url.replace("page_size=100", f"page_size={PAGE}")


def _sql(teams: list[int]) -> Callable[[], Any]:
    def read() -> str:
        with connection.cursor() as cursor:
            cursor.execute(SQL, [teams, PAGE])
            names = [column.name for column in cursor.description or ()]
            return json.dumps([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])

    return read


def _bare() -> Callable[[], Any]:
    """Through the same middleware, by a client without a token."""
    client = APIClient()
    if len(client.get("/bare/").json()) != PAGE:
        raise RuntimeError("the bare view shows other rows")
    return lambda: client.get("/bare/")
