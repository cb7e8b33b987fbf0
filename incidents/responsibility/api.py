"""`/api/v1/raci-matrices/` and `/api/v1/tool-functions/`; the shapes of a resolved matrix."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from config.access.operations import enterprise
from config.access.rules import Role
from config.apikit.serializers import Input, Ref
from config.apikit.views import VIEW, Creates, Edits, Histories, Resource
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from config.organisation.models import BusinessUnit, Team, User
from incidents.responsibility import operations
from incidents.responsibility.models import RaciAssignment, RaciVersion, ToolFunction
from incidents.responsibility.operations import MATRIX_KEY, MATRIX_TITLE, Resolved
from incidents.responsibility.rules import Activity, Function, Letter, Party


class AssignmentOut(serializers.ModelSerializer[RaciAssignment]):
    """One letter of one party."""

    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True, allow_null=True)

    class Meta:
        model = RaciAssignment
        fields = read_only_fields = ("line", "activity", "letter", "party", "role", "team")


class AssignmentIn(Input):
    """One letter of one party; `line` names it across versions."""

    line = serializers.SlugField(max_length=40, required=False)
    activity = serializers.ChoiceField(choices=Activity.choices)
    letter = serializers.ChoiceField(choices=Letter.choices)
    party = serializers.ChoiceField(choices=Party.choices)
    role = serializers.ChoiceField(choices=Role.choices, required=False, allow_blank=True)
    team = Ref(Team, "key", required=False, allow_null=True)


class RaciOut(VersionOut):
    """A version of the matrix."""

    assignments = AssignmentOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = RaciVersion
        fields = (*VERSION_FIELDS, "assignments")
        read_only_fields = fields


class RaciIn(DraftIn):
    """A draft of the enterprise's matrix or of a unit's own; it begins with what is in force."""

    key = serializers.ChoiceField(choices=[MATRIX_KEY], default=MATRIX_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=MATRIX_TITLE)
    assignments = AssignmentIn(many=True, required=False)


class RaciViewSet(PolicyVersionViewSet[RaciVersion]):
    """The RACI matrix."""

    model = RaciVersion
    out = RaciOut
    inputs = version_inputs(RaciIn)


class ResolvedOut(serializers.Serializer[Any]):
    """One row of the matrix for one incident, with the teams and people that it means."""

    activity = serializers.CharField(read_only=True)
    letter = serializers.CharField(read_only=True)
    party = serializers.CharField(read_only=True)
    teams = serializers.SerializerMethodField()
    people = serializers.SerializerMethodField()

    def get_teams(self, row: Resolved) -> list[str]:
        """By key."""
        return [team.key for team in row.teams]

    def get_people(self, row: Resolved) -> list[str]:
        """By user name."""
        return [person.username for person in row.people]


class ResolvedRaciOut(serializers.Serializer[Any]):
    """The matrix in force, resolved for an incident's service and unit."""

    matrix = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="The version, below /api/v1/raci-matrices/."
    )
    assignments = ResolvedOut(many=True, read_only=True)


class ToolFunctionOut(serializers.ModelSerializer[ToolFunction]):
    """Which team holds a function."""

    unit = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = ToolFunction
        fields = read_only_fields = ("id", "function", "unit", "team", "version")


class ToolFunctionIn(Input):
    """A function, for a unit or, without one, for the enterprise, and the team that holds it."""

    function = serializers.ChoiceField(choices=Function.choices)
    unit = Ref(BusinessUnit, required=False, allow_null=True)
    team = Ref(Team, "key")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class ToolFunctionEditIn(Input):
    """The team that holds it from now on."""

    team = Ref(Team, "key")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class ToolFunctionFilters(django_filters.FilterSet):
    """By function, unit and team."""

    function = django_filters.MultipleChoiceFilter(choices=Function.choices)
    unit = django_filters.CharFilter(field_name="unit__key")
    team = django_filters.CharFilter(field_name="team__key")

    class Meta:
        model = ToolFunction
        fields: list[str] = []


class ToolFunctionViewSet(Creates, Edits, Histories, Resource[ToolFunction]):
    """Who holds which function of the tools."""

    model = ToolFunction
    out = ToolFunctionOut
    lookup_value_regex = "[0-9]+"
    inputs = {"create": ToolFunctionIn, "partial_update": ToolFunctionEditIn}
    filterset_class = ToolFunctionFilters
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        "create": "assign_function",
        "partial_update": "edit",
    }

    def shown(self, rows: QuerySet[ToolFunction]) -> QuerySet[ToolFunction]:
        """With unit and team."""
        return rows.select_related("unit", "team")

    def container_for(self, data: Any) -> BusinessUnit:
        """The unit, or the enterprise."""
        return data.get("unit") or enterprise()

    def perform_create(self, data: dict[str, Any], actor: User) -> ToolFunction:
        """Let the team hold it."""
        return operations.assign_function(actor=actor, **data)

    def perform_edit(self, row: ToolFunction, data: dict[str, Any], actor: User) -> ToolFunction:
        """The version was compared already."""
        reason = data.pop("reason", "")
        return operations.edit_function(row, actor=actor, changes=data, reason=reason)
