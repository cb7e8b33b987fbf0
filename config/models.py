"""All models of the platform, collected for Django."""

from config.access.models import Delegation, RoleAssignment
from config.agreements.models import AgreementVersion, Definition
from config.apikit.models import IdempotentRequest
from config.approvals.models import ApprovalDemand, ApprovalMatrixVersion
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
from config.breakglass.models import BreakGlass
from config.due.models import (
    Attempt,
    Counter,
    Installation,
    OutboundMessage,
    Timer,
    WorkerHeartbeat,
)
from config.duties.models import ActPair, DutyException, RolePair, SegregationVersion
from config.events.models import Event, EventDelivery, RestrictedRead
from config.federation.models import FreedomVersion, OperatingModelVersion
from config.governance.models import (
    Approval,
    BackTest,
    ChangeReference,
    Comment,
    Policy,
    PolicyVersion,
    SettingVersion,
    SignOff,
)
from config.organisation.models import ApiToken, ApiTokenUse, BusinessUnit, Membership, Team, User
from config.workspace.models import Preferences, SavedView

__all__ = [
    "ActPair",
    "AgreementVersion",
    "ApiToken",
    "ApiTokenUse",
    "Approval",
    "ApprovalDemand",
    "ApprovalMatrixVersion",
    "Attempt",
    "BackTest",
    "BreakGlass",
    "BusinessUnit",
    "ChangeReference",
    "Checkpoint",
    "ColumnSet",
    "Comment",
    "Counter",
    "Definition",
    "Delegation",
    "DutyException",
    "Event",
    "EventDelivery",
    "FreedomVersion",
    "GrantChange",
    "IdempotentRequest",
    "Installation",
    "Leaf",
    "LedgerEntry",
    "LogOrigin",
    "Membership",
    "OperatingModelVersion",
    "OutboundMessage",
    "Policy",
    "PolicyVersion",
    "Preferences",
    "PurgeBatch",
    "RestrictedRead",
    "RoleAssignment",
    "RolePair",
    "Salt",
    "SavedView",
    "SegregationVersion",
    "SettingVersion",
    "SignOff",
    "SigningKey",
    "Team",
    "Timer",
    "Tombstone",
    "Unsealed",
    "User",
    "WorkerHeartbeat",
]
