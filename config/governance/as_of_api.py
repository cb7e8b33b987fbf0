"""`/api/v1/policies/in-force/`: what held at an instant."""

import datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config import clock
from config.apikit.pagination import ParameterInvalid
from config.governance.as_of import MISREAD, held_at
from config.governance.rules import moment_of
from config.organisation.models import BusinessUnit


class HeldOut(serializers.Serializer[Any]):
    """A version that was in force."""

    kind = serializers.CharField(source="version.policy.kind", read_only=True)
    key = serializers.CharField(source="version.policy.key", read_only=True)
    title = serializers.CharField(source="version.policy.title", read_only=True)
    unit = serializers.CharField(
        source="version.policy.unit.key", read_only=True, allow_null=True, default=None,
        help_text="Whose version it is; null: the enterprise's.",
    )  # fmt: skip
    policy = serializers.IntegerField(source="version.policy_id", read_only=True)
    version = serializers.IntegerField(source="version.pk", read_only=True)
    number = serializers.IntegerField(source="version.number", read_only=True)
    author = serializers.CharField(source="version.author.username", read_only=True)
    in_force_from = serializers.DateTimeField(source="version.in_force.lower", read_only=True)
    in_force_until = serializers.DateTimeField(
        source="version.in_force.upper", read_only=True, allow_null=True
    )
    link = serializers.CharField(read_only=True, help_text="Its page.")


class InForceOut(serializers.Serializer[Any]):
    """What held, and when that was."""

    at = serializers.DateTimeField(read_only=True)
    unit = serializers.CharField(read_only=True, allow_null=True)
    results = HeldOut(many=True, read_only=True)


class InForceView(APIView):
    """Of every policy of every kind the version in force, as decisions of that time read it."""

    permission_classes = [IsAuthenticated]
    http_method_names = ["get", "head"]

    @extend_schema(
        parameters=[
            OpenApiParameter("at", str, description="A time, as ISO 8601; without it now."),
            OpenApiParameter("unit", str, description="Key of a unit; without it the enterprise."),
        ],
        responses=InForceOut,
        operation_id="policies_in_force_list",
        tags=["policies"],
    )
    def get(self, request: Request) -> Response:
        """As far as the caller may see."""
        reader: Any = request.user
        at, unit = _moment(request), _unit(request)
        found = {
            "at": at,
            "unit": None if unit is None else unit.key,
            "results": held_at(reader, at, unit),
        }
        return Response(InForceOut(found).data)


def _moment(request: Request) -> datetime.datetime:
    given = request.query_params.get("at")
    moment = clock.now() if given is None else moment_of(given)
    if moment is None:
        raise ParameterInvalid("at", MISREAD)
    return moment


def _unit(request: Request) -> BusinessUnit | None:
    key = request.query_params.get("unit")
    if key is None:
        return None
    units: Any = BusinessUnit.objects
    unit: BusinessUnit | None = (
        None if "\0" in key else units.visible_to(request.user).filter(key=key).first()
    )
    if unit is None:
        raise ParameterInvalid("unit", f"There is no unit '{key}' that you may see.")
    return unit
