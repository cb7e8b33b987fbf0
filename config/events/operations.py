"""Recording what happened, and the four hooks through which the floors speak.

`@on` runs after, in the worker; `@guard` before, read-only; `@within` during, in the same
transaction; `@provides` answers a question from below. `manage.py events` lists them all.
"""

import datetime
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import models

from config import clock, origin
from config.audit.tracking import append
from config.errors import Blocker
from config.events.models import Event, EventDelivery

if TYPE_CHECKING:
    from config.organisation.models import User

Handler = Callable[[Event], None]
Guard = Callable[[Any], list[Blocker]]

_handlers: dict[str, Handler] = {}
_subscriptions: dict[str, list[str]] = defaultdict(list)
_guards: dict[str, list[Guard]] = defaultdict(list)
_within: dict[str, list[Handler]] = defaultdict(list)
_providers: dict[str, Callable[..., Any]] = {}


class HookConflict(RuntimeError):
    """Two hooks were registered under one name."""


def record(
    kind: str,
    subject: models.Model | None,
    *,
    actor: "User",
    at: datetime.datetime | None = None,
    reason: str = "",
    **data: Any,
) -> Event:
    """Append the event, promise it to every handler, and run what must happen within.

    Call it inside the operation's transaction. `data` holds ids and plain values only.
    """
    return publish(compose(kind, subject, actor=actor, at=at, reason=reason, **data))


def compose(
    kind: str,
    subject: models.Model | None,
    *,
    actor: "User",
    at: datetime.datetime | None = None,
    reason: str = "",
    **data: Any,
) -> Event:
    """The event as `record` would append it, for rows that tell of it: `publish` appends both."""
    moment = clock.now()
    acts_for = origin.stand_in_of(actor.pk)
    if acts_for is not None:
        data["for"] = acts_for.username
    event = Event(
        kind=kind,
        subject_type=subject._meta.label_lower if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
        subject_name=_name(subject),
        actor=actor,
        origin=origin.current(),
        at=at or moment,
        recorded_at=moment,
        reason=reason,
        data=data,
    )
    event.held = subject
    return event


def publish(event: Event, *along: models.Model) -> Event:
    """Append a composed event with its deliveries, and the rows that tell of it; see `record`."""
    due = event.recorded_at
    deliveries = (
        EventDelivery(event=event, handler=name, due_at=due, next_at=due)
        for name in _subscriptions.get(event.kind, ())
    )
    append(event, *deliveries, *along)
    for react in _within.get(event.kind, ()):
        react(event)
    return event


def _name(subject: models.Model | None) -> str:
    # A restricted record's title must not leak through the event log: its reference will do.
    if subject is None:
        return ""
    return str(getattr(subject, "reference", None) or subject)[:200]


def on(kind: str, *, name: str) -> Callable[[Handler], Handler]:
    """After the event: the worker calls the handler in a transaction of its own, at least once.

    The handler re-reads state and survives 0, 1 or 10 runs in any order. `name` is stable:
    deliveries already promised refer to it.
    """

    def register(handler: Handler) -> Handler:
        if _handlers.get(name, handler) is not handler:
            raise HookConflict(f"two handlers are called {name}")
        _handlers[name] = handler
        _subscriptions[kind].append(name)
        return handler

    return register


def guard(action: str) -> Callable[[Guard], Guard]:
    """Before the action: return blockers. Read-only, database only; derive the duty yourself."""

    def register(check: Guard) -> Guard:
        _guards[action].append(check)
        return check

    return register


def within(kind: str) -> Callable[[Handler], Handler]:
    """During the event: same transaction, database only, idempotent, few."""

    def register(react: Handler) -> Handler:
        _within[kind].append(react)
        return react

    return register


def provides[**P, R](question: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Answer a question that a lower floor asks with `ask`."""

    def register(answer: Callable[P, R]) -> Callable[P, R]:
        if _providers.get(question, answer) is not answer:
            raise HookConflict(f"two rooms answer {question}")
        _providers[question] = answer
        return answer

    return register


def blockers(action: str, subject: Any) -> list[Blocker]:
    """Everything that stands in the way of the action, from all floors."""
    return [blocker for check in _guards.get(action, ()) for blocker in check(subject)]


def ask(question: str, *, default: Any = None, **arguments: Any) -> Any:
    """The answer of the floor that provides it; `default` where none does."""
    provider = _providers.get(question)
    return default if provider is None else provider(**arguments)


def handler_named(name: str) -> Handler | None:
    """The handler of that stable name; None parks the delivery."""
    return _handlers.get(name)


def subscriptions() -> list[tuple[str, str]]:
    """Every pair of a kind of event and the name of a handler that wants it."""
    return [(kind, name) for kind, names in sorted(_subscriptions.items()) for name in names]


def hooks() -> dict[str, dict[str, list[str]]]:
    """All hooks by kind, for `manage.py events` and the test that pins them."""
    return {
        "on": {kind: list(names) for kind, names in sorted(_subscriptions.items())},
        "guard": {name: _named(found) for name, found in sorted(_guards.items())},
        "within": {kind: _named(found) for kind, found in sorted(_within.items())},
        "provides": {name: _named([found]) for name, found in sorted(_providers.items())},
    }


def _named(functions: list[Any]) -> list[str]:
    return [f"{function.__module__}.{function.__qualname__}" for function in functions]
