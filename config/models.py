"""All models of the platform, collected for Django."""

from config.access.models import RoleAssignment
from config.apikit.models import IdempotentRequest
from config.audit.models import (
    Checkpoint,
    ColumnSet,
    GrantChange,
    Leaf,
    LedgerEntry,
    LogOrigin,
    PurgeBatch,
    Salt,
    SigningKey,
    Tombstone,
    Unsealed,
)
from config.due.models import (
    Attempt,
    Counter,
    Installation,
    OutboundMessage,
    Timer,
    WorkerHeartbeat,
)
from config.events.models import Event, EventDelivery, RestrictedRead
from config.governance.models import Approval, Policy, PolicyVersion, SettingVersion
from config.organisation.models import ApiToken, ApiTokenUse, BusinessUnit, Membership, Team, User

__all__ = [
    "ApiToken",
    "ApiTokenUse",
    "Approval",
    "Attempt",
    "BusinessUnit",
    "Checkpoint",
    "ColumnSet",
    "Counter",
    "Event",
    "EventDelivery",
    "GrantChange",
    "IdempotentRequest",
    "Installation",
    "Leaf",
    "LedgerEntry",
    "LogOrigin",
    "Membership",
    "OutboundMessage",
    "Policy",
    "PolicyVersion",
    "PurgeBatch",
    "RestrictedRead",
    "RoleAssignment",
    "Salt",
    "SettingVersion",
    "SigningKey",
    "Team",
    "Timer",
    "Tombstone",
    "Unsealed",
    "User",
    "WorkerHeartbeat",
]
