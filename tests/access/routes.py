"""Every route of the site, read from the URL configuration, with a row to open it with."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from config.adminkit.base import site
from config.adminkit.operation import OperationAdmin
from config.adminkit.policy import PolicyAdmin
from config.governance.models import PolicyVersion
from incidents.taxonomy.models import SeverityTableVersion
from tests.access.world import World

API = "api/v1/"
ADMIN = "admin/"
# Doors without a key, each tested by its own room: health, sign-in, the documents of the API,
# the page link (its token is the key), and one's own name.
OPEN_TO_ALL = {
    *("home", "healthz", "readyz", "metrics", "problems", "problem", "schema", "docs"),
    *("account_login", "account_logout", "account_inactive", "page_link"),
}
# Pages of the admin that show nobody's rows but one's own; lists of rows have tests of their own.
ADMIN_FRAME = {
    *("search", "index", "login", "logout", "password_change", "password_change_done"),
    *("autocomplete", "jsi18n", "app_list", "view_on_site", None),
    *("preferences", "queues", "queue_save"),
}
_PARAMETER = re.compile(r"\(\?P<(\w+)>(?:\[[^]]*\]|[^()])*\)|<(?:\w+:)?(\w+)>")
# Of simple-history, whose pattern names nothing.
_UNNAMED = ("([^/]+)/history/([^/]+)/", "<path:object_id>/history/<int:version_id>/")


@dataclass(frozen=True)
class Route:
    """One pattern below a prefix, with the view behind it."""

    path: str
    name: str | None
    callback: Any

    @property
    def parameters(self) -> list[str]:
        """What stands for the row, and for anything else, in the address."""
        return [first or second for first, second in _PARAMETER.findall(self.path)]

    def filled(self, **values: Any) -> str:
        """The address with the values in it."""
        path = _PARAMETER.sub(lambda found: str(values[found[1] or found[2]]), self.path)
        return "/" + path.replace("^", "").replace("$", "")

    def pattern(self, **values: Any) -> str:
        """The address with the names of what it takes, but for what is given."""
        named = {each: f"<{each}>" for each in self.parameters}
        return self.filled(**(named | values))


def every_route() -> list[Route]:
    """All of them."""
    return list(_walk(get_resolver(), ""))


def _walk(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for each in resolver.url_patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLPattern):
            yield Route(path.replace(*_UNNAMED), each.name, each.callback)
        else:
            yield from _walk(each, path)


@dataclass(frozen=True)
class Call:
    """A method on an address; `detail` where the address names a row.

    `pattern` is the address as documents show it, which is the same in every database.
    """

    method: str
    url: str
    name: str
    detail: bool
    pattern: str = ""

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.url}"


def api_calls(world: World) -> Iterator[Call]:
    """Each route of the API with each of its methods, about rows of payments."""
    for route in every_route():
        if not route.path.startswith(API):
            continue
        view = route.callback.cls
        values = {}
        if route.parameters:
            row = world[view.model]
            (parameter,) = route.parameters
            field = view.lookup_field
            assert parameter in (field, view.lookup_url_kwarg), (
                f"{route.path}: what is {parameter}?"
            )
            values[parameter] = getattr(row, field)
        actions = getattr(route.callback, "actions", None) or {"get": "get"}
        for method in actions:
            if method != "head":
                url = route.filled(**values)
                yield Call(method, url, str(route.name), bool(values), route.pattern())


def admin_prefixes() -> dict[str, Any]:
    """Where the pages of each registered admin begin, and the admin."""
    metas = ((each.opts, each) for each in site._registry.values())
    return {f"{ADMIN}{meta.app_label}/{meta.model_name}/": each for meta, each in metas}


def admin_calls(world: World) -> Iterator[Call]:
    """Each page of each registered admin, about rows of payments."""
    routes = every_route()
    for prefix, model_admin in admin_prefixes().items():
        for route in routes:
            # The last one only leads old addresses to the page of the row.
            if route.path.startswith(prefix) and route.path != f"{prefix}<path:object_id>/":
                for values in _admin_values(route, model_admin, world):
                    detail = "object_id" in values
                    verb = {"name": values["name"]} if "name" in values else {}
                    url, pattern = route.filled(**values), route.pattern(**verb)
                    yield Call("get", url, str(route.name), detail, pattern)


def _admin_values(route: Route, model_admin: Any, world: World) -> Iterator[dict[str, Any]]:
    """What to fill in: the row, and each verb where the page is a verb's."""
    known = {"object_id", "name", "version_id"}
    unknown = set(route.parameters) - known
    assert not unknown, f"{route.path}: teach tests/access/routes.py what {unknown} stand for"
    values: dict[str, Any] = {}
    if "object_id" in route.parameters:
        values["object_id"] = world[model_admin.model].pk
    if "version_id" in route.parameters:
        values["version_id"] = 1
    if "name" not in route.parameters:
        yield values
        return
    assert isinstance(model_admin, OperationAdmin), f"{route.path}: whose names are these?"
    for verb in model_admin.verbs:
        yield {**values, "name": verb.name}


def of_one_kind(calls: Iterable[Call]) -> Iterator[Call]:
    """Without the pages and verbs of the policies of all kinds but one.

    All kinds have them from the same classes, and all are asked for by the permission table: for
    what would be the same answer fourteen times over.
    """
    yield from (call for call in calls if not call.pattern.startswith(of_other_kinds()))


@cache
def of_other_kinds() -> tuple[str, ...]:
    """How their addresses begin."""
    return tuple(_others())


def _others() -> Iterator[str]:
    for at, each in admin_prefixes().items():
        if _is_other_kind(each.model):
            yield f"/{at}"
    for route in every_route():
        model = getattr(getattr(route.callback, "cls", None), "model", None)
        if model and not route.parameters and _is_other_kind(model):
            yield route.filled()


def _is_other_kind(model: type[Any]) -> bool:
    return issubclass(model, PolicyVersion) and model not in (PolicyVersion, SeverityTableVersion)


def is_closed(call: Call) -> bool:
    """Nothing is deleted, reverted or made past an operation; untracked rows have no history."""
    if call.name.endswith(("_delete", "_simple_history")):
        return True
    (found,) = [each for at, each in admin_prefixes().items() if call.url[1:].startswith(at)]
    if call.name.endswith("_history"):
        return not found.is_tracked
    if call.name == "config_delegation_verb" and call.url.endswith(("/act/", "/stop/")):
        return True  # nobody but the delegate acts for somebody
    makes = isinstance(found, PolicyAdmin) or getattr(found, "create_operation", None)
    return call.name.endswith("_add") and not makes
