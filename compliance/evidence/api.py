"""Audit requests and exports for integrators and auditors."""

from typing import Any, cast

import django_filters
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from compliance.evidence import operations
from compliance.evidence.models import AuditRequest, Export, ExportState, RequestState
from config.apikit.serializers import Input, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.organisation.models import BusinessUnit, Scope, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident


class AuditRequestOut(serializers.ModelSerializer[AuditRequest]):
    """A request and what was decided."""

    version = serializers.IntegerField(source="revision", read_only=True)
    unit = serializers.SlugRelatedField[BusinessUnit](slug_field="key", read_only=True)
    service = serializers.SlugRelatedField[Service](slug_field="key", read_only=True)
    incident = serializers.SlugRelatedField[Incident](slug_field="reference", read_only=True)
    requested_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    decided_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = AuditRequest
        fields = read_only_fields = (
            "id", "title", "period_from", "period_until", "unit", "service", "incident", "reason",
            "legal_basis", "state", "requested_by", "requested_at", "decided_by", "decided_at",
            "decision_reason", "version",
        )  # fmt: skip


class AuditRequestIn(Input):
    """What is asked for; narrow it to a unit, a service or an incident, or to none."""

    title = serializers.CharField(max_length=200)
    period_from = serializers.DateTimeField()
    period_until = serializers.DateTimeField()
    unit = Ref(BusinessUnit, required=False)
    service = Ref(Service, required=False)
    incident = Ref(Incident, "reference", required=False)
    reason = serializers.CharField()
    legal_basis = serializers.CharField(max_length=200, required=False, default="")


class ApproveIn(Input):
    """A word on the approval."""

    reason = serializers.CharField(required=False, default="", allow_blank=True)


class RefuseIn(Input):
    """Why it is refused."""

    reason = serializers.CharField()


class ExportOut(serializers.ModelSerializer[Export]):
    """An export and how far it has come."""

    version = serializers.IntegerField(source="revision", read_only=True)
    request = serializers.PrimaryKeyRelatedField[AuditRequest](read_only=True)
    ordered_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    percent = serializers.IntegerField(source="progress.percent", read_only=True, default=0)

    class Meta:
        model = Export
        fields = read_only_fields = (
            "id", "request", "state", "percent", "ordered_by", "ordered_at", "finished_at",
            "sha256", "size", "rows", "error", "version",
        )  # fmt: skip


class ExportIn(Input):
    """Which approved request is to be exported."""

    request = Ref(AuditRequest, "id")


class AuditRequestFilters(django_filters.FilterSet):
    """Filters of the list."""

    state = django_filters.MultipleChoiceFilter(choices=RequestState.choices)
    requested_by = django_filters.CharFilter(field_name="requested_by__username")

    class Meta:
        model = AuditRequest
        fields: list[str] = []


class ExportFilters(django_filters.FilterSet):
    """Filters of the list."""

    state = django_filters.MultipleChoiceFilter(choices=ExportState.choices)
    request = django_filters.NumberFilter(field_name="request_id")

    class Meta:
        model = Export
        fields: list[str] = []


class AuditRequestViewSet(Creates, Histories, Resource[AuditRequest]):
    """Ask for evidence; compliance approves or refuses."""

    model = AuditRequest
    out = AuditRequestOut
    inputs = {"create": AuditRequestIn}
    filterset_class = AuditRequestFilters
    scope_write = Scope.REPORT_EXPORT
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW, "create": OPEN,
        "approve": "approve", "refuse": "refuse",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With all that it names."""
        return rows.select_related("unit", "service", "incident", "requested_by", "decided_by")

    def perform_create(self, data: dict[str, Any], actor: User) -> AuditRequest:
        """The operation asks whether the caller may."""
        return operations.request_audit(actor=actor, **data)

    @verb(ApproveIn)
    def approve(self, row: AuditRequest, data: dict[str, Any], actor: User) -> None:
        """Allow the export of exactly this scope."""
        operations.approve_request(row, actor=actor, reason=data["reason"])

    @verb(RefuseIn)
    def refuse(self, row: AuditRequest, data: dict[str, Any], actor: User) -> None:
        """Refuse, with a reason."""
        operations.refuse_request(row, actor=actor, reason=data["reason"])


class ExportViewSet(Creates, Histories, Resource[Export]):
    """Make an evidence pack of an approved request, watch it, download it."""

    model = Export
    out = ExportOut
    inputs = {"create": ExportIn}
    filterset_class = ExportFilters
    create_in = "request"
    scope_write = Scope.REPORT_EXPORT
    derived = True
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW, "create": "export", "download": "download",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With request and progress."""
        return rows.select_related("request", "ordered_by", "progress")

    def perform_create(self, data: dict[str, Any], actor: User) -> Export:
        """Order it."""
        return operations.order_export(data["request"], actor=actor)

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"], filter_backends=[])
    def download(self, request: Request, *args: Any, **kwargs: Any) -> FileResponse:
        """The pack; who takes it is recorded."""
        export = self.get_object()
        path = operations.note_download(export, actor=cast("User", request.user))
        return FileResponse(path.open("rb"), as_attachment=True, filename=export.file_name)
