"""Segregation of duties, as operations ask for it; the governed matrix answers from above.

An act is a named kind of deed on a record, known by the events that tell of it. A room registers
its acts, and the operation of one asks before it acts:

    register_act("evidence.decide", "Decide about a request", "audit.approved", "audit.refused")
    require_separate("evidence.decide", request, actor=actor)

It binds everybody, superusers included: whoever did the one act on a record can't do the other.
"""

from dataclasses import dataclass
from typing import Any

from django.db import models

from config.errors import Refused
from config.events.operations import ask, blockers
from config.organisation.models import User


@dataclass(frozen=True)
class Act:
    """A deed that the matrix can keep apart from another; `kinds` are the events that prove it."""

    name: str
    label: str
    kinds: tuple[str, ...]


class Segregated(Refused):
    """The matrix keeps two duties apart, and this would join them."""

    code = "segregation_of_duties"


class ActTaken(RuntimeError):
    """Two rooms describe one act differently."""


_acts: dict[str, Act] = {}


def register_act(name: str, label: str, *kinds: str) -> None:
    """A room names a deed on its records, and the events that tell of it."""
    act = Act(name, label, kinds)
    if _acts.setdefault(name, act) != act:
        raise ActTaken(name)


def acts() -> list[Act]:
    """All of them, by name."""
    return [_acts[name] for name in sorted(_acts)]


def find_act(name: str) -> Act | None:
    """The act of that name."""
    return _acts.get(name)


def require_separate(act: str, record: models.Model, *, actor: User) -> None:
    """Raise `Segregated` where the actor did what the matrix keeps apart from this act."""
    found = ask("duties.conflict", default=None, act=act, record=record, actor=actor)
    if found is not None:
        raise Segregated(found, audit=True)


def refuse_conflicts(action: str, subject: Any, *, field: str) -> None:
    """Raise `Segregated` where what somebody is about to be given may not be held together."""
    found = blockers(action, subject)
    if found:
        raise Segregated(
            found[0].text, field=field, audit=True, blockers=[each.as_dict() for each in found]
        )
