"""Escalation policies in the admin, and which one is used where."""

from typing import Any

from django.http import HttpRequest

from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import OperationAdmin, register
from config.adminkit.policy import PartInline, PolicyAdmin
from config.governance.models import Policy
from config.organisation.models import Team, User
from escalation.policies import operations
from escalation.policies.models import EscalationPolicyVersion, PolicyUse, Tier
from incidents.catalog.models import Service


class TierInline(PartInline):
    """The tiers, in the order in which they are paged."""

    model = Tier
    ordering = ("position",)


@register(EscalationPolicyVersion)
class EscalationPolicyAdmin(PolicyAdmin):
    """Whom an incident pages, tier after tier, until somebody acknowledges."""

    nav_title = "Escalation policies"
    nav_order = 40
    icon = "stairs"
    empty_text = "There is no escalation policy. Add one: whom an incident pages, tier after tier."
    list_display = [*PolicyAdmin.list_display, "rounds"]
    inlines = [TierInline]


def _use(
    *, actor: User, policy: Policy, service: Service | None = None, team: Team | None = None
) -> PolicyUse:
    container = service or team
    if container is not None:
        require(actor, "choose_policy", container)
    return operations.use_policy(policy, service=service, team=team, actor=actor)


def _edit(use: PolicyUse, *, actor: User, changes: dict[str, Any], reason: str = "") -> None:
    policy = changes.get("policy", use.policy)
    operations.use_policy(policy, service=use.service, team=use.team, actor=actor, reason=reason)


@register(PolicyUse)
class PolicyUseAdmin(OperationAdmin):
    """Service or team, and the policy by which it escalates."""

    nav_title = "Policies in use"
    nav_order = 50
    icon = "rule"
    empty_text = (
        "The default policy holds everywhere. Add a line for a service or team that escalates "
        "otherwise."
    )
    list_display = ["__str__", "service", "team", "policy"]
    list_filter = ["policy"]
    search_fields = ["service__name", "team__name"]
    autocomplete_fields = ["service", "team"]
    fieldsets = [(None, {"fields": ["service", "team", "policy"]})]
    list_select_related = ["service", "team", "policy"]
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = _use
    edit_operation = _edit

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whose policy it is stays; which one can be chosen anew."""
        fixed = ("service", "team") if obj is not None else ()
        return (*super().get_readonly_fields(request, obj), *fixed)
