"""The incident: its list, and its page with key facts, verbs, timeline and claims."""

import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import OperationAdmin, Queue, Verb, display, register
from config.adminkit.periods import PeriodFilter
from config.adminkit.scoping import actor_of
from config.adminkit.verbs import MomentForm, ReasonForm, VerbForm
from config.errors import Invalid
from config.federation.operations import ownership
from config.organisation.models import User
from incidents.boundaries.operations import Boundaries, boundaries_of
from incidents.lifecycle import operations, rules
from incidents.lifecycle.admin import components
from incidents.lifecycle.admin.classifying import IncidentForm, choices_of
from incidents.lifecycle.admin.filters import AttentionFilter, WhoseFilter
from incidents.lifecycle.admin.forms import (
    ChooseTimeForm,
    ClaimForm,
    LetInForm,
    NoteEntryForm,
    ReasonedForm,
)
from incidents.lifecycle.admin.severity import (
    ChangeSeverityForm,
    DecideSeverityForm,
    JustifiedForm,
    LowerProvisionalForm,
    MaybeJustifiedForm,
    ReviseImpactForm,
    WithdrawForm,
    panel,
)
from incidents.lifecycle.admin.story import KINDS, story
from incidents.lifecycle.models import Incident, KeyTime, Source
from incidents.lifecycle.operations.opening import with_terms
from incidents.lifecycle.operations.options import Options, component_verbs, severity_verbs
from incidents.lifecycle.rules import State
from incidents.responsibility.operations import raci_for
from incidents.taxonomy.impact import MEASURED
from incidents.terms.operations import FIELDS
from incidents.timeline.operations import add_note

SEVERITY_TONES = {"SEV1": "danger", "SEV2": "warning", "SEV3": "info", "SEV4": "success"}
STATE_TONES = {
    State.NEW: "danger",
    State.TRIAGED: "warning",
    State.INVESTIGATING: "warning",
    State.MITIGATED: "info",
    State.MONITORING: "info",
    State.RESOLVED: "success",
}
# Verbs that the transition table doesn't know: open in every state.
ALWAYS = ("note", "claim_time", "choose_time", "let_in")


def note(
    incident: Incident,
    *,
    actor: User,
    text: str,
    kind: str,
    at: datetime.datetime | None = None,
    supersedes: int | None = None,
) -> None:
    """`add_note`, with the corrected line by its number."""
    corrected = None
    if supersedes is not None:
        corrected = incident.timeline.filter(pk=supersedes).first()
        if corrected is None:
            raise Invalid("The incident has no such line.", field="supersedes")
    add_note(incident, actor=actor, text=text, kind=kind, at=at, supersedes=corrected)


def choose(incident: Incident, *, actor: User, claim: int, reason: str = "") -> None:
    """`choose_time`, with the claim by its number."""
    chosen = incident.time_claims.filter(pk=claim).first()
    if chosen is None:
        raise Invalid("The incident has no such claim.", field="claim")
    operations.choose_time(incident, chosen, actor=actor, reason=reason)


SEVERITY = (
    Verb("revise_impact", operations.revise_impact, form=ReviseImpactForm),
    Verb("change_severity", operations.change_severity, form=ChangeSeverityForm),
    Verb(
        "decide_severity",
        operations.decide_severity,
        label="Decide the severity",
        form=DecideSeverityForm,
    ),
    Verb(
        "withdraw_severity",
        operations.withdraw_severity,
        label="Withdraw my request",
        form=WithdrawForm,
    ),
    Verb(
        "declare_provisional",
        operations.declare_provisional,
        label="Declare a provisional SEV1",
        form=JustifiedForm,
    ),
    Verb(
        "confirm_provisional",
        operations.confirm_provisional,
        label="Confirm SEV1",
        form=MaybeJustifiedForm,
    ),
    Verb(
        "lower_provisional",
        operations.lower_provisional,
        label="Lower the provisional SEV1",
        form=LowerProvisionalForm,
    ),
    Verb(
        "extend_provisional",
        operations.extend_provisional,
        label="Extend the provisional SEV1",
        form=ReasonForm,
    ),
)

COMPONENTS = (
    Verb(
        "set_component",
        operations.set_component,
        label="State of a component",
        form=components.ComponentForm,
    ),
    Verb(
        "split_off",
        operations.split_off,
        label="Split the rest off",
        form=components.SplitOffForm,
    ),
)


def _boundaries(incident: Incident) -> Boundaries | None:
    """Who answers for the affected component, where one is named."""
    part = incident.component
    return None if part is None else boundaries_of(part.kind, part.team)


@register(Incident)
class IncidentAdmin(OperationAdmin):
    """The incident, by every verb of the API."""

    nav_order = 10
    icon = "local_fire_department"
    empty_text = (
        "No incident that you may see. Report one with the plus above, or connect a tool under "
        "Alerts, Integrations."
    )
    in_palette = True
    is_live = True
    queues = (
        Queue("my-open", "My open", "attention=open&whose=me", "person"),
        Queue("my-teams", "My teams", "attention=open&whose=my_teams", "groups"),
        Queue("unassigned", "Unassigned", "attention=unacknowledged", "front_hand"),
        Queue("major", "Open SEV1 and SEV2", "attention=major", "priority_high"),
        Queue("overdue", "Overdue SEV1", "attention=overdue", "hourglass_bottom"),
        Queue("unclosed", "Resolved, not closed", "attention=unclosed", "task_alt"),
    )
    change_form_outer_before_template = "incidents/head.html"

    list_display = [
        *("reference", "shown_severity", "title", "shown_state", "service", "team"),
        *("acknowledged_by", "opened_at"),
    ]
    list_display_links = ["reference", "title"]
    list_filter = [
        *(AttentionFilter, WhoseFilter, "state", "severity", "level", "type", "category"),
        *("team", "service", "is_restricted"),
        ("opened_at", PeriodFilter),
    ]
    list_filter_submit = True
    list_select_related = ["service", "team", "acknowledged_by"]
    list_defer = ("description", "search")
    search_fields = ["title"]
    search_help_text = "A reference such as INC-000123, or words of title and description."
    autocomplete_fields = ["service", "team"]
    readonly_fields = []
    fieldsets = [
        (
            None,
            {"fields": ["title", "description", ("service", "team"), ("level", "is_restricted")]},
        ),
        (
            "Classification",
            {"fields": [("component", "type", "category"), "tags", ("cause_code", "closure_code")]},
        ),
    ]
    form = IncidentForm
    add_fieldsets = [
        (None, {"fields": ["title", ("service", "level"), "description", "is_restricted"]}),
        (
            "Impact, as far as it is known: the severity follows",
            {"fields": [MEASURED[:2], MEASURED[2:4], "is_regulatory"]},
        ),
        ("Classification", {"fields": [("component", "type", "category"), "tags", "cause_code"]}),
    ]
    inlines = []
    actions = []

    change_verb = "edit"
    add_level = Level.RESPOND
    create_operation = operations.open_incident
    edit_operation = operations.edit
    verbs = (
        Verb("acknowledge", operations.acknowledge, bulk=True),
        *(
            Verb(name, operation, form=MomentForm, guard=f"incident.{name}")
            for name, operation in (
                ("triage", operations.triage),
                ("investigate", operations.investigate),
                ("mitigate", operations.mitigate),
                ("monitor", operations.monitor),
                ("resolve", operations.resolve),
                ("close", operations.close),
            )
        ),
        Verb("cancel", operations.cancel, form=ReasonedForm, guard="incident.cancel", danger=True),
        Verb("reopen", operations.reopen, form=ReasonedForm, guard="incident.reopen"),
        *SEVERITY,
        *COMPONENTS,
        Verb("note", note, label="Add a note", form=NoteEntryForm),
        Verb("claim_time", operations.claim_time, label="Claim a key time", form=ClaimForm),
        Verb("choose_time", choose, label="Choose a key time", form=ChooseTimeForm),
        Verb("let_in", operations.let_in, label="Let somebody in", form=LetInForm),
    )

    class Media:
        css = {"all": ["incidents/incident.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With everything that list and page name."""
        rows: Any = super().get_queryset(request)
        return rows.with_parts()  # type: ignore[no-any-return]  # IncidentQuerySet

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new one needs less."""
        return super().get_fieldsets(request, obj) if obj is not None else self.add_fieldsets

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Values of the taxonomy: those that are offered."""
        if db_field.name in FIELDS:
            incident = getattr(request, "_watchbill_record", None)
            kwargs["queryset"] = choices_of(db_field.name, request, incident)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Incident:
        """Reported by a person who works on that service, or, without one, on any."""
        if values.get("service") is not None:
            require(actor_of(request), "open_incident", values["service"])
        made: Incident = super().create(request, with_terms({**values, "source": Source.PERSON}))
        return made

    def verbs_from(self, obj: Incident) -> list[str]:
        """What the table allows, and what is open in every state."""
        parts = component_verbs(obj)
        return [*rules.verbs_from(obj.state), *severity_verbs(obj), *parts, *ALWAYS]

    def verb_form(self, request: HttpRequest, verb: Verb, obj: Incident) -> VerbForm:
        """Filled in from the incident where its form says how."""
        form = verb.form or VerbForm
        begins = getattr(form, "initial_of", None)
        data = request.POST if request.method == "POST" else None
        made = form(data, initial=begins(obj) if begins else None)
        if (offer := getattr(made, "offer", None)) is not None:
            offer(actor_of(request))
        return made

    def offered(self, request: HttpRequest, obj: Incident) -> list[Verb]:
        """Without those that would change nothing, or come too late.

        The first button is the next step: once somebody has acknowledged, that isn't it.
        """
        options = Options(actor_of(request))
        found = [v for v in super().offered(request, obj) if options.makes_sense(v.name, obj)]
        is_taken = obj.acknowledged_at is not None
        return sorted(found, key=lambda verb: is_taken and verb.name == "acknowledge")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Add head and story."""
        incident = kwargs.get("obj")
        if incident is not None and kwargs.get("change"):
            kind = request.GET.get("kind", "")
            context |= {
                "incident": incident,
                "severity_tone": SEVERITY_TONES[incident.severity],
                "state_tone": STATE_TONES.get(incident.state, "neutral"),
                "key_times": [(w.label, getattr(incident, f"{w}_at")) for w in KeyTime],
                "claims": incident.time_claims.select_related("claimed_by", "incident").order_by(
                    "which", "claimed_at", "id"
                ),
                "story": story(incident, actor_of(request), kind=kind if kind in KINDS else ""),
                "story_kinds": KINDS,
                "story_kind": kind,
                "note_form": self._note_form(request, incident),
                "raci": raci_for(incident.team, incident.unit)[1],
                "boundaries": _boundaries(incident),
                "ownership": ownership(incident.unit, incident.opened_at),
                **panel(incident),
                **components.panel(incident, actor_of(request)),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def _note_form(self, request: HttpRequest, incident: Incident) -> NoteEntryForm | None:
        offered = {verb.name for verb in self.offered(request, incident)}
        return NoteEntryForm() if "note" in offered else None

    @display(description="Severity", ordering="severity", label=SEVERITY_TONES)
    def shown_severity(self, incident: Incident) -> tuple[str, str]:
        """As a badge, with its text."""
        return incident.severity, incident.get_severity_display()

    @display(description="State", ordering="state", label=STATE_TONES)
    def shown_state(self, incident: Incident) -> tuple[str, str]:
        """As a badge, with its text."""
        return incident.state, incident.get_state_display()
