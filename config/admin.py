"""The admin of the platform's rooms, and of the libraries below it."""

from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmation
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success
from guardian.models import UserObjectPermission

from config.access.rules import Level, label_of, levels_of
from config.adminkit import platform
from config.adminkit.base import OversightAdmin, display, register, site
from config.apps import load_rooms

__all__ = ["platform"]

for model in (EmailAddress, EmailConfirmation, Failure, Group, OrmQ, Schedule, Success):
    if site.is_registered(model):
        site.unregister(model)


@register(Group)
class RoleAdmin(OversightAdmin):
    """The product's roles: fixed, and given by role assignments."""

    icon = "workspace_premium"
    section = "Organisation"
    nav_title = "Roles"
    list_display = ["shown_name", "gives", "key"]
    ordering = ("name",)
    search_fields = ["name"]
    readonly_fields = ["shown_name", "gives", "key"]
    fields = ["shown_name", "gives", "key"]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Titled in words."""
        context["record_title"] = label_of(kwargs["obj"].name)
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Role", ordering="name")
    def shown_name(self, group: Group) -> str:
        """In words."""
        return label_of(group.name)

    @display(description="Gives")
    def gives(self, group: Group) -> str:
        """The levels that it gives where it is assigned, and below."""
        given = levels_of(group.name)
        return ", ".join(str(level.label) for level in Level if level in given)

    @display(description="Key", ordering="name")
    def key(self, group: Group) -> str:
        """As the API and imports name it."""
        return group.name


@register(UserObjectPermission)
class GrantAdmin(OversightAdmin):
    """What role assignments come to, container by container. Nobody edits it."""

    nav_title = "Object permissions"
    icon = "key"
    empty_text = "No right has been given on a container."
    section = "Organisation"
    nav_order = 90
    list_display = ["user", "permission", "content_type", "object_pk"]
    list_filter = ["content_type"]
    list_select_related = ["user", "permission__content_type", "content_type"]
    search_fields = ["object_pk"]
    fields = ["user", "permission", "content_type", "object_pk"]


@register(Schedule)
class ScheduleAdmin(OversightAdmin):
    """When the jobs of days to quarters run; `manage.py run_job` runs one by hand."""

    icon = "event_repeat"
    empty_text = "No job is scheduled. manage.py migrate schedules those that are shipped."
    list_display = ["name", "func", "schedule_type", "next_run", "repeats"]
    list_filter = ["schedule_type"]
    search_fields = ["name", "func"]


@register(Success, Failure)
class TaskAdmin(OversightAdmin):
    """Jobs that ran, and how they ended."""

    icon = "task"
    empty_text = "No job of this kind has ended yet."
    list_display = ["name", "func", "started", "stopped", "attempt_count"]
    search_fields = ["name", "func"]
    ordering = ("-started",)
    fields = ["name", "func", "started", "stopped", "attempt_count", "result"]


@register(OrmQ)
class QueueAdmin(OversightAdmin):
    """Jobs that wait for the cluster."""

    icon = "pending"
    empty_text = "No job waits."
    list_display = ["id", "key", "lock"]
    fields = ["key", "lock"]


load_rooms("config", "admin")
