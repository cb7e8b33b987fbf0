"""Reports as a queue with verbs, the records they turn into, and the table as a form."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import (
    OperationAdmin,
    Queue,
    ReadOnlyAdmin,
    ReadOnlyInline,
    Verb,
    VerbForm,
    display,
    register,
)
from config.adminkit.links import linked
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm
from config.adminkit.scoping import access_of, actor_of
from config.errors import Invalid
from config.federation.duties import Duties
from config.federation.rules import Duty
from config.governance.models import PolicyVersion
from config.organisation.models import Team, User
from incidents.intake import operations
from incidents.intake.models import (
    IntakeItem,
    ItemState,
    OutcomeChoice,
    QualificationDecision,
    QualificationRule,
    QualificationVersion,
    WorkRecord,
)
from incidents.intake.operations.deciding import TABLE_KEY, TABLE_TITLE
from incidents.intake.rules import ANSWERS
from incidents.lifecycle.models import Incident
from incidents.taxonomy.models import Level as AlertLevel

OUTCOMES: dict[str, str] = {
    OutcomeChoice.INCIDENT.label: "danger",
    OutcomeChoice.PROBLEM.label: "warning",
    OutcomeChoice.CHANGE.label: "warning",
    OutcomeChoice.SERVICE_REQUEST.label: "info",
    OutcomeChoice.ROUTINE.label: "info",
    OutcomeChoice.DUPLICATE.label: "info",
}
STATES: dict[str, str] = {
    ItemState.OPEN.label: "warning",
    ItemState.CONVERTED.label: "success",
}


class OverrideForm(VerbForm):
    """Another outcome than the table's, and why."""

    outcome = forms.ChoiceField(choices=OutcomeChoice.choices, widget=UnfoldAdminSelectWidget)
    duplicate_of = forms.CharField(
        label="Duplicate of",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="For a duplicate: the reference of the incident, such as INC-000123.",
    )
    reason = forms.CharField(
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Needed: why the table's answer isn't followed.",
    )


class HandOverForm(VerbForm):
    """The team that goes on."""

    team = forms.ModelChoiceField(Team.objects.none(), widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        required=False, max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


class ConvertForm(VerbForm):
    """The level, where it becomes an incident."""

    level = forms.ChoiceField(
        choices=AlertLevel.choices,
        initial=AlertLevel.WARNING,
        widget=UnfoldAdminSelectWidget,
        help_text="Counts only where it becomes an incident.",
    )


def _override(
    item: IntakeItem, *, actor: User, outcome: str, duplicate_of: str = "", reason: str = ""
) -> None:
    """`override`, with the incident by its reference."""
    known = None
    if duplicate_of:
        rows = Incident.objects.visible_to(actor)
        known = rows.filter(reference=duplicate_of.strip().upper()).first()
        if known is None:
            raise Invalid("There is no such incident that you may see.", field="duplicate_of")
    operations.override(item, actor=actor, outcome=outcome, reason=reason, duplicate_of=known)


class DecisionInline(ReadOnlyInline):
    """What the table said, by which row, and what a person made of it."""

    model = QualificationDecision
    fields = ("at", "by", "table_answer", "row", "why", "outcome", "reason")
    readonly_fields = fields
    verbose_name_plural = "Decisions"
    ordering = ("-id",)

    @display(description="Row of the table")
    def row(self, decision: QualificationDecision) -> str:
        """With the version that has it."""
        return f"{decision.version}: {decision.line or 'no row matched'}"

    @display(description="Why")
    def why(self, decision: QualificationDecision) -> str:
        """Which condition found what."""
        return "; ".join(f"{each['text']}: {each['actual']}" for each in decision.findings)


@register(IntakeItem)
class IntakeItemAdmin(OperationAdmin):
    """Reports that wait for somebody who turns them into the right record."""

    section = "Incidents"
    nav_title = "Reports"
    nav_order = 5
    icon = "inbox"
    empty_text = "No report that you may see. Take one in with the plus above."
    queues = (Queue("reports", "Open reports", f"state__exact={ItemState.OPEN}", "inbox"),)
    list_display = [
        *("reference", "title", "shown_outcome", "shown_state", "service", "team", "handoffs"),
    ]
    list_display_links = ["reference", "title"]
    list_filter = ["state", "outcome", "team", "service"]
    list_select_related = ["service", "team"]
    search_fields = ["title"]
    autocomplete_fields = ["service", "team"]
    readonly_fields = [
        *("shown_state", "table_version", "table_answer", "shown_outcome", "level", "handoffs"),
        "converted_to",
    ]
    add_fieldsets = [
        (None, {"fields": ["title", "service", "description"]}),
        ("Answers. Leave open what nobody knows", {"fields": [*ANSWERS]}),
    ]
    fieldsets = [
        (None, {"fields": ["title", ("service", "team"), "description"]}),
        ("What it is", {"fields": [("shown_outcome", "table_answer"), "table_version",
                                   ("shown_state", "converted_to"), ("level", "handoffs")]}),
        ("Answers", {"fields": [*ANSWERS]}),
    ]  # fmt: skip
    inlines = [DecisionInline]
    actions = []
    add_level = Level.RESPOND
    create_operation = operations.report
    verbs = (
        Verb("convert", operations.convert, form=ConvertForm),
        Verb("override", _override, label="Decide otherwise", form=OverrideForm),
        Verb("hand_over", operations.hand_over, label="Hand over", form=HandOverForm),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With where the work went."""
        ends = ("conversion__incident", "conversion__work", "table_version")
        return super().get_queryset(request).select_related("service", "team", *ends)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new one needs the answers."""
        return super().get_fieldsets(request, obj) if obj is not None else self.add_fieldsets

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Decisions come with the report."""
        return [] if obj is None else super().get_inline_instances(request, obj)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """Taken in by a person who works on that service, or, without one, on any."""
        if values.get("service") is not None:
            require(actor_of(request), "open_incident", values["service"])
        return super().create(request, values)

    def verb_form(self, request: HttpRequest, verb: Verb, obj: Any) -> VerbForm:
        """A report is handed to a team that the visitor knows of."""
        form = super().verb_form(request, verb, obj)
        if isinstance(form, ConvertForm) and obj.level:
            form.initial["level"] = obj.level
        if isinstance(form, HandOverForm):
            teams: Any = form.fields["team"]
            teams.queryset = Team.objects.visible_to(actor_of(request)).order_by("name")
        return form

    def offered(self, request: HttpRequest, obj: IntakeItem) -> list[Verb]:
        """Nothing where triage is another's duty, by the operating model of the unit."""
        duties = Duties(access_of(request))
        theirs = duties.allow(Duty.TRIAGE, obj.unit_id, obj.reported_at)
        return super().offered(request, obj) if theirs else []

    def verbs_from(self, obj: IntakeItem) -> list[str]:
        """Nothing where the work goes on elsewhere."""
        return [verb.name for verb in self.verbs] if obj.state == ItemState.OPEN else []

    @display(description="Reference", ordering="pk")
    def reference(self, item: IntakeItem) -> str:
        """Its public name."""
        return item.reference

    @display(description="Outcome", ordering="outcome", label=OUTCOMES)
    def shown_outcome(self, item: IntakeItem) -> str:
        """As a badge with text."""
        return str(item.get_outcome_display())

    @display(description="State", ordering="state", label=STATES)
    def shown_state(self, item: IntakeItem) -> str:
        """As a badge with text."""
        return str(item.get_state_display())

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """With the incident that it became, where the visitor may know of that."""
        item = super().get_object(request, object_id, from_field)
        made = getattr(item, "conversion", None)
        if item is not None and made is not None and made.incident_id is not None:
            known = Incident.objects.visible_to(actor_of(request)).filter(pk=made.incident_id)
            item.known_incident = known.first()
        return item

    @display(description="Goes on as")
    def converted_to(self, item: IntakeItem) -> SafeString | str:
        """Leads to the record that the report was turned into."""
        made = getattr(item, "conversion", None)
        target = getattr(item, "known_incident", None) or getattr(made, "work", None)
        if target is None:
            return ""
        return linked(target._meta.label_lower, target.pk, target.reference)


@register(WorkRecord)
class WorkRecordAdmin(ReadOnlyAdmin):
    """Service requests, problems, changes and routine operation that reports turned into."""

    section = "Incidents"
    nav_title = "Other work"
    nav_order = 15
    icon = "assignment"
    empty_text = "No report or incident has been turned into other work yet."
    list_display = ["reference", "kind", "title", "service", "team", "handoffs", "opened_at"]
    list_display_links = ["reference", "title"]
    list_filter = ["kind", "team", "service"]
    list_select_related = ["service", "team"]
    search_fields = ["title"]
    fields = ["kind", "title", "description", "service", "team", "handoffs", "opened_at"]
    readonly_fields = ["kind", "title", "description", "service", "team", "handoffs", "opened_at"]

    @display(description="Reference", ordering="pk")
    def reference(self, work: WorkRecord) -> str:
        """Its public name."""
        return work.reference


class NewTableForm(NewPolicyForm):
    """The enterprise's table, or a unit's own."""

    key = forms.ChoiceField(
        label="Table", choices=[(TABLE_KEY, TABLE_TITLE)], widget=UnfoldAdminSelectWidget
    )
    title = None


class RuleInline(PartInline):
    """The rows, in the order in which they are asked."""

    model = QualificationRule
    fields = ["position", "outcome", "conditions", "note"]
    ordering = ("position",)
    verbose_name_plural = "Rows: the first that matches decides"
    extra = 0


@register(QualificationVersion)
class QualificationAdmin(PolicyAdmin):
    """What a report is, by its answers."""

    section = "Policies"
    nav_title = "Qualification"
    icon = "alt_route"
    empty_text = "There is no table. Add a draft to say what becomes of reports."
    nav_order = 34
    new_form = NewTableForm
    inlines = [RuleInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": TABLE_TITLE})
