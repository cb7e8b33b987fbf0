"""What an auditor may do: read everything, and write nothing but audit requests and exports."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver, reverse
from rest_framework import serializers

from compliance.evidence.models import AuditRequest
from config import clock
from config.adminkit.base import site
from config.apikit.serializers import Ref
from config.audit.models import LedgerEntry
from config.events.models import Event
from config.organisation.models import ApiToken, User
from escalation.responders.models import ContactMethod
from escalation.rota.models import Schedule
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import resolve
from postmortems.reviews.operations import owe_review
from tests.compliance.make import approved
from tests.config import make

UNSAFE = ("post", "put", "patch", "delete")
# Asking for evidence, and what belongs to one's own account.
MAY_CREATE = {"audit-requests", "exports", "tokens", "contact-methods"}
OWN = (ApiToken, ContactMethod)
# POST that changes nothing: what a policy would do.
READS = {"simulate"}


@pytest.fixture
def world(
    carol: User, lena: User, incident: Incident, theirs: Incident, bob: User, root: User
) -> AuditRequest:
    """Something of everything that carol might try to change."""
    resolve(incident, actor=bob)
    owe_review(incident)
    Schedule(key="payments", name="Payments", team=incident.team).save_as(root)
    make.token(carol)
    return approved(lena, by=root)


def routes() -> Iterator[tuple[str, Any, dict[str, str]]]:
    """Every route of the API: its pattern, its view, and method -> action."""

    def walk(patterns: Any, before: str) -> Iterator[tuple[str, Any, dict[str, str]]]:
        for each in patterns:
            text = before + str(each.pattern).replace("^", "").replace("$", "")
            if not isinstance(each, URLPattern):
                yield from walk(each.url_patterns, text)
            elif hasattr(each.callback, "actions"):
                view: Any = each.callback
                yield text, view.cls, view.actions

    yield from walk(get_resolver().url_patterns, "/")


def address(pattern: str, view: Any, user: User) -> str:
    """With the key of a row that the user may see, where there is one."""
    if "(?P<" not in pattern:
        return pattern
    row = view.model._default_manager.visible_to(user).order_by("pk").first()
    field = view.lookup_field
    key = getattr(row, field) if row is not None else "1"
    start = pattern.index("(?P<")
    rest = pattern[start:].split(")/", 1)[1]
    return f"{pattern[:start]}{key}/{rest}"


def body(view: Any, action: str, user: User) -> dict[str, Any]:
    """What the action would accept, as far as its serializer tells."""
    handler = getattr(view, action, None)
    given = getattr(handler, "given", None) or view.inputs.get(action)
    if given is None:
        return {}
    fields = given().fields
    return {
        name: value(field, user)
        for name, field in fields.items()
        if field.required or name in ("unit", "service", "team", "reason")
    }


def value(field: Any, user: User) -> Any:
    """Something that fits the field."""
    if isinstance(field, Ref):
        manager: Any = field.model._default_manager
        row = manager.visible_to(user).order_by("pk").first()
        return getattr(row, field.slug_field) if row is not None else "x"
    if isinstance(field, serializers.ChoiceField):
        return next(iter(field.choices))
    if isinstance(field, serializers.DateTimeField):
        return clock.now().isoformat()
    if isinstance(field, (serializers.ListField, serializers.ListSerializer)):
        return []
    if isinstance(field, (serializers.IntegerField, serializers.BooleanField)):
        return 1
    return "example"


def written() -> set[tuple[str, str]]:
    """Everything that the ledger holds, but for the refusals that were recorded."""
    refusals = Event.objects.filter(kind="access.refused").values_list("pk", flat=True)
    known = {("config_event", str(pk)) for pk in refusals}
    return set(LedgerEntry.objects.values_list("table_name", "row_key")) - known


@pytest.mark.check("CMP-05.1")
def test_is_refused_every_write_through_the_api(world: AuditRequest, carol: User) -> None:
    client = make.api(carol)
    client.raise_request_exception = False
    before, tried, let_through = written(), 0, []

    for pattern, view, actions in routes():
        name = pattern.split("/")[3]
        for method in UNSAFE:
            action = actions.get(method, "")
            own = action in ("create", "destroy", "revoke") and name in MAY_CREATE
            if not action or own or action in READS:
                continue
            tried += 1
            target = address(pattern, view, carol)
            answer = client.generic(
                method.upper(), target, json.dumps(body(view, action, carol)),
                content_type="application/json", headers={"If-Match": "*"},
            )  # fmt: skip
            if not 400 <= answer.status_code < 500:
                let_through.append((method, target, answer.status_code))

    assert let_through == []
    assert written() == before
    assert tried > 200


def admin_targets(user: User) -> Iterator[str]:
    """Every page of the admin that could change something: of a list, and of a row in it."""
    for model, model_admin in site._registry.items():
        if model in OWN:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if model is not AuditRequest:
            yield reverse(f"{name}_add")
        for row in model_admin.get_queryset(_as(user))[:1]:
            yield from (reverse(f"{name}_{page}", args=(row.pk,)) for page in ("change", "delete"))
            for verb in getattr(model_admin, "verbs", ()):
                if verb.name != "export":
                    yield reverse(f"{name}_verb", args=(row.pk, verb.name))


@pytest.mark.check("CMP-05.1")
def test_is_refused_every_write_in_the_admin(world: AuditRequest, carol: User) -> None:
    browser, content = make.browser(carol), dict.fromkeys(("reason", "note", "name", "title"), "x")
    before, targets = written(), list(admin_targets(carol))

    answers = {target: browser.post(target, {"post": "yes", **content}) for target in targets}

    assert [each for each, answer in answers.items() if answer.status_code < 400] == []
    assert written() == before
    assert len(targets) > 60


def _as(user: User) -> Any:
    """A request of the user, as the admin's querysets want one."""
    request = RequestFactory().get("/admin/")
    request.user = user
    return request


@pytest.mark.check("CMP-05.1")
def test_may_ask_for_evidence(carol: User, world: AuditRequest) -> None:
    client = make.api(carol)

    asked = client.post(
        "/api/v1/audit-requests/",
        {"title": "t", "reason": "r", "period_from": "2026-01-01T00:00:00Z",
         "period_until": "2027-01-01T00:00:00Z"},
    )  # fmt: skip
    ordered = client.post("/api/v1/exports/", {"request": world.pk})

    assert (asked.status_code, ordered.status_code) == (201, 201)
    assert AuditRequest.objects.filter(requested_by=carol).count() == 1


def test_reads_everything(carol: User, world: AuditRequest) -> None:
    client = make.api(carol)

    for name in ("incidents", "services", "teams", "units", "reviews", "schedules", "users"):
        answer = client.get(f"/api/v1/{name}/")
        assert (answer.status_code, bool(answer.json()["results"])) == (200, True), name
