"""`visible_to` and `may("view")` give one answer, for all that leads to a restricted record.

And no model can lead there unsaid: whatever has a key to one, or names records by type and key,
is declared (`config.access.restricted`).
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import models
from guardian.models import UserObjectPermission

from config.access.restricted import records, telling_models, tie_of, tied_models
from config.access.rules import Role
from config.access.visibility import Access, registered_verbs
from config.adminkit.base import site
from config.audit.models import GrantChange
from config.due.models import Attempt, OutboundMessage, Timer
from config.events.models import Event, EventDelivery, RestrictedRead
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import let_in
from tests.access.secrecy import Secret, make_secret, prepare, unread
from tests.access.world import World, make_world
from tests.config import make
from tests.harness.kept import kept
from tests.incidents import make as make_incidents

APPS = ("config", "incidents", "escalation", "postmortems", "compliance", "guardian")
# Pairs of columns by which the platform's own tables name a record.
NAMED_BY = (
    ("subject_type", "subject_id"),
    ("subject_type", "subject_ids"),
    ("root_type", "root_id"),
)


@kept(heavy=True)
def both() -> tuple[World, Secret]:
    """With people of every role, and some who have none or are gone."""
    world = make_world()
    prepare(world)
    found = make_secret(world)
    for role in Role:
        for place in (None, found.live.team):
            name = f"{role} of {place.key if place else 'all'}"
            world.people[name] = make.user(name.replace(" ", "-"))
            make.role(role, to=world.people[name], on=place)
    _make_odd_people(world, found)
    # What nobody has read yet, and what belongs to others.
    unread(world, found.marker)
    make_incidents.incident(team=make.team("elsewhere"))
    return world, found


@pytest.fixture
def world(both: tuple[World, Secret]) -> World:
    return both[0]


@pytest.fixture
def secret(both: tuple[World, Secret]) -> Secret:
    return both[1]


def _make_odd_people(world: World, secret: Secret) -> None:
    for name in ("guest", "leaver"):
        world.people[name] = make.user(name)
        let_in(secret.live, world.people[name], actor=world.people["bob"])
    leaver = world.people["leaver"]
    make.role(Role.PLATFORM_ADMINISTRATOR, to=leaver)
    leaver.is_active = False
    leaver.save_as(make.system(), "is_active")


def doors() -> list[type[models.Model]]:
    return [model for model in tied_models() if hasattr(model._default_manager, "visible_to")]


def test_agrees_for_every_model_and_everybody(secret: Secret, world: World) -> None:
    wrong = {
        (model._meta.label, name): (may - seen, seen - may)
        for name, person in world.people.items()
        for model in doors()
        for may, seen in [both_answers(model, person)]
        if may != seen
    }

    assert wrong == {}
    assert {model._meta.label for model in doors()} >= {
        "incidents.Incident", "incidents.RawPayload", "escalation.EscalationRecord",
        "compliance.Export",
    }  # fmt: skip


def both_answers(model: type[models.Model], person: User) -> tuple[set[Any], set[Any]]:
    rows: Any = model._default_manager
    access = Access(person)
    may = {row.pk for row in model._base_manager.all() if access.may("view", row)}
    return may, {row.pk for row in rows.visible_to(person)}


def test_shows_what_hangs_on_it_to_whom_was_let_in_alone(secret: Secret, world: World) -> None:
    seen: dict[str, set[str]] = {}
    for model in doors():
        rows: Any = model._default_manager
        mine = {row.pk for row in secret.rows(model)}
        assert mine, model
        for name, person in world.people.items():
            if mine & {row.pk for row in rows.visible_to(person)}:
                seen.setdefault(model._meta.model_name or "", set()).add(name)

    # dave sees the page that woke him; anna asked for the evidence, with bob's leave.
    assert seen.pop("page") == {"root", "bob", "anna", "guest", "dave"}
    assert seen.pop("auditrequest") == seen.pop("export") == {"root", "anna"}
    assert seen.pop("rawpayload") == {"root", "anna"}
    assert seen.pop("review") == {"root", "bob", "anna"}
    assert all(people == {"root", "bob", "anna", "guest"} for people in seen.values()), seen


def test_has_a_verb_for_every_door(db: None) -> None:
    assert [model for model in doors() if "view" not in registered_verbs(model)] == []


def test_is_declared_by_every_model_with_a_key_to_a_restricted_record(db: None) -> None:
    missing = {
        f"{model._meta.label}: {path}"
        for model in own_models()
        for path in paths(model)
        if tie_of(model) is None and model not in telling_models()
    }

    assert missing == set()


def own_models() -> Iterator[type[models.Model]]:
    for model in apps.get_models():
        is_history = hasattr(model, "instance_type")
        if model._meta.app_label in APPS and not is_history:
            yield model


def paths(model: type[models.Model], seen: tuple[Any, ...] = ()) -> Iterator[str]:
    """The ways along foreign keys from the model to a record that may be restricted."""
    for field in model._meta.concrete_fields:
        to = field.related_model
        if to in records():
            yield field.name
        elif isinstance(to, type) and to not in (*seen, model) and to is not User:
            yield from (f"{field.name}__{rest}" for rest in paths(to, (*seen, model)))


def test_is_declared_by_every_table_that_names_records_by_type_and_key(db: None) -> None:
    found = set()
    for model in own_models():
        columns = {field.attname for field in model._meta.concrete_fields}
        if any(columns >= set(pair) for pair in NAMED_BY):
            found.add(model)

    assert found - set(telling_models()) == set()
    assert len(found) == 4


def test_leaves_nothing_without_a_door_on_any_page(db: None) -> None:
    """A tied model without `visible_to` has neither an admin nor a resource."""
    doorless = set(tied_models()) - set(doors())

    assert doorless & set(site._registry) == set()


@pytest.mark.parametrize("person", ["alice", "lena", "platform_administrator of all", "guest"])
def test_leaves_out_what_the_platforms_tables_tell(
    secret: Secret, world: World, person: str
) -> None:
    access = Access(world.people[person])
    restricted = Incident.objects.filter(is_restricted=True)  # the world has one of its own
    hidden = {each for each in restricted if access.conceals(each)}

    for model in telling_models():
        rows = list(model._default_manager.all())
        told = {row.pk for row in rows if hidden & told_by(row)}
        assert told, model
        left = access.open_rows(model._default_manager.all()).values_list("pk", flat=True)
        assert set(left) == {row.pk for row in rows} - told, model


def told_by(row: Any) -> set[Any]:
    """The records of which a row of the platform tells, found row by row."""
    found = set()
    for label, key in NAMES[type(row)](row):
        model = apps.get_model(label) if "." in label else None
        tie = tie_of(model) if model is not None else None
        subject = model._base_manager.filter(pk=key).first() if model is not None else None
        if tie is not None and subject is not None:
            found |= set(tie.records_of(subject))
    return found


def changed(row: GrantChange) -> Iterator[tuple[str, str]]:
    for state in (row.row, row.row.get("old") or {}, row.row.get("new") or {}):
        if "content_type_id" in state:
            kind = ContentType.objects.get(pk=state["content_type_id"])
            yield f"{kind.app_label}.{kind.model}", state["object_pk"]


NAMES: dict[type[models.Model], Any] = {
    Event: lambda row: [(row.subject_type, row.subject_id)],
    EventDelivery: lambda row: [(row.event.subject_type, row.event.subject_id)],
    Timer: lambda row: [(row.root_type, row.root_id)],
    OutboundMessage: lambda row: [(row.root_type, row.root_id)],
    Attempt: lambda row: [(row.message.root_type, row.message.root_id)],
    RestrictedRead: lambda row: [(row.subject_type, key) for key in row.subject_ids],
    UserObjectPermission: lambda row: [
        (f"{row.content_type.app_label}.{row.content_type.model}", row.object_pk)
    ],
    GrantChange: changed,
}
