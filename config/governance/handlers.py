"""What every process must know of governance: settings, triggers, timers, rights and guards."""

from config.access.rules import Role
from config.access.separation import register_act
from config.access.visibility import register_verbs
from config.errors import Blocker, Invalid
from config.events.models import Event
from config.events.operations import guard, within
from config.governance import activation, registry, setup, shipped, signing, triggers
from config.governance.content import version_models
from config.governance.freedom import beyond_freedom
from config.governance.in_force import setting
from config.governance.models import PolicyVersion, SettingVersion, VersionState
from config.governance.rules import VERBS

__all__ = ["activation", "shipped", "triggers"]

for _model in version_models():
    register_verbs(_model, VERBS)
register_verbs(PolicyVersion, VERBS)


register_act(
    "policy.write", "Write a policy", "policy.drafted", "policy.draft_saved", "policy.submitted"
)
register_act("policy.approve", "Approve a policy", "policy.approved", "policy.approval_recorded")
register_act("policy.sign_off", "Sign off a policy for an agreement", "policy.signed_off")


@within("role.granted")
def end_setup_mode(event: Event) -> None:
    """The second approver ends set-up mode at once."""
    if event.data["role"] == Role.POLICY_APPROVER:
        setup.note_end(event.actor)


@guard("policy.activate")
def unit_keeps_to_its_freedom(version: PolicyVersion) -> list[Blocker]:
    """The enterprise's version may have changed since the unit's draft was written."""
    return beyond_freedom(version)


@guard("policy.activate")
def bound_versions_are_signed(version: PolicyVersion) -> list[Blocker]:
    """Whichever way it comes into force, an emergency included: an agreement is a contract."""
    return signing.missing(version)


@guard(f"policy.activate:{SettingVersion.policy_kind}")
def setting_keeps_the_bounds(version: SettingVersion) -> list[Blocker]:
    """A unit only does what the enterprise's value allows, whichever of the two comes later."""
    known = registry.find(version.policy.key)
    if known is None:
        return [Blocker("setting_unknown", f"There is no setting '{version.policy.key}' any more.")]
    if version.policy.unit_id:
        return _checked(known, version.value, setting(known.key), "")
    units = SettingVersion.objects.filter(
        policy__key=known.key, policy__unit__isnull=False, state=VersionState.ACTIVE
    ).select_related("policy__unit")
    return [
        blocker
        for each in units
        for blocker in _checked(known, each.value, version.value, f"{each.policy.unit}: ")
    ]


def _checked(known: registry.Setting, value: object, enterprise: object, who: str) -> list[Blocker]:
    try:
        known.check_unit_value(value, enterprise)
    except Invalid as error:
        return [Blocker("setting_not_tighter", f"{who}{error.detail}")]
    return []
