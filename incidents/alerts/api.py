"""`/api/v1/alerts`, `ingest-sources` and `ingest-payloads`."""

from typing import Any

import django_filters
from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from config.access.visibility import Access
from config.apikit.serializers import Input, Ref
from config.apikit.views import VIEW, Creates, Edits, Histories, Resource, listing, verb
from config.organisation.models import Scope, Team, User
from incidents.alerts import operations
from incidents.alerts.adapters import address_of
from incidents.alerts.models import Adapter, Alert, IngestSource, PayloadState, RawPayload
from incidents.alerts.operations import LONGEST_OVERLAP, Issued
from incidents.alerts.rules import Status
from incidents.catalog.models import Service
from incidents.taxonomy.models import Level


class AlertOut(serializers.ModelSerializer[Alert]):
    """One alert, however often it has fired."""

    source = serializers.CharField(  # type: ignore[assignment]  # our field has the name of DRF's attribute
        source="source.name", read_only=True
    )
    service = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    team = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    incident = serializers.SlugRelatedField[Any](slug_field="reference", read_only=True)
    report = serializers.PrimaryKeyRelatedField[Any](
        read_only=True,
        allow_null=True,
        help_text="The report that it was taken in as, below /api/v1/intake-items/.",
    )

    class Meta:
        model = Alert
        fields = read_only_fields = (
            *("id", "source", "dedup_key", "fingerprint", "title", "description", "level"),
            *("service", "team", "state", "count", "first_seen_at", "last_seen_at", "starts_at"),
            *("ends_at", "resolve_pending_at", "incident", "report", "labels", "links"),
        )


class AlertFilters(django_filters.FilterSet):
    """By state, level, source, service and incident."""

    state = django_filters.ChoiceFilter(choices=Status.choices)
    level = django_filters.MultipleChoiceFilter(choices=Level.choices)
    source = django_filters.NumberFilter(field_name="source_id", min_value=1, max_value=2**31)
    service = django_filters.CharFilter(field_name="service__key")
    team = django_filters.CharFilter(field_name="team__key")
    incident = django_filters.CharFilter(field_name="incident__reference")
    dedup_key = django_filters.CharFilter()
    fingerprint = django_filters.CharFilter()

    class Meta:
        model = Alert
        fields: list[str] = []


class AlertViewSet(Resource[Alert]):
    """Alerts: read-only, as tools decide about them."""

    model = Alert
    out = AlertOut
    filterset_class = AlertFilters
    lookup_value_regex = "[0-9]{1,18}"
    action_permissions = {"list": VIEW, "retrieve": VIEW}

    def shown(self, rows: QuerySet[Alert]) -> QuerySet[Alert]:
        """With what it refers to."""
        return rows.select_related("source", "service", "team", "incident")


class PayloadOut(serializers.ModelSerializer[RawPayload]):
    """A body as it came in, secrets redacted, and what became of it.

    What nobody could read may be about anything: `body` and `error` are null but for those who may
    replay it.
    """

    source = serializers.CharField(  # type: ignore[assignment]  # our field has the name of DRF's attribute
        source="source.name", read_only=True
    )
    body = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = RawPayload
        fields = read_only_fields = (
            *("id", "source", "adapter", "kind", "received_at", "content_type", "body", "state"),
            *("attempts", "outcome", "error", "processed_at"),
        )

    def get_body(self, payload: RawPayload) -> str | None:
        """The text."""
        return payload.text if self._is_told(payload) else None

    def get_error(self, payload: RawPayload) -> str | None:
        """Why it can't be read: it may repeat a part of the body."""
        return payload.error if self._is_told(payload) else None

    def _is_told(self, payload: RawPayload) -> bool:
        context: Any = self.context
        if "access" not in context:  # read once for all rows of the answer
            context["access"] = Access(context["request"].user)
        return payload.is_told_to(context["access"])


class PayloadFilters(django_filters.FilterSet):
    """By source and state."""

    source = django_filters.NumberFilter(field_name="source_id", min_value=1, max_value=2**31)
    state = django_filters.MultipleChoiceFilter(choices=PayloadState.choices)

    class Meta:
        model = RawPayload
        fields: list[str] = []


class ReplayIn(Input):
    """Why it is read again."""

    reason = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class PayloadViewSet(Resource[RawPayload]):
    """The inbox; `state=quarantined` lists what nobody could read."""

    model = RawPayload
    out = PayloadOut
    filterset_class = PayloadFilters
    lookup_value_regex = "[0-9]{1,18}"
    action_permissions = {"list": VIEW, "retrieve": VIEW, "replay": "replay"}

    def shown(self, rows: QuerySet[RawPayload]) -> QuerySet[RawPayload]:
        """With the source."""
        return rows.select_related("source")

    @verb(ReplayIn)
    def replay(self, row: RawPayload, data: dict[str, Any], actor: User) -> RawPayload:
        """Read a quarantined payload once more."""
        return operations.replay(row, actor=actor, reason=data["reason"])


class SourceOut(serializers.ModelSerializer[IngestSource]):
    """A source, without its token."""

    team = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    service = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    account = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = IngestSource
        fields = read_only_fields = (
            *("id", "name", "adapter", "team", "service", "account", "is_active"),
            *("rate_per_minute", "hint", "previous_until", "created_at", "version"),
        )


class IssuedSourceOut(SourceOut):
    """A source with its new token and the address to send to: shown this once."""

    token = serializers.CharField(source="issued_token", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta(SourceOut.Meta):
        fields = read_only_fields = (*SourceOut.Meta.fields, "token", "url")  # type: ignore[assignment]  # longer than its parent's

    def get_url(self, source: Any) -> str:
        """Where the tool sends."""
        return address_of(source.adapter, settings.BASE_URL, source.issued_token)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Prometheus",
            {"name": "Prometheus, Europe", "adapter": "alertmanager", "team": "payments"},
        )
    ]
)
class SourceIn(Input):
    """A new source."""

    name = serializers.CharField(max_length=100)
    adapter = serializers.ChoiceField(choices=Adapter.choices)
    team = Ref(Team, "key")
    service = Ref(Service, "key", required=False, allow_null=True)
    rate_per_minute = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True
    )


class SourceEditIn(Input):
    """What can be changed, with a reason for the history."""

    name = serializers.CharField(max_length=100)
    service = Ref(Service, "key", required=False, allow_null=True)
    rate_per_minute = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True
    )
    is_active = serializers.BooleanField()
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class RotateIn(Input):
    """How long the present token stays valid beside the new one."""

    hours = serializers.IntegerField(min_value=0, max_value=LONGEST_OVERLAP, default=24)
    reason = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class TestIn(Input):
    """Nothing is needed."""


class SourceFilters(django_filters.FilterSet):
    """By adapter, team and switch."""

    adapter = django_filters.ChoiceFilter(choices=Adapter.choices)
    team = django_filters.CharFilter(field_name="team__key")
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = IngestSource
        fields: list[str] = []


class SourceViewSet(Creates, Edits, Histories, Resource[IngestSource]):
    """Sources of alerts. The token is in the answer to POST and to `rotate`, and nowhere else."""

    model = IngestSource
    out = SourceOut
    outputs = {"create": IssuedSourceOut}
    inputs = {"create": SourceIn, "partial_update": SourceEditIn}
    filterset_class = SourceFilters
    lookup_value_regex = "[0-9]{1,18}"
    create_in = "team"
    scope_write = Scope.ADMIN
    history_hides = ("token_digest", "previous_digest")
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        "create": "add_ingest_source",
        "partial_update": "change",
        "rotate": "rotate",
        "test": "test",
        "alerts": VIEW,
    }

    def shown(self, rows: QuerySet[IngestSource]) -> QuerySet[IngestSource]:
        """With what it refers to."""
        return rows.select_related("team", "service", "account")

    def perform_create(self, data: dict[str, Any], actor: User) -> IngestSource:
        """Make the source and its token."""
        return _shown_once(operations.create_source(actor=actor, **data))

    def perform_edit(self, row: IngestSource, data: dict[str, Any], actor: User) -> IngestSource:
        """The version was compared already."""
        reason = data.pop("reason", "")
        return operations.edit_source(row, actor=actor, changes=data, reason=reason)

    @verb(RotateIn, answer=IssuedSourceOut)
    def rotate(self, row: IngestSource, data: dict[str, Any], actor: User) -> IngestSource:
        """Give the source another token."""
        return _shown_once(operations.rotate(row, actor=actor, **data))

    @verb(TestIn, answer=PayloadOut, status=202)
    def test(self, row: IngestSource, data: dict[str, Any], actor: User) -> RawPayload:
        """Send a test alert and its end the way of real ones; follow the payload by its id."""
        return operations.send_test(row, actor=actor)

    @listing(AlertOut)
    def alerts(self, row: IngestSource) -> QuerySet[Alert]:
        """What the source has sent, as far as the caller may see it."""
        user: Any = self.request.user
        rows = Alert.objects.visible_to(user).filter(source=row)
        return rows.select_related("source", "service", "team", "incident")


def _shown_once(issued: Issued) -> IngestSource:
    issued.source.issued_token = issued.token  # type: ignore[attr-defined]  # never stored
    return issued.source
