"""Units, teams, people and tokens in the admin."""

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.access.operations import add_member, remove_member
from config.access.rights import rights_of
from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import (
    OperationAdmin,
    OperationInline,
    ReasonForm,
    Verb,
    access_of,
    actor_of,
    display,
    register,
)
from config.adminkit.passwords import GivenPasswordForm
from config.organisation import operations
from config.organisation.models import ApiToken, BusinessUnit, Membership, Team, User


@register(BusinessUnit)
class BusinessUnitAdmin(OperationAdmin):
    """The tree of business units."""

    icon = "account_tree"
    empty_text = "There is no unit. Add the enterprise's units, one below the other."
    nav_order = 10
    list_display = ["name", "key", "parent", "time_zone"]
    search_fields = ["name", "key"]
    autocomplete_fields = ["parent"]
    fieldsets = [(None, {"fields": ["key", "name", "parent", "time_zone"]})]
    list_select_related = ["parent"]
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = operations.create_unit
    edit_operation = operations.edit_unit

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A key is for ever."""
        return ["key"] if obj else []

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """Below a unit that the visitor manages."""
        require(actor_of(request), "add_unit", values["parent"])
        return super().create(request, values)


class MembershipInline(OperationInline):
    """Who is in the team."""

    model = Membership
    fk_name = "team"
    autocomplete_fields = ["user"]
    fields = ["user", "is_lead"]
    change_verb = "edit"
    create_operation = add_member
    delete_operation = remove_member


@register(Team)
class TeamAdmin(OperationAdmin):
    """Teams and their members."""

    icon = "groups"
    empty_text = (
        "There is no team. Add one, then its members: teams own services and take turns on call."
    )
    nav_order = 20
    in_palette = True
    list_display = ["name", "key", "unit", "domain", "region", "is_active"]
    list_filter = ["unit", "domain", "is_active"]
    search_fields = ["name", "key"]
    autocomplete_fields = ["unit"]
    fieldsets = [
        (
            None,
            {"fields": ["key", "name", "unit", ("domain", "region"), "description", "is_active"]},
        )
    ]
    add_fieldsets = [(None, {"fields": ["key", "name", "unit", ("domain", "region")]})]
    inlines = [MembershipInline]
    list_select_related = ["unit"]
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = operations.create_team
    edit_operation = operations.edit_team

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A key is for ever."""
        return ["key"] if obj else []

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """In a unit that the visitor manages."""
        require(actor_of(request), "add_team", values["unit"])
        return super().create(request, values)


@register(User)
class UserAdmin(OperationAdmin):
    """People and the accounts of tools."""

    icon = "person"
    empty_text = "There is nobody here. Add a person, then give them a role."
    nav_order = 30
    in_palette = True
    list_display = ["name", "username", "email", "kind", "is_staff", "is_active"]
    list_filter = ["kind", "is_active", "is_staff"]
    search_fields = ["name", "username", "email"]
    readonly_fields = ["kind", "is_active", "is_superuser", "created_at", "effective_rights"]
    fieldsets = [
        (None, {"fields": ["username", "name", "email", "time_zone", "is_staff"]}),
        (
            "Account",
            {"fields": ["kind", "is_active", "is_superuser", "created_at", "effective_rights"]},
        ),
    ]
    add_fieldsets = [(None, {"fields": ["username", "name", "email", "time_zone", "is_staff"]})]
    change_verb = "edit"
    create_operation = operations.create_person
    edit_operation = operations.edit_user
    verbs = (
        Verb("deactivate", operations.deactivate_user, form=ReasonForm, bulk=True, danger=True),
        Verb("activate", operations.activate_user, form=ReasonForm),
        Verb("set_password", operations.set_password, form=GivenPasswordForm),
    )

    def get_urls(self) -> list[URLPattern]:
        """With the page of the rights."""
        view = self.admin_site.admin_view(self.rights_view)
        page = path("<path:object_id>/rights/", view, name="config_user_rights")
        return [page, *super().get_urls()]

    def rights_view(self, request: HttpRequest, object_id: str) -> TemplateResponse:
        """What the person may do where, and why, as far as the visitor may know."""
        person = self.required_object(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": person,
            "title": f"Effective rights of {person}",
            "rights": rights_of(person, reader=actor_of(request)),
            "change_url": self.page_of(person),
        }
        return TemplateResponse(request, "access/rights.html", context)

    @display(description="Effective rights")
    def effective_rights(self, person: User) -> SafeString:
        """Where they are listed, with the reason of each."""
        link = reverse("admin:config_user_rights", args=(person.pk,))
        return format_html('<a href="{}">What they may do, and why</a>', link)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A user name is for ever."""
        return ["username", *self.readonly_fields] if obj else self.readonly_fields

    def add_check(self, request: HttpRequest) -> bool:
        """Accounts belong to no unit: who manages the whole enterprise makes them."""
        return access_of(request).containers(Level.MANAGE).everything

    def verbs_from(self, obj: User) -> list[str]:
        """Switching off what is on; passwords for people only."""
        switch = "deactivate" if obj.is_active else "activate"
        return [switch, "set_password"] if obj.is_person else [switch]


@register(ApiToken)
class ApiTokenAdmin(OperationAdmin):
    """Keys to the API: made and shown once through the API, ended here."""

    icon = "vpn_key"
    empty_text = "No token. Add one for a tool that calls the API; it is shown once."
    section = "Platform"
    list_display = ["name", "owner", "hint", "expires_at", "revoked_at"]
    list_filter = ["owner"]
    search_fields = ["name", "hint"]
    readonly_fields = ["owner", "name", "hint", "scopes", "networks", "expires_at", "revoked_at"]
    fieldsets = [(None, {"fields": tuple(readonly_fields)})]
    list_select_related = ["owner"]
    verbs = (Verb("revoke", operations.revoke_token, form=ReasonForm, bulk=True, danger=True),)

    def verbs_from(self, obj: ApiToken) -> list[str]:
        """Once."""
        return [] if obj.revoked_at else ["revoke"]

    def may_do(self, request: HttpRequest, verb: Verb, obj: ApiToken) -> bool:
        """Nobody sees a token that they may not revoke."""
        return True
