"""Proposals to correct the catalogue, in the admin."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import (
    OperationAdmin,
    Queue,
    Verb,
    VerbForm,
    display,
    register,
)
from config.errors import Invalid
from config.organisation.models import User
from incidents.cmdb import operations
from incidents.cmdb.models import UpdateProposal
from incidents.cmdb.rules import ProposalState, UpdateKind
from incidents.lifecycle.models import Incident

STATES = {"Open": "warning", "Accepted": "success", "Rejected": "info"}


def _propose(*, actor: User, incident: Incident, **values: Any) -> UpdateProposal:
    require(actor, "propose_update", incident)
    ends: dict[str, Any] = {}
    for end in ("item", "target"):
        named = [values.pop(f"{end}_{kind}") for kind in ("service", "component")]
        found = [each for each in named if each is not None]
        if len(found) > 1 or (end == "item" and not found):
            raise Invalid("Name a service or a component, one of both.", field=f"{end}_service")
        ends[end] = found[0] if found else None
    return operations.propose_update(incident, actor=actor, **ends, **values)


class RejectForm(VerbForm):
    """Why the catalogue stays as it is."""

    note = forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class AcceptForm(VerbForm):
    """What the owner says to it."""

    note = forms.CharField(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


@register(UpdateProposal)
class ProposalAdmin(OperationAdmin):
    """What incidents taught about the catalogue, for the owners of its items to decide."""

    section = "Organisation"
    nav_title = "CMDB proposals"
    nav_order = 56
    icon = "rule_folder"
    empty_text = (
        "Nothing is proposed. Who works on an incident proposes here what it showed: a missing "
        "dependency, a wrong owner, a retired item."
    )
    queues = (Queue("undecided", "Proposals to decide", "state__exact=open", "pending_actions"),)
    list_display = ["__str__", "incident", "team", "shown_state", "proposed_by", "proposed_at"]
    list_filter = ["state", "kind", "team"]
    search_fields = ["note", "incident__reference"]
    autocomplete_fields = [
        *("incident", "item_service", "item_component", "target_service", "target_component"),
        "new_team",
    ]
    fieldsets = [
        (None, {"fields": ["incident", "kind", ("item_service", "item_component"), "note"]}),
        ("A missing dependency", {"fields": [("target_service", "target_component"), "strength"]}),
        ("A wrong owner", {"fields": ["new_team"]}),
    ]
    asked_of: ClassVar[dict[str, str]] = {
        UpdateKind.NEW_DEPENDENCY: "A missing dependency",
        UpdateKind.WRONG_OWNER: "A wrong owner",
    }
    decision_fieldset = (
        "Decision",
        {
            "fields": [
                *("owner", "shown_state", ("proposed_by", "proposed_at")),
                *(("decided_by", "decided_at"), "decision_note"),
            ]
        },
    )
    readonly_fields = []
    list_select_related = ["incident", "team", "proposed_by", "item_service", "item_component"]
    inlines = []
    actions = []
    add_level = Level.RESPOND
    create_operation = _propose
    verbs = (
        Verb("accept", operations.accept, form=AcceptForm),
        Verb("reject", operations.reject, form=RejectForm),
    )

    def verbs_from(self, obj: UpdateProposal) -> list[str]:
        """What is open can be decided."""
        return ["accept", "reject"] if obj.state == ProposalState.OPEN else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What its kind asks, and the decision, once there is something to decide."""
        declared = super().get_fieldsets(request, obj)
        if obj is None:
            return declared
        asked = self.asked_of.get(obj.kind)
        kept = [each for each in declared if each[0] in (None, asked)]
        return [*kept, self.decision_fieldset]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is proposed stays; the rest follows from it."""
        decision = ["owner", "shown_state", "proposed_by", "proposed_at"]
        decision += ["decided_by", "decided_at", "decision_note"]
        return [] if obj is None else decision

    @display(description="Decided by the team")
    def owner(self, proposal: UpdateProposal) -> str:
        """Whose item it is."""
        return str(proposal.team)

    @display(description="State", ordering="state", label=STATES)
    def shown_state(self, proposal: UpdateProposal) -> str:
        """As a badge with text."""
        return str(proposal.get_state_display())
