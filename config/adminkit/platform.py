"""The platform's own cards on the home page."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import reverse

from config.access.restricted import traced
from config.adminkit.home import Item, Section, StepState, home_section, home_step
from config.adminkit.scoping import access_of, oversees
from config.audit.models import Checkpoint
from config.due.models import DueRow
from config.events.models import Event


@home_section(order=80)
def dead_letters(request: HttpRequest) -> Section | None:
    """What was to be done, and was given up after its last attempt."""
    if not oversees(request):
        return None
    items = [item for model in _due_models() for item in _dead(model, request)]
    return Section(
        "Given up after retries",
        items[:6],
        empty_text="Nothing: every timer, delivery and message was carried out, or still will be.",
    )


def _due_models() -> list[type[DueRow]]:
    return [model for model in apps.get_models() if issubclass(model, DueRow)]


def _dead(model: type[DueRow], request: HttpRequest) -> list[Item]:
    rows = traced(access_of(request).open_rows(model.objects.dead()))
    name = str(model._meta.verbose_name)
    return [
        Item(
            str(row), detail=row.last_error[:120], badge=f"{name}, dead", tone="danger", record=row
        )
        for row in rows.order_by("-dead_at")[:3]
    ]


@dataclass(frozen=True)
class Check:
    """What the last run of `audit_verify` found, in words."""

    title: str
    detail: str
    badge: str = ""
    tone: str = "neutral"


def last_check() -> Check:
    """When the ledger was verified last, by whom, and whether it was good."""
    event = Event.objects.filter(kind="audit.verified").order_by("-id").first()
    if event is None:
        return Check("Never verified", "Check it any time: manage.py audit_verify")
    said = event.data
    detail = f"{event.at:%Y-%m-%d %H:%M:%S} UTC by {said['by']}, {said['entries']:,} entries"
    if said["ok"]:
        return Check("Last verified", detail, "Good", "success")
    what = "{kind}: {table} {key}".format(**said["broken"])
    return Check("Last verified", f"{detail}. First: {what}", "Broken", "danger")


@home_section(order=90)
def last_checkpoint(request: HttpRequest) -> Section | None:
    """How far the ledger is sealed."""
    if not oversees(request):
        return None
    link = reverse("admin:config_checkpoint_changelist")
    last = Checkpoint.objects.order_by("-id").first()
    if last is None:
        text = "Nothing is sealed yet: the worker seals within ten seconds of the first change."
        return Section("Sealed evidence", empty_text=text, link=link)

    title = f"{last.size:,} entries sealed"
    at = f"{last.sealed_at:%Y-%m-%d %H:%M:%S} UTC, key {last.key_id}"
    checked = last_check()
    items = [Item(title, link=link, detail=at), Item(checked.title, detail=checked.detail,
             badge=checked.badge, tone=checked.tone)]  # fmt: skip
    return Section("Sealed evidence", items, link=link)


@home_step("evidence")
def evidence(request: HttpRequest) -> StepState:
    """What the ledger holds."""
    if not oversees(request):
        return StepState()
    last: Any = Checkpoint.objects.order_by("-id").first()
    size = last.size if last is not None else 0
    link = reverse("admin:config_checkpoint_changelist")
    return StepState(size, link, "sealed")
