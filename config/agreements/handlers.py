"""Where agreements are asked: what binds a version, and when an agreement itself may go."""

from config import clock
from config.agreements import operations
from config.agreements.models import AgreementVersion, service_named
from config.errors import Blocker
from config.events.operations import guard, provides
from config.governance.models import PolicyVersion
from config.governance.signing import Bond


@provides("policy.bound_by")
def bound_by(version: PolicyVersion) -> list[Bond]:
    """The signed agreements that bind the version."""
    return operations.bonds_of(version)


@guard(f"policy.activate:{AgreementVersion.policy_kind}")
def service_is_known(version: AgreementVersion) -> list[Blocker]:
    """It may have gone since the draft was written."""
    if not version.service or service_named(version.service) is not None:
        return []
    text = f"There is no service '{version.service}' any more."
    return [Blocker("agreement_service_unknown", text)]


@guard(f"policy.retire:{AgreementVersion.policy_kind}")
def signed_agreements_end_by_a_version(version: AgreementVersion) -> list[Blocker]:
    """Otherwise one person alone could free what it binds."""
    today = clock.now().date()
    if version.signed_on is None or (version.ends_on is not None and version.ends_on < today):
        return []
    text = "Name its last day in a new draft instead; that version follows this one."
    return [Blocker("agreement_needed", text)]
