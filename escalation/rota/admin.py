"""Schedules in the admin: rotations, people in turn, overrides, and who is on call when."""

from typing import Any

from django import forms
from django.contrib.postgres.forms import DateTimeRangeField, RangeWidget
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import (
    OperationAdmin,
    OperationInline,
    ReasonForm,
    Verb,
    display,
    register,
)
from config.adminkit.home import Item, Section, home_section
from config.adminkit.scoping import actor_of
from config.errors import Invalid
from config.organisation.models import Team, User
from escalation.rota import operations
from escalation.rota.ahead import ahead
from escalation.rota.models import Layer, Override, Schedule, Turn

NOT_ASKED = object()


class LayerInline(OperationInline):
    """The rotations of a schedule; their people are on the rotation's own page."""

    model = Layer
    verbose_name = "rotation"
    verbose_name_plural = "rotations"
    fields = ("position", "name", "starts_on", "ends_on", "handoff", "days")
    ordering = ("position",)
    change_verb = "edit"
    create_operation = operations.add_layer
    edit_operation = operations.edit_layer
    delete_operation = operations.remove_layer


class TurnInline(OperationInline):
    """The people of a rotation, in turn."""

    model = Turn
    fields = ("position", "user")
    autocomplete_fields = ("user",)
    ordering = ("position",)
    change_verb = "edit"
    create_operation = operations.add_turn
    edit_operation = operations.edit_turn
    delete_operation = operations.remove_turn


def _create_schedule(*, actor: User, team: Team, **values: Any) -> Schedule:
    require(actor, "add_schedule", team)
    return operations.create_schedule(team=team, actor=actor, **values)


def _edit_schedule(
    schedule: Schedule, *, actor: User, changes: dict[str, Any], reason: str = ""
) -> None:
    if "team" in changes:
        require(actor, "add_schedule", changes["team"])
    operations.edit_schedule(schedule, actor=actor, values=changes, reason=reason)


@register(Schedule)
class ScheduleAdmin(OperationAdmin):
    """A schedule, who is on call now, and the four weeks ahead."""

    nav_order = 10
    icon = "calendar_month"
    empty_text = (
        "Nobody is on call yet. Add a schedule, then its rotation and the people who take turns."
    )
    list_display = ["name", "team", "on_call_now", "time_zone", "is_active"]
    list_filter = ["team", "is_active"]
    search_fields = ["name", "key"]
    autocomplete_fields = ["team"]
    change_form_outer_before_template = "escalation/schedule_head.html"
    fieldsets = [(None, {"fields": ["name", "key", "team", "time_zone", "is_active"]})]
    inlines = [LayerInline]
    list_select_related = ["team"]
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = _create_schedule
    edit_operation = _edit_schedule

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Ask who is on call once for all rows."""
        changelist = super().get_changelist_instance(request)
        people = operations.on_call_each(changelist.result_list)
        for schedule in changelist.result_list:
            schedule.found_on_call = people.get(schedule.pk)
        return changelist

    @display(description="On call now")
    def on_call_now(self, schedule: Schedule) -> str:
        """Who would be paged at this moment."""
        found = getattr(schedule, "found_on_call", NOT_ASKED)
        person = operations.on_call(schedule) if found is NOT_ASKED else found
        return str(person or "Nobody")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Add who is on call, now and in the four weeks ahead."""
        schedule = kwargs.get("obj")
        if schedule is not None and kwargs.get("change"):
            # A form with errors has put them into `schedule`: what is ahead follows what is stored.
            stored = Schedule.objects.get(pk=schedule.pk) if request.POST else schedule
            context["ahead"] = ahead(stored)
        return super().render_change_form(request, context, *args, **kwargs)


@register(Layer)
class LayerAdmin(OperationAdmin):
    """One rotation and its people."""

    nav_title = "Rotations"
    nav_order = 20
    icon = "cycle"
    empty_text = "There is no rotation. Rotations are added on the page of their schedule."
    list_display = ["schedule", "name", "position", "days", "handoff", "starts_on"]
    list_filter = ["schedule"]
    search_fields = ["name", "schedule__name"]
    readonly_fields = ["schedule"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "schedule", "name", "position", "starts_on", "ends_on", "handoff", "days",
                ]
            },
        )
    ]  # fmt: skip
    inlines = [TurnInline]
    list_select_related = ["schedule"]
    change_verb = "edit"

    @staticmethod
    def edit_operation(
        layer: Layer, *, actor: User, changes: dict[str, Any], reason: str = ""
    ) -> None:
        """Change the rotation."""
        operations.edit_layer(layer, actor=actor, changes=changes)


class PeriodField(DateTimeRangeField):
    """Two instants, each as date and time of day."""

    base_field = forms.SplitDateTimeField


class OverrideForm(forms.ModelForm):  # type: ignore[type-arg]  # Django does not make it generic
    """Person and period, in UTC."""

    span = PeriodField(
        label="From and until (UTC)", widget=RangeWidget(UnfoldAdminSplitDateTimeWidget())
    )

    def _get_validation_exclusions(self) -> set[str]:
        """The operation checks overlaps: Django's check would need columns that no form has."""
        return {*super()._get_validation_exclusions(), "span"}  # type: ignore[misc]  # no stub


def _add_override(*, actor: User, schedule: Schedule, user: User, span: Any, reason: str) -> Any:
    require(actor, "override", schedule)
    if span.lower is None or span.upper is None:
        raise Invalid("Say from when and until when.", field="span")
    return operations.add_override(
        schedule, user=user, start=span.lower, end=span.upper, actor=actor, reason=reason
    )


@register(Override)
class OverrideAdmin(OperationAdmin):
    """Who takes over from whom, and until when."""

    nav_order = 30
    icon = "swap_horiz"
    empty_text = (
        "Nobody has swapped. Add an override when somebody takes over from the person on call."
    )
    form = OverrideForm
    list_display = ["schedule", "user", "begins", "ends", "reason", "withdrawn_at"]
    list_filter = ["schedule"]
    search_fields = ["schedule__name", "user__name", "reason"]
    autocomplete_fields = ["schedule", "user"]
    readonly_fields = ["withdrawn_at"]
    fieldsets = [(None, {"fields": ["schedule", "user", "span", "reason", "withdrawn_at"]})]
    list_select_related = ["schedule", "user"]
    add_level = Level.RESPOND
    create_operation = _add_override
    verbs = (Verb("withdraw", operations.withdraw_override, form=ReasonForm, danger=True),)

    @display(description="From", ordering="span__startswith")
    def begins(self, override: Override) -> Any:
        """The first instant."""
        return override.span.lower

    @display(description="Until", ordering="span__endswith")
    def ends(self, override: Override) -> Any:
        """The instant after the last."""
        return override.span.upper

    def verbs_from(self, obj: Override) -> list[str]:
        """An override is withdrawn once."""
        return [] if obj.withdrawn_at else ["withdraw"]


@home_section(order=30)
def on_call_now(request: HttpRequest) -> Section:
    """Who would be paged at this moment, by schedule."""
    rows = Schedule.objects.visible_to(actor_of(request)).filter(is_active=True)
    return Section(
        "Who is on call now",
        [_on_call_item(row) for row in rows.select_related("team").order_by("name")[:8]],
        empty_text="There is no schedule yet. Add one, so that alerts reach somebody.",
        link=reverse("admin:escalation_schedule_changelist"),
    )


def _on_call_item(row: Schedule) -> Item:
    person = operations.on_call(row)
    return Item(
        row.name,
        reverse("admin:escalation_schedule_change", args=[row.pk]),
        str(person) if person else "nobody",
        badge="" if person else "Gap",
        tone="neutral" if person else "danger",
    )
