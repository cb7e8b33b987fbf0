"""`/api/v1/segregation-matrices/` and `/api/v1/duty-exceptions/`."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from config.access.rules import Role
from config.access.separation import acts
from config.apikit.serializers import Input, ReasonIn, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.duties import operations
from config.duties.models import (
    ActPair,
    DutyException,
    ExceptionState,
    RolePair,
    SegregationVersion,
)
from config.duties.rules import MATRIX_KEY, MATRIX_TITLE
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from config.organisation.models import Scope, User

PAIR_FIELDS = ("line", "first", "second", "note")


class RolePairOut(serializers.ModelSerializer[RolePair]):
    """Two roles that nobody may hold together."""

    class Meta:
        model = RolePair
        fields = read_only_fields = PAIR_FIELDS


class RolePairIn(Input):
    """Two roles. A `line` that is known keeps its identity across versions."""

    line = serializers.SlugField(max_length=40, required=False)
    first = serializers.ChoiceField(choices=Role.choices)
    second = serializers.ChoiceField(choices=Role.choices)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ActPairOut(serializers.ModelSerializer[ActPair]):
    """Two acts that one person may not both do to one record."""

    class Meta:
        model = ActPair
        fields = read_only_fields = PAIR_FIELDS


class ActPairIn(Input):
    """Two acts, by name."""

    line = serializers.SlugField(max_length=40, required=False)
    first = serializers.CharField(max_length=60)
    second = serializers.CharField(max_length=60)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Only acts that the product knows."""
        known = {act.name for act in acts()}
        for name in ("first", "second"):
            if name in attrs and attrs[name] not in known:
                text = f"There is no such act. Choose one of {', '.join(sorted(known))}."
                raise serializers.ValidationError({name: text})
        return attrs


class SegregationOut(VersionOut):
    """A version of the matrix."""

    role_pairs = RolePairOut(many=True, read_only=True)
    act_pairs = ActPairOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = SegregationVersion
        fields = (*VERSION_FIELDS, "role_pairs", "act_pairs")
        read_only_fields = fields


class SegregationIn(DraftIn):
    """A draft of the one matrix; it begins with what is in force."""

    key = serializers.ChoiceField(choices=[MATRIX_KEY], default=MATRIX_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=MATRIX_TITLE)
    role_pairs = serializers.ListField(child=RolePairIn(), required=False, max_length=200)
    act_pairs = serializers.ListField(child=ActPairIn(), required=False, max_length=200)


class SegregationViewSet(PolicyVersionViewSet[SegregationVersion]):
    """The segregation matrix: it holds for the whole enterprise."""

    model = SegregationVersion
    out = SegregationOut
    inputs = version_inputs(SegregationIn)


class DutyExceptionOut(serializers.ModelSerializer[DutyException]):
    """One person may hold two roles that are kept apart, for a time."""

    person = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    requested_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    decided_by = serializers.SlugRelatedField[Any](
        slug_field="username", read_only=True, allow_null=True
    )
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = DutyException
        fields = read_only_fields = (
            "id", "person", "first", "second", "starts_at", "until", "reason", "state",
            "requested_by", "decided_by", "decided_at", "decision_reason", "created_at", "version",
        )  # fmt: skip


class DutyExceptionIn(Input):
    """Who shall hold which two roles, until when, and why."""

    person = Ref(User, "username")
    first = serializers.ChoiceField(choices=Role.choices)
    second = serializers.ChoiceField(choices=Role.choices)
    starts_at = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField()
    reason = serializers.CharField(max_length=5000)


class DecisionIn(Input):
    """A word on the decision."""

    reason = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class DutyExceptionFilters(django_filters.FilterSet):
    """Which exceptions."""

    person = django_filters.CharFilter(field_name="person__username", label="User name.")
    state = django_filters.MultipleChoiceFilter(choices=ExceptionState.choices)


class DutyExceptionViewSet(Creates, Histories, Resource[DutyException]):
    """Dated exceptions from the matrix: asked for by administrators, decided by compliance."""

    model = DutyException
    out = DutyExceptionOut
    inputs = {"create": DutyExceptionIn}
    filterset_class = DutyExceptionFilters
    scope_write = Scope.ADMIN
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        "create": OPEN,  # the operation asks for the role, wherever it is held
        **{name: name for name in ("approve", "refuse", "end")},
    }

    def shown(self, rows: QuerySet[DutyException]) -> QuerySet[DutyException]:
        """With the names."""
        return rows.select_related("person", "requested_by", "decided_by")

    def perform_create(self, data: dict[str, Any], actor: User) -> DutyException:
        """Ask compliance."""
        return operations.request_exception(actor=actor, **data)

    @verb(DecisionIn)
    def approve(self, row: DutyException, data: dict[str, Any], actor: User) -> None:
        """Let it be, until its end."""
        operations.approve_exception(row, actor=actor, reason=data.get("reason", ""))

    @verb(ReasonIn)
    def refuse(self, row: DutyException, data: dict[str, Any], actor: User) -> None:
        """Say no, and why."""
        operations.refuse_exception(row, actor=actor, reason=data["reason"])

    @verb(ReasonIn)
    def end(self, row: DutyException, data: dict[str, Any], actor: User) -> None:
        """Take it back before its end."""
        operations.end_exception(row, actor=actor, reason=data["reason"])
