"""Dependencies over time, and the picture that the catalogue shows."""

import datetime
from typing import Any

from django.urls import reverse

from config.due.jobs import job
from config.events.operations import provides
from config.organisation.models import User
from incidents.components.models import Item
from incidents.components.operations import blast_radius, flag_stale, needed_by, picture_of


@job("cmdb.flag_stale", every="daily")
def flag_stale_dependencies(as_of: datetime.datetime) -> str:
    """Those that nobody has verified for longer than the policy allows."""
    return f"{flag_stale(as_of)} dependencies became stale"


@provides("catalog.graph")
def graph(*, item: Item, user: User) -> dict[str, Any]:
    """The picture of what hangs on what around an item, and the same as tables."""
    return {
        "picture": picture_of(item, user, page_of),
        "tables": [
            ("Blast radius: what depends on it", _rows(blast_radius(item, user))),
            ("What it needs", _rows(needed_by(item, user))),
        ],
        "file": reverse(f"api:{item._meta.model_name}-blast-radius-csv", args=(item.key,)),
    }


def page_of(item: Item) -> str:
    """The page of a service or component."""
    return reverse(f"admin:incidents_{item._meta.model_name}_change", args=(item.pk,))


def _rows(reached: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": each.item.name,
            "link": page_of(each.item),
            "kind": each.kind.replace("_", " "),
            "team": each.item.team.name,
            "distance": each.distance,
            "strength": each.strength,
        }
        for each in reached
    ]
