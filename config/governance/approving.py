"""Who must approve a version, who has, and what is still missing.

How many people of which roles is said by the approval matrix, which answers from above
(`policy.demands`); without an answer one approver does. It is asked at each approval: the matrix
in force at that moment decides, and the approval keeps its version. What was approved before the
last submission, or of other content, counts no more.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from config.access.rules import Role
from config.access.visibility import Access, access_for
from config.errors import FourEyes, NotAllowed, Refused
from config.events.operations import ask
from config.governance.models import Approval, Decision, PolicyVersion, VersionState
from config.governance.rules import UNDER_RULES, Demand, Demands, Lacking, lacking
from config.organisation.models import User

UNDECIDED = (VersionState.DRAFT, VersionState.IN_REVIEW)


@dataclass(frozen=True)
class Standing:
    """What is demanded of a version, by which matrix, and which approvals are there."""

    demand: Demand
    matrix: int | None
    given: Sequence[Approval]

    @property
    def lacking(self) -> Lacking:
        """What is missing now; under a matrix that has become looser the next one decides."""
        return lacking(self.demand, (row.roles for row in self.given)) or Lacking(1, ())

    def after(self, roles: Collection[str]) -> Lacking:
        """What is missing once somebody who holds these roles has approved as well."""
        return lacking(self.demand, [*(row.roles for row in self.given), roles])


def demands() -> Demands:
    """What the matrix in force demands for each kind."""
    found: Demands = ask("policy.demands", default=Demands())
    return found


def standing_of(version: PolicyVersion) -> Standing:
    """Where it stands now."""
    return _standing(version, demands(), approvals_that_count([version]).get(version.pk, ()))


def pending(version: PolicyVersion) -> Standing | None:
    """Where it stands while it is drafted and reviewed; None once it is decided."""
    return standing_of(version) if version.state in UNDECIDED else None


def _standing(version: PolicyVersion, found: Demands, given: Sequence[Approval]) -> Standing:
    return Standing(found.of(version.policy.kind), found.matrix, given)


def approvals_that_count(versions: Iterable[PolicyVersion]) -> dict[int, list[Approval]]:
    """For each version the approvals of its present content since it was last sent back."""
    hashes = {each.pk: each.content_hash for each in versions if each.content_hash}
    rows = Approval.objects.filter(version__in=hashes).select_related("reviewer").order_by("id")
    found: dict[int, list[Approval]] = defaultdict(list)
    for row in rows:
        if row.decision == Decision.SENT_BACK:
            found[row.version_id].clear()
        elif row.decision == Decision.APPROVED and row.content_hash == hashes[row.version_id]:
            found[row.version_id].append(row)
    return found


# Who may


def may_approve(version: PolicyVersion, access: Access, found: Demands | None = None) -> bool:
    """Policy approvers, and who holds a role that the matrix names for the kind."""
    if access.may("approve", version):
        return True
    named = (demands() if found is None else found).of(version.policy.kind).roles
    return access.holding(named).reaches(version)


def require_approver(version: PolicyVersion, actor: User) -> None:
    """Raise `NotAllowed` unless `may_approve`."""
    if not may_approve(version, access_for(actor)):
        raise NotAllowed("You don't have the right to approve this.", audit=True)


def roles_at(version: PolicyVersion, access: Access) -> list[str]:
    """The roles that somebody holds where the version holds, of those that may be demanded.

    By role alone: being a superuser makes nobody legal.
    """
    return [role for role in UNDER_RULES if access.holding((role,)).reaches(version)]


def refuse_second_approval(actor: User, given: Sequence[Approval]) -> None:
    """Nobody counts twice, and four eyes count those who stand in for each other as one.

    Raises `Refused` (`approval_given`) and `FourEyes`.
    """
    principals = _represented_by(actor)
    for row in given:
        if row.reviewer_id == actor.pk:
            raise Refused("You have approved this version already.", code="approval_given")
        if row.reviewer_id in principals or actor.pk in _represented_by(row.reviewer):
            raise FourEyes(
                f"{row.reviewer} has approved this version, and one of you stands in for the "
                "other; somebody else must approve it.",
                audit=True,
            )


def _represented_by(person: User) -> Collection[int]:
    found: Collection[int] = ask("access.acts_for", default=(), person=person)
    return found


# What waits for whom


def approvers_named() -> frozenset[str]:
    """The roles whose holders may have something to approve."""
    return demands().roles | {Role.POLICY_APPROVER}


def brought_forward_by(versions: Sequence[PolicyVersion], access: Access) -> list[PolicyVersion]:
    """Those in review that somebody may approve, and to which their approval is still of use.

    In as many queries for many as for one.
    """
    if not versions:
        return []
    found, given = demands(), approvals_that_count(versions)
    return [
        each
        for each in versions
        if may_approve(each, access, found)
        and _is_of_use(_standing(each, found, given.get(each.pk, ())), each, access)
    ]


def _is_of_use(standing: Standing, version: PolicyVersion, access: Access) -> bool:
    if any(row.reviewer_id == access.user.pk for row in standing.given):
        return False
    return standing.lacking.is_lessened_by(roles_at(version, access))
