"""Makes people, units, teams, roles and API tokens for tests; what isn't named gets a default."""

import itertools
from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from config.access.models import RoleAssignment
from config.access.operations import add_member, enterprise, grant_role
from config.access.rules import Role
from config.organisation.models import ApiToken, BusinessUnit, Scope, Team, User, UserKind

_numbers = itertools.count(1)


def system() -> User:
    """The system actor."""
    found: User = User.objects.system()
    return found


def user(username: str = "", *, password: str | None = None, **fields: Any) -> User:
    """A person who may sign in to the admin. Tests sign in by `browser` or `api`."""
    username = username or f"person-{next(_numbers)}"
    fields = {"name": username.title(), "email": f"{username}@example.org", **fields}
    made = User(username=username, **{"is_staff": True, **fields})
    if password is None:
        made.set_unusable_password()
    else:
        made.set_password(password)
    return made.save_as(system())


def service_account(username: str = "", **fields: Any) -> User:
    """A tool's account."""
    return user(username, **{"kind": UserKind.SERVICE_ACCOUNT, "is_staff": False, **fields})


def superuser(username: str = "root", **fields: Any) -> User:
    """Django's superuser, whom duties still bind."""
    return user(username, is_superuser=True, **fields)


def unit(key: str = "", *, parent: BusinessUnit | None = None, **fields: Any) -> BusinessUnit:
    """A business unit right below the enterprise, or below `parent`."""
    key = key or f"unit-{next(_numbers)}"
    made = BusinessUnit(key=key, parent=parent or enterprise(), **{"name": key.title(), **fields})
    return made.save_as(system())


def team(
    key: str = "",
    *,
    unit: BusinessUnit | None = None,
    members: tuple[User, ...] = (),
    **fields: Any,
) -> Team:
    """A team; its members have no rights by that alone."""
    key = key or f"team-{next(_numbers)}"
    made = Team(key=key, unit=unit or enterprise(), **{"name": key.title(), **fields})
    made.save_as(system())
    for member in members:
        join(made, member)
    return made


def join(team: Team, member: User) -> None:
    """Take somebody into a team."""
    add_member(team, member, actor=system())


def role(name: Role, *, to: User | Team, on: Any = None, **period: Any) -> RoleAssignment:
    """A role on a container, by default on the whole enterprise."""
    container = on or enterprise()
    return grant_role(name, to=to, on=container, actor=system(), reason="test", **period)


def token(owner: User, *scopes: Scope, **fields: Any) -> str:
    """A token of the owner, by default for everything that the owner may do; returns the secret."""
    secret = ApiToken.new_secret()
    row = ApiToken(
        owner=owner,
        hint=secret[:12],
        digest=ApiToken.digest_of(secret),
        scopes=list(scopes) or [Scope.ADMIN],
        **{"name": "test", **fields},
    )
    row.save_as(owner)
    return secret


def api(owner: User, *scopes: Scope) -> APIClient:
    """A client of the API that carries a token of the owner; it speaks JSON."""
    client = APIClient()
    client.default_format = "json"
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token(owner, *scopes)}")
    return client


def browser(visitor: User) -> Client:
    """A client that is signed in to the admin."""
    client = Client()
    client.force_login(visitor)
    return client
