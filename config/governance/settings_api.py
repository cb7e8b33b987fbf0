"""`/api/v1/settings/`: what holds now, and the life of each change."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from config.apikit.pagination import ParameterInvalid
from config.apikit.serializers import Input
from config.governance import operations, registry
from config.governance.api import VERSION_FIELDS, DraftIn, PolicyVersionViewSet, VersionOut
from config.governance.in_force import settings_in_force
from config.governance.models import Policy, SettingVersion
from config.organisation.models import BusinessUnit, User

_ROWS = {"state", "key", "updated_since", "cursor"}


class SettingOut(VersionOut):
    """A version of a setting; without an `id` it is the shipped default, that nobody has seeded."""

    id = serializers.IntegerField(read_only=True, allow_null=True)
    value = serializers.JSONField(read_only=True)
    default = serializers.SerializerMethodField(method_name="default_of")
    help = serializers.SerializerMethodField()
    origin = serializers.SerializerMethodField(help_text="Where the default comes from.")
    unit_may = serializers.SerializerMethodField(help_text="tighten, free or locked")
    shown = serializers.SerializerMethodField(help_text="The value as people read it.")

    class Meta(VersionOut.Meta):
        model = SettingVersion
        fields = (
            *VERSION_FIELDS, "value", "shown", "default", "help", "origin", "unit_may",
        )  # fmt: skip
        read_only_fields = fields

    def get_allowed(self, version: Any) -> list[str]:
        """Nothing before there is a version."""
        return super().get_allowed(version) if version.pk else []

    def default_of(self, version: SettingVersion) -> Any:
        """As shipped."""
        known = registry.find(version.policy.key)
        return known.default if known else None

    def get_help(self, version: SettingVersion) -> str:
        """What it decides."""
        known = registry.find(version.policy.key)
        return known.help if known else "The product doesn't read this setting any more."

    def get_origin(self, version: SettingVersion) -> str:
        """The bullet that names the default."""
        known = registry.find(version.policy.key)
        return known.origin if known else ""

    def get_unit_may(self, version: SettingVersion) -> str:
        """What units may do with it."""
        known = registry.find(version.policy.key)
        return known.unit_may if known else registry.UnitMay.LOCKED

    def get_shown(self, version: SettingVersion) -> str:
        """In words."""
        known = registry.find(version.policy.key)
        return known.show(version.value) if known else str(version.value)


class SettingIn(DraftIn):
    """A draft of a setting's value."""

    key = serializers.CharField(max_length=100)  # type: ignore[assignment]  # keys have dots
    value = serializers.JSONField()

    def validate_key(self, key: str) -> str:
        """Only what the product reads."""
        if registry.find(key) is None:
            raise ValidationError(f"There is no setting '{key}'. See the list.")
        return key


class SettingEditIn(Input):
    """Another value, another reason."""

    value = serializers.JSONField(required=False)
    change_reason = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class SettingViewSet(PolicyVersionViewSet[SettingVersion]):
    """Settings: the list shows what holds; with `?state=` or `?key=` it shows versions."""

    model = SettingVersion
    out = SettingOut
    inputs = {"create": SettingIn, "partial_update": SettingEditIn}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What holds now for the enterprise, or for a unit; or the versions of a state or key."""
        if _ROWS & set(request.query_params):
            return super().list(request, *args, **kwargs)
        unit = self._unit(request)
        found = settings_in_force(unit)
        rows = [found.get(each.key) or _as_shipped(each) for each in registry.all_settings()]
        results = self.get_serializer(rows, many=True).data
        return Response({"next": None, "previous": None, "results": results})

    def _unit(self, request: Request) -> BusinessUnit | None:
        for name in request.query_params:
            if name not in {"unit", "page_size"}:
                raise ParameterInvalid(name, f"There is no parameter '{name}' here.",
                                       "unknown_parameter")  # fmt: skip
        key = request.query_params.get("unit")
        if key is None:
            return None
        units: Any = BusinessUnit.objects
        unit: BusinessUnit | None = units.visible_to(request.user).filter(key=key).first()
        if unit is None:
            raise ParameterInvalid("unit", f"There is no unit '{key}' that you may see.")
        return unit

    def perform_create(self, data: dict[str, Any], actor: User) -> SettingVersion:
        """A draft under the setting's own title."""
        return operations.propose(
            SettingVersion,
            data["key"],
            actor=actor,
            unit=data.get("unit"),
            title=registry.registered(data["key"]).title,
            values={"value": data["value"]},
            reason=data.get("change_reason", ""),
        )


def _as_shipped(setting: registry.Setting) -> SettingVersion:
    """A row that isn't stored: the default, in the shape of a version."""
    policy = Policy(kind=SettingVersion.policy_kind, key=setting.key, title=setting.title)
    return SettingVersion(
        policy=policy, number=0, value=setting.default, author=User.objects.system()
    )
