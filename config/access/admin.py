"""Role assignments in the admin: granted and taken back, never edited."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.db.models import Case, Model, OuterRef, Q, QuerySet, Subquery, When
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSplitDateTimeWidget

from config import clock, origin
from config.access import delegations
from config.access.directory import administers, manages
from config.access.models import ContainerType, Delegation, RoleAssignment
from config.access.operations import change_end, grant_role, revoke_role
from config.access.rules import Level, label_of
from config.access.visibility import Access, container_model
from config.adminkit.base import (
    OperationAdmin,
    ReasonForm,
    Verb,
    actor_of,
    display,
    register,
    scope,
    visible_rows,
)
from config.edge import STAND_IN
from config.errors import Invalid, NotAllowed

MOST = 300


@scope(Group)
def roles_to_give(access: Access) -> Q:
    """All of them, for who gives roles anywhere."""
    reached = access.containers(Level.MANAGE)
    gives = reached.everything or reached.units or reached.teams or reached.services
    return Q() if gives else Q(pk__in=[])


class AssignmentForm(forms.ModelForm):  # type: ignore[type-arg]  # the model is named in Meta
    """Who gets which role where; the place is one picker over units, teams and services."""

    container = forms.ChoiceField(label="On", widget=UnfoldAdminSelectWidget())

    class Meta:
        model = RoleAssignment
        fields = ("role", "person", "team", "starts_at", "until", "reason")

    def clean_container(self) -> Any:
        """The container itself."""
        kind, _, pk = self.cleaned_data["container"].partition(":")
        return container_model(kind)._default_manager.get(pk=pk)


class EndForm(ReasonForm):
    """When it ends, and why that changes."""

    until = forms.SplitDateTimeField(
        label="Until (UTC)",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="Leave it empty: until somebody takes it back.",
    )
    field_order = ["until", "reason"]

    def arguments(self) -> dict[str, Any]:
        """No end is an end, too."""
        return dict(self.cleaned_data)


@register(RoleAssignment)
class RoleAssignmentAdmin(OperationAdmin):
    """Who holds which role where, from when until when."""

    icon = "badge"
    empty_text = "Nobody holds a role here. Add an assignment: who, which role, and where."
    nav_order = 40
    form = AssignmentForm
    list_display = ["holder", "shown_role", "place", "starts_at", "until", "revoked_at"]
    list_filter = ["role", "container_type"]
    search_fields = ["person__name", "person__username", "team__name", "role__name"]
    autocomplete_fields = ["person", "team"]
    readonly_fields = ["shown_role", "place", "approved_by", "revoked_at"]
    fieldsets = [
        (None, {"fields": ["shown_role", "person", "team", "place"]}),
        ("When and why", {"fields": ["starts_at", "until", "reason", "approved_by", "revoked_at"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["role", ("person", "team"), "container"]}),
        ("When and why", {"fields": [("starts_at", "until"), "reason"]}),
    ]
    list_select_related = ["role", "person", "team"]
    add_level = Level.MANAGE
    create_operation = grant_role
    verbs = (
        Verb("change_end", change_end, label="Change its end", form=EndForm),
        Verb("revoke", revoke_role, form=ReasonForm, bulk=True, danger=True),
    )

    @display(description="Holder")
    def holder(self, obj: RoleAssignment) -> str:
        """A person, or all members of a team."""
        return str(obj.person) if obj.person_id else f"Team {obj.team}"

    @display(description="Role", ordering="role__name")
    def shown_role(self, obj: RoleAssignment) -> str:
        """In words."""
        return label_of(obj.role.name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the name of the container, whichever table that is in."""
        names = (
            When(container_type=kind, then=Subquery(_names(container_model(kind))))
            for kind in ContainerType
        )
        rows: QuerySet[Any] = super().get_queryset(request).annotate(place_name=Case(*names))
        return rows

    @display(description="On", ordering="place_name")
    def place(self, obj: Any) -> str:
        """The container by name."""
        return f"{obj.get_container_type_display()} {obj.place_name}"

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Offer the containers that the visitor may give roles on."""
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            form.base_fields["container"].choices = containers_for(request)
        return form

    def create(self, request: HttpRequest, values: dict[str, Any]) -> RoleAssignment:
        """Translate the form for the operation."""
        to, on = values.pop("person") or values.pop("team"), values.pop("container")
        if to is None or values.pop("team", None):
            raise Invalid("Name a person or a team, not both.", field="person")
        if not manages(actor_of(request), on):
            raise NotAllowed("You don't manage that place.", field="container", audit=True)
        role = values.pop("role").name
        return grant_role(role, to=to, on=on, actor=actor_of(request), **values)

    def may_do(self, request: HttpRequest, verb: Verb, obj: RoleAssignment) -> bool:
        """Who manages the place takes back what was given there."""
        place = container_model(obj.container_type)._default_manager.get(pk=obj.container_id)
        return manages(actor_of(request), place)

    def verbs_from(self, obj: RoleAssignment) -> list[str]:
        """While it is given."""
        return [] if obj.revoked_at else ["change_end", "revoke"]


@register(Delegation)
class DelegationAdmin(OperationAdmin):
    """Who stands in for whom; 'Act for them' shows as 'X for Y' in all that is done so."""

    icon = "supervisor_account"
    nav_order = 50
    empty_text = "Nobody stands in for anybody. Add a delegation: who, for whom, until when."
    list_display = ["delegate", "principal", "starts_at", "until", "revoked_at"]
    list_filter = ["principal", "delegate"]
    search_fields = ["principal__name", "delegate__name", "reason"]
    autocomplete_fields = ["principal", "delegate"]
    readonly_fields = ["revoked_at"]
    fieldsets = [
        (None, {"fields": [("principal", "delegate"), ("starts_at", "until"), "reason"]}),
        ("State", {"fields": ["revoked_at"]}),
    ]
    add_fieldsets = [
        (None, {"fields": [("principal", "delegate"), ("starts_at", "until"), "reason"]})
    ]
    list_select_related = ["principal", "delegate"]
    create_operation = delegations.delegate
    verbs = (
        Verb(
            "act",
            delegations.begin_to_act,
            label="Act for them",
            help="All that you do is shown as done for them, until you stop or it ends.",
        ),
        Verb("stop", delegations.stop_acting, label="Act for myself again"),
        Verb("revoke", delegations.revoke_delegation, form=ReasonForm, danger=True),
    )

    def add_check(self, request: HttpRequest) -> bool:
        """Everybody lets others stand in for themselves, but auditors."""
        return delegations.may_delegate(actor_of(request))

    def may_do(self, request: HttpRequest, verb: Verb, obj: Delegation) -> bool:
        """Who stands in acts; either of the two ends it, or an administrator."""
        actor, acting = actor_of(request), origin.stand_in_of(actor_of(request).pk)
        if verb.name in ("act", "stop"):
            is_acting = acting is not None and acting.principal == obj.principal_id
            return obj.delegate_id == actor.pk and is_acting == (verb.name == "stop")
        return actor.pk in (obj.principal_id, obj.delegate_id) or administers(actor)

    def verbs_from(self, obj: Delegation) -> list[str]:
        """While it runs."""
        over = obj.revoked_at is not None or obj.until <= clock.now()
        return [] if over else ["act", "stop", "revoke"]

    def run(self, request: HttpRequest, verb: Verb, obj: Any, arguments: dict[str, Any]) -> None:
        """The session keeps for whom one acts."""
        super().run(request, verb, obj, arguments)
        if verb.name == "act":
            request.session[STAND_IN] = obj.pk
        elif verb.name == "stop":
            request.session.pop(STAND_IN, None)


def _names(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.filter(pk=OuterRef("container_id")).values("name")[:1]


def containers_for(request: HttpRequest) -> list[tuple[str, list[tuple[str, str]]]]:
    """Units, teams and services, in groups for the picker."""
    groups = []
    for kind in ContainerType:
        rows = visible_rows(container_model(kind), request).order_by("name")[:MOST]
        options = [(f"{kind.value}:{row.pk}", str(row)) for row in rows]
        groups.append((kind.label, options))
    return groups
