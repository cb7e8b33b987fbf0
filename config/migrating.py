"""What `migrate` renders of the models: as little as each operation needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.state import ProjectState

type Key = tuple[str, str]

# A method of Django's own, without a public name and unknown to the stubs.
_State: Any = ProjectState


@contextmanager
def rendering_little() -> Iterator[None]:
    """Within, an operation that adds or redraws renders the one model it is about.

    Django renders all that hang together with it, by keys in either direction, after each
    operation. Here all do: every model has a history, and every history names a user. An empty
    database's 604 operations rendered 36,507 models, which took twelve times as long as the rest.

    That is needed where a key's own column changes, and where a migration's own code runs. The
    former is left to Django; before the latter it renders everything anew by itself, as it does
    after operations that it calls delayed.
    """
    whole = _State._find_reload_model

    def found(state: Any, app: str, name: str, delay: bool = False) -> set[Key]:
        if delay or _is_added_to(state, (app, name)):
            state.is_delayed = True
            return {(app, name)}
        all_of_them: set[Key] = whole(state, app, name, delay)
        return all_of_them

    _State._find_reload_model = found
    try:
        yield
    finally:
        _State._find_reload_model = whole


def _is_added_to(state: Any, key: Key) -> bool:
    """Whether the model is new, or has all the fields that it had and more."""
    app, name = key
    rendered = state.apps.all_models[app].get(name)
    if rendered is None:
        return True
    meta = rendered._meta
    before = {field.name for field in (*meta.local_fields, *meta.local_many_to_many)}
    return before < set(state.models[key].fields)
