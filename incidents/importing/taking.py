"""One row of a file through the operations: created, changed, or found as it is."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from django.db import models

from config.access.visibility import require
from config.errors import Invalid
from config.organisation.models import Team, User
from incidents.catalog.models import BusinessFunction, Service
from incidents.catalog.operations import create_service, edit_service
from incidents.components.models import Component, Dependency, Item
from incidents.components.operations import (
    add_dependency,
    create_component,
    edit_component,
    edit_dependency,
)
from incidents.components.rules import Strength
from incidents.importing.rules import Row


class Outcome(StrEnum):
    """What becomes of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    WRONG = "wrong"


_FLAGS = {
    "customer_facing": "is_customer_facing",
    "key_workflow": "is_key_workflow",
    "sla_governed": "is_sla_governed",
    "regulated": "is_regulated",
}
_NUMBERS = ("tier", "rto_minutes", "rpo_minutes")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
MOST_DIGITS = 9


def take_service(row: Row, actor: User, reason: str) -> Outcome:
    """By key. Only columns that are given change anything."""
    values = _service_values(row, actor)
    found = Service.objects.visible_to(actor).filter(key=_given(row, "key")).first()
    if found is None:
        team: Team = values.pop("team", None) or _refuse("team", "Name the team that owns it.")
        require(actor, "add_service", team)
        create_service(actor=actor, team=team, reason=reason, **_named(values))
        return Outcome.CREATED
    require(actor, "edit", found)
    before = found.revision
    edit_service(found, actor=actor, changes=values, reason=reason)
    return Outcome.UNCHANGED if found.revision == before else Outcome.CHANGED


def take_component(row: Row, actor: User, reason: str) -> Outcome:
    """By its external id, else by key."""
    values: dict[str, Any] = dict(row)
    if "team" in row:
        values["team"] = _ref(Team, "key", row, "team", actor)
    rows = Component.objects.visible_to(actor)
    key, external = _given(row, "key"), row.get("external_id")
    found = rows.filter(external_id=external).first() if external else None
    found = found or rows.filter(key=key).first()
    if found is None:
        for name in ("name", "kind", "domain", "team"):
            _given(row, name)
        require(actor, "add_component", values["team"])
        create_component(actor=actor, reason=reason, **values)
        return Outcome.CREATED
    require(actor, "edit", found)
    before = found.revision
    edit_component(found, actor=actor, changes=values, reason=reason)
    return Outcome.UNCHANGED if found.revision == before else Outcome.CHANGED


def take_dependency(row: Row, actor: User, reason: str) -> Outcome:
    """By its two ends, which are keys of services or components."""
    source, target = _item(row, "source", actor), _item(row, "target", actor)
    strength = row.get("strength", Strength.HARD)
    if strength not in Strength.values:
        _refuse("strength", f"Choose one of {', '.join(Strength.values)}.")
    found = Dependency.objects.filter(**_end("source", source), **_end("target", target)).first()
    if found is None:
        require(actor, "add_dependency", source)
        note = row.get("note", "")
        add_dependency(source, target, actor=actor, strength=strength, note=note, reason=reason)
        return Outcome.CREATED
    require(actor, "edit", found)
    changes: dict[str, Any] = {name: row[name] for name in ("strength", "note") if name in row}
    before = found.revision
    edit_dependency(found, actor=actor, changes=changes, reason=reason)
    return Outcome.UNCHANGED if found.revision == before else Outcome.CHANGED


def _service_values(row: Row, actor: User) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, text in row.items():
        read = _READ.get(name)
        values[_FLAGS.get(name, name)] = text if read is None else read(row, name, actor)
    return values


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": "", **values}


def _number(row: Row, name: str, actor: User) -> int:
    text = row[name]
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        _refuse(name, "Give a whole number.")
    return int(text)


def _flag(row: Row, name: str, actor: User) -> bool:
    text = row[name].lower()
    if text not in (*_YES, *_NO):
        _refuse(name, "Give yes or no.")
    return text in _YES


def _list(row: Row, name: str, actor: User) -> list[str]:
    parts = row[name].replace(";", ",").split(",")
    return sorted({part.strip().lower() for part in parts if part.strip()})


def _reference(model: type[models.Model], slug: str) -> Callable[[Row, str, User], Any]:
    def read(row: Row, name: str, actor: User) -> Any:
        return _ref(model, slug, row, name, actor)

    return read


_READ: Mapping[str, Callable[[Row, str, User], Any]] = {
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_FLAGS, _flag),
    "data_classes": _list,
    "team": _reference(Team, "key"),
    "owner": _reference(User, "username"),
    "function": _reference(BusinessFunction, "key"),
}


def _ref(model: type[models.Model], slug: str, row: Row, name: str, actor: User) -> Any:
    manager: Any = model._default_manager
    found = manager.visible_to(actor).filter(**{slug: row[name]}).first()
    if found is None:
        _refuse(name, f"There is no such {slug} that you may see: '{row[name][:60]}'.")
    return found


def _item(row: Row, name: str, actor: User) -> Item:
    key = _given(row, name)
    service: Service | None = Service.objects.visible_to(actor).filter(key=key).first()
    component: Component | None = Component.objects.visible_to(actor).filter(key=key).first()
    if service is not None and component is not None:
        _refuse(name, f"A service and a component are both called '{key}'; enter it by hand.")
    found = service or component
    if found is None:
        raise Invalid(f"There is no service or component '{key[:60]}'.", field=name)
    return found


def _end(end: str, item: Item) -> dict[str, Item]:
    return {f"{end}_{'service' if isinstance(item, Service) else 'component'}": item}


def _given(row: Row, name: str) -> str:
    return row.get(name) or _refuse(name, "This is needed.")


def _refuse(name: str, text: str) -> Any:
    raise Invalid(text, field=name)
