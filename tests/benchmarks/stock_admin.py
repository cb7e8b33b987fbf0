"""Django's own change list of incidents: the floor under ours. Nothing of the product is in it."""

from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin  # noqa: TID251  # the floor itself
from django.http import HttpRequest

from incidents.lifecycle.models import Incident

ENGINE = "stock"


class StockIncidents(ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """The columns of ours, joined as ours are."""

    list_display = (
        *("reference", "title", "severity", "state", "service", "team"),
        *("acknowledged_by", "opened_at"),
    )
    list_select_related = ("service", "team", "acknowledged_by")
    list_per_page = 50
    ordering = ("-pk",)


site = AdminSite(name="stock")
site.register(Incident, StockIncidents)


def changelist(request: HttpRequest) -> Any:
    """The list, by Django's own templates: the theme's have the same names."""
    answer: Any = site._registry[Incident].changelist_view(request)
    answer.using = ENGINE
    return answer


def templates() -> list[dict[str, Any]]:
    """The product's engine, and beside it one that finds Django's templates first."""
    (ours,) = settings.TEMPLATES
    folder = Path(django.__file__).parent / "contrib" / "admin" / "templates"
    return [{**ours, "NAME": "django"}, {**ours, "NAME": ENGINE, "DIRS": [folder]}]
