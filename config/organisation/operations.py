"""Changes to units, teams, accounts and API tokens: one function each."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from config import clock
from config.audit.tracking import Tracked, lock
from config.errors import Invalid, NotAllowed, Refused
from config.events.operations import record
from config.organisation.models import (
    ApiToken,
    BusinessUnit,
    Scope,
    Team,
    User,
    UserKind,
)
from config.organisation.rules import descendants

TOKEN_LIFE = datetime.timedelta(days=90)
UNIT_FIELDS = frozenset({"name", "parent", "time_zone"})
TEAM_FIELDS = frozenset({"name", "unit", "description", "domain", "region", "is_active"})
USER_FIELDS = frozenset({"name", "email", "time_zone", "is_staff"})


@transaction.atomic
def create_unit(
    *, key: str, name: str, parent: BusinessUnit, actor: User, time_zone: str = "UTC"
) -> BusinessUnit:
    """Add a business unit below another one."""
    unit = BusinessUnit(key=key, name=name, parent=parent, time_zone=time_zone)
    return _created("unit.created", unit, actor)


@transaction.atomic
def edit_unit(
    unit: BusinessUnit, *, changes: Mapping[str, Any], actor: User, reason: str = ""
) -> None:
    """Change name, parent or time zone. Refuses a parent that lies below the unit."""
    lock(unit)
    parent = changes.get("parent")
    if "parent" in changes and parent != unit.parent:
        _check_parent(unit, parent)
    _edit("unit.edited", unit, changes, UNIT_FIELDS, actor, reason)


def _check_parent(unit: BusinessUnit, parent: BusinessUnit | None) -> None:
    if unit.parent_id is None or parent is None:
        raise Refused("The enterprise is the root: it has no parent, and all others have one.",
                      code="unit_root_stays", field="parent")  # fmt: skip
    # All units are locked in the order of their keys: two moves at once could make a circle.
    rows = BusinessUnit.objects.select_for_update(no_key=True).order_by("pk")
    parents = dict(rows.values_list("pk", "parent_id"))
    if parent.pk in descendants(parents, [unit.pk]):
        raise Refused(
            "That unit lies below this one; choose another parent.",
            code="unit_circle",
            field="parent",
        )


@transaction.atomic
def create_team(
    *,
    key: str,
    name: str,
    unit: BusinessUnit,
    actor: User,
    description: str = "",
    domain: str = "",
    region: str = "",
) -> Team:
    """Add a team to a unit; `domain` says for which kind of component it answers."""
    team = Team(
        key=key, name=name, unit=unit, description=description, domain=domain, region=region
    )
    return _created("team.created", team, actor)


@transaction.atomic
def edit_team(team: Team, *, changes: Mapping[str, Any], actor: User, reason: str = "") -> None:
    """Change name, unit, description, domain, region, or whether it is active."""
    lock(team)
    _edit("team.edited", team, changes, TEAM_FIELDS, actor, reason)


@transaction.atomic
def create_person(
    *,
    username: str,
    name: str,
    email: str,
    actor: User,
    time_zone: str = "UTC",
    is_staff: bool = False,
    password: str | None = None,
) -> User:
    """Invite a person; without a password nobody can sign in until one has been set."""
    user = User(username=username, name=name, email=email, time_zone=time_zone, is_staff=is_staff)
    user.set_password(password)
    return _created("user.created", user, actor)


@transaction.atomic
def create_service_account(*, username: str, name: str, actor: User) -> User:
    """Add an account for a tool. It has tokens, never a password or the admin."""
    user = User(username=username, name=name, kind=UserKind.SERVICE_ACCOUNT)
    user.set_unusable_password()
    return _created("user.created", user, actor)


@transaction.atomic
def edit_user(user: User, *, changes: Mapping[str, Any], actor: User, reason: str = "") -> None:
    """Change name, mail address, time zone, or the right to sign in to the admin."""
    lock(user)
    _protect_superuser(user, actor)
    if user.kind != UserKind.PERSON and changes.get("is_staff"):
        raise Invalid("Only a person signs in to the admin.", field="is_staff")
    _edit("user.edited", user, changes, USER_FIELDS, actor, reason)


@transaction.atomic
def deactivate_user(user: User, *, actor: User, reason: str) -> None:
    """Shut the account: no sign-in and no token works from the next request on."""
    lock(user)
    if user.kind == UserKind.SYSTEM:
        raise Refused("The system's own account can't be deactivated.", code="user_is_system")
    if user == actor:
        raise Refused(
            "You can't deactivate yourself; ask a colleague.", code="user_is_actor", audit=True
        )
    _protect_superuser(user, actor)
    _switch(user, False, "user.deactivated", actor, reason)


@transaction.atomic
def activate_user(user: User, *, actor: User, reason: str) -> None:
    """Open the account again."""
    lock(user)
    _protect_superuser(user, actor)
    _switch(user, True, "user.activated", actor, reason)


def _switch(user: User, active: bool, kind: str, actor: User, reason: str) -> None:
    if user.is_active == active:
        state = "active" if active else "inactive"
        raise Refused(f"This account is {state} already.", code=f"user_{state}")
    _require_reason(reason)
    user.is_active = active
    user.save_as(actor, "is_active", reason=reason)
    record(kind, user, actor=actor, reason=reason)


@transaction.atomic
def set_password(user: User, *, password: str, actor: User) -> None:
    """Set a new password; the caller has validated it."""
    lock(user)
    _protect_superuser(user, actor)
    if user.kind != UserKind.PERSON:
        raise Refused("Only people have passwords; use a token.", code="user_no_password")
    user.set_password(password)
    user.save_as(actor, "password")
    record("user.password_set", user, actor=actor)


@transaction.atomic
def create_token(
    *,
    owner: User,
    name: str,
    scopes: Iterable[str],
    actor: User,
    networks: Sequence[str] = (),
    expires_at: datetime.datetime | None = None,
    secret: str | None = None,
) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret, which is shown this once and never kept.

    Without `expires_at` it ends after 90 days. `secret` is for demo data.
    """
    if not owner.is_active:
        raise Refused("The owner is not active.", code="owner_inactive", field="owner")
    if owner.kind == UserKind.SYSTEM or (owner.is_person and owner != actor and secret is None):
        raise Refused(
            "People make their own tokens; others are for service accounts.",
            code="token_owner",
            field="owner",
            audit=True,
        )
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("Choose a time in the future.", field="expires_at")
    secret = secret or ApiToken.new_secret()
    token = ApiToken(
        owner=owner,
        name=name,
        hint=secret[:12],
        digest=ApiToken.digest_of(secret),
        scopes=sorted(set(scopes)),
        networks=list(networks),
        expires_at=expires_at or clock.now() + TOKEN_LIFE,
    )
    if not token.scopes:
        raise Invalid(f"Choose at least one of: {', '.join(Scope.values)}.", field="scopes")
    _created("token.created", token, actor, owner_id=owner.pk, scopes=token.scopes)
    return token, secret


@transaction.atomic
def revoke_token(token: ApiToken, *, actor: User, reason: str = "") -> None:
    """End the token: it is refused from the next request on."""
    lock(token)
    if token.revoked_at is not None:
        raise Refused("This token was revoked already.", code="token_revoked_already")
    token.revoked_at = clock.now()
    token.save_as(actor, "revoked_at", reason=reason)
    record("token.revoked", token, actor=actor, reason=reason)


def _created[M: Tracked](kind: str, row: M, actor: User, **data: Any) -> M:
    row.full_clean()
    row.save_as(actor)
    record(kind, row, actor=actor, **data)
    return row


def _edit(
    kind: str,
    row: Tracked,
    changes: Mapping[str, Any],
    editable: frozenset[str],
    actor: User,
    reason: str,
) -> None:
    for name in changes:
        if name not in editable:
            raise Invalid("This can't be changed.", code="read_only", field=name)
    changed = [name for name, value in changes.items() if getattr(row, name) != value]
    if not changed:
        return
    for name in changed:
        setattr(row, name, changes[name])
    row.full_clean()
    row.save_as(actor, *changed, reason=reason)
    record(kind, row, actor=actor, reason=reason, fields=sorted(changed))


def _protect_superuser(user: User, actor: User) -> None:
    """Whoever isn't a superuser can't become one through a superuser's password or address."""
    above = actor.is_superuser or actor.kind == UserKind.SYSTEM or actor == user
    if user.is_superuser and not above:
        raise NotAllowed("Only a superuser changes a superuser's account.", audit=True)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("Say why.", field="reason")
