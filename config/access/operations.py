"""Granting and taking back roles, and their projection to guardian's grants."""

import datetime
from collections.abc import Iterator

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from guardian.models import UserObjectPermission

from config import clock
from config.access.models import ContainerType, RoleAssignment
from config.access.rules import levels_of
from config.access.separation import refuse_conflicts
from config.access.visibility import container_model
from config.audit.tracking import lock
from config.due.models import Timer
from config.due.operations import schedule, timer
from config.errors import Invalid, Refused
from config.events.operations import record
from config.organisation.models import BusinessUnit, Membership, Team, User, UserKind


def container_type_of(container: models.Model) -> ContainerType:
    """The type under which a unit, team or service carries roles."""
    for kind in ContainerType:
        if isinstance(container, container_model(kind)):
            return kind
    raise Invalid("Roles are given on a business unit, a team or a service.", field="container")


@transaction.atomic
def grant_role(
    role: str,
    *,
    to: User | Team,
    on: models.Model,
    actor: User,
    reason: str,
    starts_at: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    approved_by: User | None = None,
) -> RoleAssignment:
    """Give a role on a container to a person or to a team's members.

    Raises `Invalid` for an unknown role, an empty reason or a wrong period, `Refused`
    (`role_self_grant`) where people give a role to themselves, or to a team of theirs, and
    `Segregated` where somebody would hold two roles that are kept apart.
    """
    group = Group.objects.filter(name=role).first()
    if group is None:
        raise Invalid(f"There is no role '{role}'.", field="role")
    if not reason.strip():
        raise Invalid("Say why the role is given.", field="reason")
    _refuse_self_grant(to, actor)
    assignment = RoleAssignment(
        role=group,
        person=to if isinstance(to, User) else None,
        team=to if isinstance(to, Team) else None,
        container_type=container_type_of(on),
        container_id=on.pk,
        starts_at=starts_at or clock.now(),
        until=until,
        reason=reason.strip(),
        approved_by=approved_by,
    )
    assignment.full_clean()
    _check_duties(assignment)
    assignment.save_as(actor, reason=reason)
    record("role.granted", assignment, actor=actor, reason=reason, role=role)
    _follow(assignment)
    return assignment


def _check_duties(assignment: RoleAssignment) -> None:
    # Two roles at once would not see each other: whom they are for is locked first.
    for person in holders(assignment):
        lock(person)
    refuse_conflicts("role.grant", assignment, field="role")


@transaction.atomic
def change_end(
    assignment: RoleAssignment,
    *,
    until: datetime.datetime | None,
    actor: User,
    reason: str,
) -> None:
    """Let the role end earlier or later. Nobody prolongs their own, and duties are looked at again.

    Raises `Refused` for one that was taken back, or that is over: give it anew.
    """
    lock(assignment)
    over = assignment.until is not None and assignment.until <= clock.now()
    if assignment.revoked_at is not None or over:
        raise Refused("This role is over already; give it anew.", code="role_over")
    if not reason.strip():
        raise Invalid("Say why the end changes.", field="reason")
    if until is not None and until <= clock.now():
        raise Invalid("Choose a time in the future, or take the role back.", field="until")
    _refuse_self_grant(assignment.person or assignment.team, actor)  # type: ignore[arg-type]  # one of both
    assignment.until = until
    assignment.full_clean()
    _check_duties(assignment)
    assignment.save_as(actor, "until", reason=reason)
    until_text = until.isoformat() if until else None
    record("role.end_changed", assignment, actor=actor, reason=reason, until=until_text)
    _follow(assignment)


@transaction.atomic
def revoke_role(assignment: RoleAssignment, *, actor: User, reason: str) -> None:
    """Take the role back from now on. Raises `Refused` when that was done already."""
    lock(assignment)
    if assignment.revoked_at is not None:
        raise Refused("This role was taken back already.", code="role_revoked")
    if not reason.strip():
        raise Invalid("Say why the role is taken back.", field="reason")
    assignment.revoked_at = clock.now()
    assignment.save_as(actor, "revoked_at", reason=reason)
    record("role.revoked", assignment, actor=actor, reason=reason, role=assignment.role.name)
    _follow(assignment)


@transaction.atomic
def add_member(team: Team, user: User, *, actor: User, is_lead: bool = False) -> Membership:
    """Take somebody into a team, with the roles that the team holds.

    Raises `Refused` (`role_self_grant`) where people would come to roles of a team by themselves,
    and `Segregated` where these may not go together with their own.
    """
    if user == actor and RoleAssignment.objects.in_force().filter(team=team).exists():
        _refuse_self_grant(user, actor)
    membership = Membership(team=team, user=user, is_lead=is_lead)
    membership.full_clean()
    lock(user)
    refuse_conflicts("team.add_member", membership, field="user")
    membership.save_as(actor)
    record("team.member_added", team, actor=actor, user_id=user.pk)
    project(user)
    return membership


@transaction.atomic
def remove_member(membership: Membership, *, actor: User, reason: str = "") -> None:
    """Take somebody out of a team, and with it what they held through it."""
    user, team = membership.user, membership.team
    membership.delete_as(actor, reason=reason)
    record("team.member_removed", team, actor=actor, reason=reason, user_id=user.pk)
    project(user)


def _refuse_self_grant(to: User | Team, actor: User) -> None:
    own = to == actor or (isinstance(to, Team) and to.memberships.filter(user=actor).exists())
    if own and actor.kind != UserKind.SYSTEM:
        raise Refused(
            "Nobody gives a role to themselves; ask another administrator.",
            code="role_self_grant",
            audit=True,
        )


def project(user: User) -> None:
    """Make the user's grants on containers exactly what the assignments in force say.

    Idempotent; restricted records' own grants are left alone.
    """
    lock(user)
    wanted = set(_wanted(user))
    containers = [ContentType.objects.get_for_model(container_model(k)) for k in ContainerType]
    rows = UserObjectPermission.objects.filter(user=user, content_type__in=containers)
    held = {(row.content_type_id, row.permission_id, row.object_pk): row.pk for row in rows}
    surplus = [pk for key, pk in held.items() if key not in wanted]
    UserObjectPermission.objects.filter(pk__in=surplus).delete()
    UserObjectPermission.objects.bulk_create(
        UserObjectPermission(user=user, content_type_id=kind, permission_id=level, object_pk=key)
        for kind, level, key in sorted(wanted - held.keys())
    )


def _wanted(user: User) -> Iterator[tuple[int, int, str]]:
    model_of = ContentType.objects.get_for_model
    kinds = {each: model_of(container_model(each)).pk for each in ContainerType}
    levels = Permission.objects.filter(content_type__in=kinds.values())
    known = {(each.content_type_id, each.codename): each.pk for each in levels}
    for row in RoleAssignment.objects.in_force().held_by(user.pk).select_related("role"):
        kind = kinds[ContainerType(row.container_type)]
        for level in levels_of(row.role.name):
            yield kind, known[kind, level.codename], str(row.container_id)


def _follow(assignment: RoleAssignment) -> None:
    for user in holders(assignment):
        project(user)
    for moment in (assignment.starts_at, assignment.until):
        if moment is not None and moment > clock.now():
            key = f"{assignment.pk}:{moment.isoformat()}"
            schedule("access.project", assignment, moment, key=key)


def holders(assignment: RoleAssignment) -> list[User]:
    """Everybody to whom the assignment gives something; in a fixed order, for locking."""
    if assignment.person is not None:
        return [assignment.person]
    members = User.objects.filter(memberships__team_id=assignment.team_id)
    return list(members.order_by("pk"))


@timer("access.project")
def _period_began_or_ended(row: Timer, root: RoleAssignment) -> None:
    for user in holders(root):
        project(user)
    ends = root.until is not None and row.key == f"{root.pk}:{root.until.isoformat()}"
    if root.revoked_at is None and ends:
        role = root.role.name
        record("role.expired", root, actor=User.objects.system(), at=root.until, role=role)


def enterprise() -> BusinessUnit:
    """The root unit, made by the first migration: roles on it hold everywhere."""
    return BusinessUnit.objects.get(parent__isnull=True)
