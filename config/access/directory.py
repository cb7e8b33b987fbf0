"""Who sees and changes units, teams, people and tokens: the doors and verbs of the organisation."""

from typing import Any

from django.db import models
from django.db.models import Q

from config.access.models import ContainerType
from config.access.rules import Level, level
from config.access.visibility import access_for, register_verbs
from config.organisation.models import BusinessUnit, Membership, Team, User, UserKind, door

_NOBODY = Q(pk__in=[])


@door("BusinessUnit")
def units(user: Any) -> Q:
    """Units on which the user has a role, with all below them."""
    return access_for(user).containers(Level.VIEW).units_filter()


@door("Team")
def teams(user: Any) -> Q:
    """Teams that the user reaches, by role on them or on a unit above."""
    return access_for(user).containers(Level.VIEW).teams_filter()


@door("Membership")
def memberships(user: Any) -> Q:
    """Those of visible teams, and one's own."""
    reached = access_for(user).containers(Level.VIEW)
    own = Q(user_id=user.pk) if user.is_authenticated else _NOBODY
    return Q() if reached.everything else Q(team__in=reached.teams) | own


@door("User")
def people(user: Any) -> Q:
    """Oneself and the members of visible teams; everybody for who sees the whole enterprise."""
    if not user.is_authenticated or not user.is_active:
        return _NOBODY
    reached = access_for(user).containers(Level.VIEW)
    if reached.everything:
        return Q()
    if not reached.teams:
        return Q(pk=user.pk)
    members = Membership.objects.filter(team__in=reached.teams)
    return Q(pk=user.pk) | Q(pk__in=list(members.values_list("user_id", flat=True)))


@door("ApiToken")
def tokens(user: Any) -> Q:
    """One's own; those of service accounts for who administers the enterprise."""
    if not user.is_authenticated or not user.is_active:
        return _NOBODY
    own = Q(owner_id=user.pk)
    return own | Q(owner__kind=UserKind.SERVICE_ACCOUNT) if administers(user) else own


@door("RoleAssignment")
def assignments(user: Any) -> Q:
    """One's own roles, and those on containers that one manages or audits."""
    if not user.is_authenticated or not user.is_active:
        return _NOBODY
    access = access_for(user)
    managed, audited = access.containers(Level.MANAGE), access.containers(Level.AUDIT)
    if managed.everything or audited.everything:
        return Q()
    teams_of = Membership.objects.filter(user=user).values_list("team_id", flat=True)
    whole = Q(person_id=user.pk) | Q(team_id__in=list(teams_of))
    for kind in ContainerType.values:
        ids = getattr(managed, f"{kind}s") | getattr(audited, f"{kind}s")
        whole |= Q(container_type=kind, container_id__in=ids)
    return whole


@door("Delegation")
def delegations(user: Any) -> Q:
    """One's own, given or held; all for who audits or manages the whole enterprise."""
    if not user.is_authenticated or not user.is_active:
        return _NOBODY
    access = access_for(user)
    if any(access.containers(each).everything for each in (Level.AUDIT, Level.MANAGE)):
        return Q()
    return Q(principal_id=user.pk) | Q(delegate_id=user.pk)


def manages(user: Any, container: models.Model) -> bool:
    """Whether the user may give and take roles on the container."""
    return access_for(user).containers(Level.MANAGE).reaches(container)


def administers(user: Any) -> bool:
    """Whether the user manages the whole enterprise: accounts belong to no unit."""
    return access_for(user).containers(Level.MANAGE).everything


MANAGED = level(Level.MANAGE)
register_verbs(
    BusinessUnit,
    {"add_unit": MANAGED, "add_team": MANAGED, "add_account": MANAGED, "edit": MANAGED},
)
register_verbs(Team, {"edit": MANAGED, "add_member": MANAGED, "remove_member": MANAGED})
# Accounts lie in no container, so only who manages the whole enterprise reaches them.
register_verbs(User, {"edit": MANAGED, "deactivate": MANAGED, "activate": MANAGED})
