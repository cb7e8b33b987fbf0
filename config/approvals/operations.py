"""What the matrix in force demands, and whether enough people hold the roles for a new one."""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from config.access.models import ContainerType, RoleAssignment
from config.access.operations import enterprise
from config.access.rules import Role, label_of
from config.approvals.models import ApprovalDemand, ApprovalMatrixVersion
from config.approvals.rules import MATRIX_KEY, MATRIX_TITLE, shipped_demands
from config.governance.in_force import active
from config.governance.models import Freedom
from config.governance.rules import Demand, Demands
from config.governance.seeding import seed_policy
from config.organisation.models import User


def matrix_in_force() -> Demands:
    """What is demanded now; one approval for every kind before there is a matrix."""
    version: ApprovalMatrixVersion | None = active(ApprovalMatrixVersion.policy_kind, MATRIX_KEY)
    return Demands() if version is None else _frozen(version.pk, version.content_hash)


@lru_cache(maxsize=64)
def _frozen(pk: int, content_hash: str) -> Demands:
    # Active versions never change, and the hash names the content in whatever database.
    rows = ApprovalDemand.objects.filter(version=pk)
    return Demands({row.kind: Demand(row.people, tuple(row.roles)) for row in rows}, pk)


def seed_approval_matrix(actor: User) -> ApprovalMatrixVersion | None:
    """Version 1 as shipped. It holds for every unit; later runs propose what is new in it."""
    return seed_policy(
        ApprovalMatrixVersion,
        MATRIX_KEY,
        title=MATRIX_TITLE,
        actor=actor,
        parts={"demands": shipped_demands()},
        freedom=Freedom.LOCKED,
    )


def unattainable(version: ApprovalMatrixVersion) -> Iterator[str]:
    """What nobody could ever approve, in sentences: where too few people hold the roles.

    Counted are those who hold them on the whole enterprise: its policies are approved by nobody
    else, and whoever wrote a version drops out as well.
    """
    holders = _holders()
    for row in version.demands.order_by("line"):
        for role in row.roles:
            if not holders[role]:
                yield f"{row}: nobody holds the role {label_of(role)} on the whole enterprise."
        able = holders[Role.POLICY_APPROVER].union(*(holders[role] for role in row.roles))
        if len(able) < row.people:
            yield (
                f"{row}: {row.people} different people must approve, and only {len(able)} hold "
                "one of the roles on the whole enterprise."
            )


def _holders() -> dict[str, set[int]]:
    """By role the people who hold it on the whole enterprise; superusers are approvers."""
    people = set(User.objects.people().values_list("pk", flat=True))
    held = RoleAssignment.objects.in_force().filter(
        container_type=ContainerType.UNIT, container_id=enterprise().pk
    )
    found: dict[str, set[int]] = defaultdict(set)
    for path in ("person", "team__memberships__user"):
        for role, person in held.values_list("role__name", path):
            if person in people:
                found[role].add(person)
    superusers = User.objects.people().filter(is_superuser=True)
    found[Role.POLICY_APPROVER] |= set(superusers.values_list("pk", flat=True))
    return found
