"""The sidebar by job, and the label of the environment. Rooms that don't exist yet are no error."""

from collections import defaultdict
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse_lazy

from config.adminkit.matching import list_address
from config.adminkit.queues import sidebar_group
from config.edge import installation_of

SECTIONS = {
    "Incidents": "local_fire_department",
    "Alerts": "notifications_active",
    "On-call": "schedule",
    "Reviews": "rate_review",
    "Evidence": "verified_user",
    "Policies": "gavel",
    "Organisation": "groups",
    "Platform": "settings",
}
DAILY = ("Incidents", "Alerts", "On-call", "Reviews")
# Where the models of a room, or else of an app, show; an admin's `section` overrules both.
PLACES = {
    "incidents": "Incidents",
    "incidents.alerts": "Alerts",
    "incidents.catalog": "Organisation",
    "incidents.gates": "Policies",
    "incidents.integrations": "Alerts",
    "incidents.monitoring": "Alerts",
    "incidents.taxonomy": "Policies",
    "incidents.terms": "Policies",
    "escalation": "On-call",
    "escalation.policies": "Policies",
    "postmortems": "Reviews",
    "compliance": "Evidence",
    "config.access": "Organisation",
    "config.audit": "Evidence",
    "config.governance": "Policies",
    "config.organisation": "Organisation",
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Home, then a group for each job with the lists that the visitor may open."""
    entries: dict[str, list[tuple[int, str, dict[str, Any]]]] = defaultdict(list)
    for model, model_admin in admin.site._registry.items():
        section = section_of(model, model_admin)
        if section and model_admin.has_module_permission(request):
            title = title_of(model, model_admin)
            order = int(getattr(model_admin, "nav_order", 50))
            entries[section].append((order, title, _entry(title, model_admin)))
    home = {"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [home]}]
    if queues := sidebar_group(request):
        groups.append(queues)
    for section in SECTIONS:
        if found := sorted(entries[section], key=lambda entry: entry[:2]):
            groups.append(
                {
                    "title": section,
                    "icon": SECTIONS[section],
                    "open": section in DAILY,
                    "items": [item for _, _, item in found],
                }
            )
    return groups


def section_of(model: Any, model_admin: Any) -> str:
    """The job under which a model shows; empty for none."""
    declared = getattr(model_admin, "section", None)
    if declared is not None:
        return str(declared)
    app, room = [*str(model.__module__).split("."), ""][:2]
    return PLACES.get(f"{app}.{room}") or PLACES.get(app, "Platform")


def title_of(model: Any, model_admin: Any) -> str:
    """The name of a list, in the sidebar and above it."""
    title = getattr(model_admin, "plural", "") or str(model._meta.verbose_name_plural)
    return title[:1].upper() + title[1:]


def place_of(request: HttpRequest) -> dict[str, str]:
    """Where the page lies: section, list and its address, for the line above the title."""
    match = request.resolver_match
    if match is None or not match.url_name or match.app_name != "admin":
        return {}
    name, _, kind = match.url_name.rpartition("_")
    for model, model_admin in admin.site._registry.items():
        if name == f"{model._meta.app_label}_{model._meta.model_name}":
            entry = _entry(title_of(model, model_admin), model_admin)
            return {**entry, "section": section_of(model, model_admin), "kind": kind}
    return {}


def _entry(title: str, model_admin: Any) -> dict[str, Any]:
    icon = getattr(model_admin, "icon", "")
    return {"title": title, "icon": icon, "link": list_address(model_admin)}


def environment(request: HttpRequest) -> list[str] | None:
    """The label beside the page's title; what to do about it stands on the banner of each page."""
    row = installation_of(request)
    if row is None:
        return None
    if row.outbound_paused_at is not None:
        return ["Outbound paused", "danger"]
    return ["Demonstration data", "warning"] if row.is_demo else None
