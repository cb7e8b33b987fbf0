"""Where the matrix is asked: when roles are given, when teams grow, and inside operations."""

from django.db import models

from config.access.models import Delegation, RoleAssignment
from config.access.operations import holders
from config.access.separation import register_act
from config.duties import operations
from config.duties.models import SegregationVersion
from config.duties.operations import Held, conflicts_with, roles_of
from config.errors import Blocker
from config.events.operations import guard, provides
from config.governance.in_force import active
from config.organisation.models import Membership, User

register_act("exception.request", "Ask for an exception", "duties.exception_requested")
register_act(
    "exception.decide",
    "Decide about an exception",
    "duties.exception_approved",
    "duties.exception_refused",
)


@provides("duties.conflict")
def conflict(act: str, record: models.Model, actor: User) -> str | None:
    """Why the actor can't do this to the record, or None."""
    return operations.conflict_of(act, record, actor)


@guard("role.grant")
def no_forbidden_pair(assignment: RoleAssignment) -> list[Blocker]:
    """Whom the role would make hold two that are kept apart."""
    wanted = Held(assignment.role.name, assignment.starts_at, assignment.until)
    return [
        found
        for person in holders(assignment)
        for found in conflicts_with(person, wanted, roles_of(person, apart=assignment))
    ]


@guard("team.add_member")
def no_pair_through_a_team(membership: Membership) -> list[Blocker]:
    """Who joins gets the team's roles beside their own."""
    person = membership.user
    of_team = RoleAssignment.objects.filter(team=membership.team, revoked_at__isnull=True)
    own = roles_of(person)
    return [
        found
        for row in of_team.select_related("role")
        for found in conflicts_with(person, Held(row.role.name, row.starts_at, row.until), own)
    ]


@guard("delegation.give")
def no_pair_through_a_delegation(delegation: Delegation) -> list[Blocker]:
    """Who stands in for somebody acts in that one's roles beside their own."""
    own = roles_of(delegation.delegate)
    return [
        found
        for held in roles_of(delegation.principal)
        for found in conflicts_with(
            delegation.delegate, Held(held.role, delegation.starts_at, delegation.until), own
        )
    ]


@guard(f"policy.retire:{SegregationVersion.policy_kind}")
def matrix_is_needed(version: SegregationVersion) -> list[Blocker]:
    """Without a version in force nothing would be kept apart."""
    if active(SegregationVersion.policy_kind, version.policy.key) != version:
        return []
    return [Blocker("matrix_needed", "Activate another version instead; it follows this one.")]
