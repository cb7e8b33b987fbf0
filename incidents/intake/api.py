"""Reports, what they were turned into, and the table that qualifies them, over the API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from config.access.visibility import access_for, require
from config.apikit.serializers import Input, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, listing, verb
from config.conditions.api import ConditionsField, sentence
from config.errors import NotAllowed
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.intake import operations
from incidents.intake.facts import SUBJECT
from incidents.intake.models import (
    WORK_KINDS,
    Conversion,
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
from incidents.lifecycle.operations.options import Options
from incidents.taxonomy.models import Level


class QualificationRuleOut(serializers.ModelSerializer[QualificationRule]):
    """One row; the first that matches decides."""

    conditions = ConditionsField(subject=SUBJECT, read_only=True)
    when = serializers.SerializerMethodField(help_text="The conditions in one sentence.")

    class Meta:
        model = QualificationRule
        fields = read_only_fields = ("line", "position", "outcome", "conditions", "when", "note")

    def get_when(self, rule: QualificationRule) -> str:
        """In words."""
        return sentence(SUBJECT, rule.conditions)


class QualificationRuleIn(Input):
    """One row. A `line` that is known keeps its identity across versions."""

    line = serializers.SlugField(max_length=40, required=False)
    position = serializers.IntegerField(min_value=0, max_value=32_767)
    outcome = serializers.ChoiceField(choices=OutcomeChoice.choices)
    conditions = ConditionsField(subject=SUBJECT)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class QualificationOut(VersionOut):
    """A version of the table."""

    rules = QualificationRuleOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = QualificationVersion
        fields = (*VERSION_FIELDS, "otherwise", "rules")
        read_only_fields = fields


class QualificationIn(DraftIn):
    """A draft of the enterprise's table or of a unit's own; it begins with what is in force."""

    key = serializers.ChoiceField(choices=[TABLE_KEY], default=TABLE_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=TABLE_TITLE)
    otherwise = serializers.ChoiceField(choices=OutcomeChoice.choices, required=False)
    rules = serializers.ListField(child=QualificationRuleIn(), required=False, max_length=200)


class QualificationViewSet(PolicyVersionViewSet[QualificationVersion]):
    """The table that qualifies reports."""

    model = QualificationVersion
    out = QualificationOut
    inputs = version_inputs(QualificationIn)


class WorkRecordOut(serializers.ModelSerializer[WorkRecord]):
    """Work that is no incident."""

    reference = serializers.CharField(read_only=True)
    service = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    team = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = WorkRecord
        fields = read_only_fields = (
            *("id", "reference", "kind", "title", "description", "service", "team", "handoffs"),
            *("opened_at", "version"),
        )


class WorkFilters(django_filters.FilterSet):
    """By kind, team and service."""

    kind = django_filters.MultipleChoiceFilter(choices=[(kind, kind) for kind in WORK_KINDS])
    team = django_filters.CharFilter(field_name="team__key")
    service = django_filters.CharFilter(field_name="service__key")


class WorkViewSet(Histories, Resource[WorkRecord]):
    """Service requests, problems, changes and routine operation that reports turned into."""

    model = WorkRecord
    out = WorkRecordOut
    filterset_class = WorkFilters
    lookup_value_regex = "[0-9]+"
    action_permissions = dict.fromkeys(("list", "retrieve", "history"), VIEW)

    def shown(self, rows: QuerySet[WorkRecord]) -> QuerySet[WorkRecord]:
        """With service and team."""
        return rows.select_related("service", "team")


class IntakeItemOut(serializers.ModelSerializer[IntakeItem]):
    """A report, what the table made of it, and where the work goes on."""

    reference = serializers.CharField(read_only=True)
    service = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    team = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    reported_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    duplicate_of = serializers.SlugRelatedField[Any](
        slug_field="reference", read_only=True, allow_null=True
    )
    table_version = serializers.IntegerField(
        source="table_version.number", read_only=True, allow_null=True, default=None
    )
    converted_to = serializers.SerializerMethodField(
        help_text="The reference of the record that goes on; empty where you may not know of it."
    )
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = IntakeItem
        fields = read_only_fields = (
            *("id", "reference", "title", "description", "service", "team", "reported_by"),
            *("reported_at", *ANSWERS, "duplicate_of", "state", "table_version", "table_answer"),
            *("outcome", "level", "handoffs", "converted_to", "version"),
        )

    def get_converted_to(self, item: IntakeItem) -> str:
        """Only what the caller may know of."""
        made = getattr(item, "conversion", None)
        if made is None or access_for(self.context["request"].user).conceals(made):
            return ""
        return str(made.target)


class IntakeAnswersIn(Input):
    """What was answered; what nobody knows is left out."""

    is_interrupted = serializers.BooleanField(required=False, allow_null=True)
    slowdown_percent = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=1_000_000
    )
    is_standard_request = serializers.BooleanField(required=False, allow_null=True)
    is_support_tried = serializers.BooleanField(required=False, allow_null=True)
    is_sla_covered = serializers.BooleanField(required=False, allow_null=True)
    is_planned_change = serializers.BooleanField(required=False, allow_null=True)
    is_recurring = serializers.BooleanField(required=False, allow_null=True)
    duplicate_of = Ref(Incident, "reference", required=False, allow_null=True)


class IntakeItemIn(IntakeAnswersIn):
    """A report; without a service it waits in the triage queue."""

    title = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=50_000)
    service = Ref(Service, "key", required=False, allow_null=True)
    team = Ref(Team, "key", required=False)


class QualificationOverrideIn(Input):
    """Another outcome than the table's, and why."""

    outcome = serializers.ChoiceField(choices=OutcomeChoice.choices)
    reason = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, help_text="Needed."
    )
    duplicate_of = Ref(Incident, "reference", required=False, allow_null=True)


class IntakeHandOverIn(Input):
    """The team that goes on."""

    team = Ref(Team, "key")
    reason = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class IntakeConvertIn(Input):
    """The level, where it becomes an incident."""

    level = serializers.ChoiceField(choices=Level.choices, required=False)


class QualificationDecisionOut(serializers.ModelSerializer[QualificationDecision]):
    """What the table said of the answers, and what was made of it."""

    version = serializers.IntegerField(
        source="version.number", read_only=True, allow_null=True, default=None
    )
    by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = QualificationDecision
        fields = read_only_fields = (
            *("version", "line", "findings", "answers", "tolerance_percent", "table_answer"),
            *("outcome", "reason", "by", "at"),
        )


class ItemFilters(django_filters.FilterSet):
    """By state, outcome, team and service."""

    state = django_filters.ChoiceFilter(choices=ItemState.choices)
    outcome = django_filters.MultipleChoiceFilter(choices=OutcomeChoice.choices)
    team = django_filters.CharFilter(field_name="team__key")
    service = django_filters.CharFilter(field_name="service__key")


class ItemViewSet(Creates, Histories, Resource[IntakeItem]):
    """Reports: taken in, qualified by the table, and turned into the right kind of record."""

    model = IntakeItem
    out = IntakeItemOut
    derived = True
    inputs = {"create": IntakeItemIn}
    filterset_class = ItemFilters
    lookup_value_regex = "[0-9]+"
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history", "decisions"), VIEW),
        **{name: name for name in ("qualify", "override", "hand_over", "convert")},
        "create": OPEN,
    }

    def shown(self, rows: QuerySet[IntakeItem]) -> QuerySet[IntakeItem]:
        """With everything that the answer names."""
        ends = ("conversion__incident", "conversion__work")
        return rows.select_related(
            "service", "team", "reported_by", "duplicate_of", "table_version", *ends
        )

    def perform_create(self, data: dict[str, Any], actor: User) -> IntakeItem:
        """On a service where the caller responds; without one, for everybody who responds."""
        container = data.get("service") or data.get("team")
        if container is not None:
            require(actor, "open_incident", container)
        elif not Options(actor).responds():
            raise NotAllowed("You don't respond for any team, so you can't take reports in.")
        return operations.report(actor=actor, **data)

    @listing(QualificationDecisionOut)
    def decisions(self, row: IntakeItem) -> QuerySet[QualificationDecision]:
        """Each decision with its answers, the row that matched, and why."""
        found: QuerySet[QualificationDecision] = row.decisions.select_related("version", "by")
        return found

    @verb(IntakeAnswersIn)
    def qualify(self, row: IntakeItem, data: dict[str, Any], actor: User) -> None:
        """Answer again, or more; the table decides anew."""
        operations.qualify(row, actor=actor, **data)

    @verb(QualificationOverrideIn)
    def override(self, row: IntakeItem, data: dict[str, Any], actor: User) -> None:
        """Decide otherwise than the table; needs a reason."""
        operations.override(row, actor=actor, **data)

    @verb(IntakeHandOverIn)
    def hand_over(self, row: IntakeItem, data: dict[str, Any], actor: User) -> None:
        """Give it to another team."""
        operations.hand_over(row, actor=actor, **data)

    @verb(IntakeConvertIn)
    def convert(self, row: IntakeItem, data: dict[str, Any], actor: User) -> None:
        """Turn it into what was decided, once."""
        row.conversion = operations.convert(row, actor=actor, **data)


class ConversionOut(serializers.ModelSerializer[Conversion]):
    """The work of an incident has moved."""

    incident = serializers.SlugRelatedField[Any](slug_field="reference", read_only=True)
    work = serializers.CharField(
        source="work.reference", read_only=True, allow_null=True, default=None
    )
    by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Conversion
        fields = read_only_fields = ("id", "incident", "outcome", "work", "reason", "by", "at")


class ConversionIn(Input):
    """An incident that was none, and what it is."""

    incident = Ref(Incident, "reference")
    outcome = serializers.ChoiceField(choices=[(kind, kind) for kind in WORK_KINDS])
    reason = serializers.CharField(max_length=2000)


class ConversionFilters(django_filters.FilterSet):
    """By incident and outcome."""

    incident = django_filters.CharFilter(field_name="incident__reference")
    outcome = django_filters.ChoiceFilter(choices=OutcomeChoice.choices)


class ConversionViewSet(Creates, Resource[Conversion]):
    """Conversions of incidents; each incident has at most one."""

    model = Conversion
    out = ConversionOut
    inputs = {"create": ConversionIn}
    filterset_class = ConversionFilters
    create_in = "incident"
    lookup_value_regex = "[0-9]+"
    action_permissions = {"list": VIEW, "retrieve": VIEW, "create": "convert"}

    def shown(self, rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
        """With its ends."""
        return rows.select_related("incident", "work", "by")

    def perform_create(self, data: dict[str, Any], actor: User) -> Conversion:
        """The incident is cancelled, and the work goes on in its new record."""
        incident = data.pop("incident")
        return operations.convert_incident(incident, actor=actor, **data)
