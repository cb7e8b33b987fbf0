"""Pages of what stands in the dependency graph: with its picture, and the same as tables."""

from typing import Any

from django.http import HttpRequest

from config.adminkit.base import OperationAdmin
from config.adminkit.scoping import actor_of
from config.events.operations import ask


class PicturedAdmin(OperationAdmin):
    """Below the form: what depends on the item, and what it needs."""

    change_form_outer_after_template = "incidents/graph.html"

    class Media:
        css = {"all": ["incidents/graph.css"]}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Add the picture, which a room above draws."""
        item = kwargs.get("obj")
        if item is not None and kwargs.get("change"):
            user = actor_of(request)
            context["graph"] = ask("catalog.graph", default=None, item=item, user=user)
        return super().render_change_form(request, context, *args, **kwargs)
