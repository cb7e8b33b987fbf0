"""Roles, the levels that they give on a container, and what a verb needs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import TextChoices

from config.apikit.codes import explain


class Level(TextChoices):
    """What one may do with the records of a container; the order is that of the power to act."""

    VIEW = "view", "View"
    RESPOND = "respond", "Respond"
    COMMAND = "command", "Command"
    MANAGE = "manage", "Manage"
    AUDIT = "audit", "Audit"

    @property
    def codename(self) -> str:
        """The codename of the guardian permission on containers."""
        return f"{self.value}_records"


class Role(TextChoices):
    """The roles of the product: each is a Django group of the same name."""

    ANALYST = "analyst", "Analyst"
    ENGINEER = "engineer", "Engineer"
    INCIDENT_COMMANDER = "incident_commander", "Incident commander"
    COMMUNICATIONS_LEAD = "communications_lead", "Communications lead"
    SERVICE_OWNER = "service_owner", "Service owner"
    CHANGE_MANAGER = "change_manager", "Change manager"
    DUTY_MANAGER = "duty_manager", "Duty manager"
    POLICY_AUTHOR = "policy_author", "Policy author"
    POLICY_APPROVER = "policy_approver", "Policy approver"
    LEGAL = "legal", "Legal"
    COMPLIANCE_OFFICER = "compliance_officer", "Compliance officer"
    PRIVACY_OFFICER = "privacy_officer", "Privacy officer"
    PR_OFFICER = "pr_officer", "PR officer"
    SECURITY_ANALYST = "security_analyst", "Security analyst"
    EXECUTIVE = "executive", "Executive"
    VENDOR_MANAGER = "vendor_manager", "Vendor manager"
    VENDOR_USER = "vendor_user", "Vendor user"
    POOL_MANAGER = "pool_manager", "Pool manager"
    TRAINING_MANAGER = "training_manager", "Training manager"
    REVIEW_FACILITATOR = "review_facilitator", "Review facilitator"
    ACCESS_REVIEWER = "access_reviewer", "Access reviewer"
    AUDITOR = "auditor", "Auditor"
    INTEGRATOR = "integrator", "Integrator"
    UNIT_ADMINISTRATOR = "unit_administrator", "Unit administrator"
    PLATFORM_ADMINISTRATOR = "platform_administrator", "Platform administrator"


def label_of(name: str) -> str:
    """A role, or a group of another name, in words."""
    return str(Role(name).label) if name in Role.values else name


_VIEW = frozenset({Level.VIEW})
_RESPOND = _VIEW | {Level.RESPOND}
_COMMAND = _RESPOND | {Level.COMMAND}
_MANAGE = _VIEW | {Level.MANAGE}

LEVELS: Mapping[str, frozenset[Level]] = {
    Role.ANALYST: _RESPOND,
    Role.ENGINEER: _RESPOND,
    Role.INCIDENT_COMMANDER: _COMMAND,
    Role.COMMUNICATIONS_LEAD: _RESPOND,
    Role.SERVICE_OWNER: _COMMAND | {Level.MANAGE},
    Role.CHANGE_MANAGER: _RESPOND,
    Role.DUTY_MANAGER: _COMMAND,
    Role.SECURITY_ANALYST: _RESPOND,
    Role.INTEGRATOR: _RESPOND,
    Role.REVIEW_FACILITATOR: _RESPOND,
    Role.UNIT_ADMINISTRATOR: _MANAGE,
    Role.PLATFORM_ADMINISTRATOR: _MANAGE,
    Role.AUDITOR: _VIEW | {Level.AUDIT},
    Role.VENDOR_USER: frozenset(),
}


def levels_of(role: str) -> frozenset[Level]:
    """The levels that a role gives; roles that only decide things can see what they decide on."""
    return LEVELS.get(role, _VIEW)


@dataclass(frozen=True)
class Need:
    """What a verb needs: a level on the record's container, one of some roles there, or owning it.

    `owner` names the attribute that holds the owner's id.
    """

    level: Level | None = None
    roles: frozenset[str] = frozenset()
    owner: str = ""


def level(name: Level) -> Need:
    """Anybody who has that level on the container."""
    return Need(level=name)


def roles(*names: str) -> Need:
    """Only holders of one of these roles on the container, or above it."""
    return Need(roles=frozenset(names))


def owner(attribute: str = "user_id", *also: str) -> Need:
    """The person whose record it is, or holders of one of these roles."""
    return Need(owner=attribute, roles=frozenset(also))


explain(
    role_self_grant=("Nobody gives a role to themselves", "Ask another administrator."),
    delegation_missing=(
        "You don't stand in for them",
        "Ask them, or an administrator, for a delegation; or act for yourself.",
        403,
    ),
    delegation_over=("The delegation is over already", "Nothing is left to do."),
    role_over=("The role is over already", "Give it anew, with a reason and an end."),
    role_revoked=("The role was taken back already", "Nothing is left to do."),
)
