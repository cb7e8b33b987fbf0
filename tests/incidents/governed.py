"""Policies brought into force for tests, over the API as people would do it."""

from typing import Any

from config.access.rules import Role
from config.organisation.models import User
from tests.config import make

type Body = dict[str, Any]


def _person(name: str, role: Role) -> User:
    found: User | None = User.objects.filter(username=name).first()
    if found is None:
        found = make.user(name)
        make.role(role, to=found)
    return found


def author() -> User:
    """Who writes policies for the whole enterprise."""
    return _person("anna", Role.POLICY_AUTHOR)


def approver() -> User:
    """Who approves them."""
    return _person("paul", Role.POLICY_APPROVER)


def draft(plural: str, body: Body) -> Any:
    """The answer to a draft of the author."""
    return make.api(author()).post(f"/api/v1/{plural}/", {"change_reason": "Needed", **body})


def activate(plural: str, body: Body) -> Any:
    """The answer to the activation of a draft that was submitted and approved."""
    made = draft(plural, body)
    assert made.status_code == 201, made.data
    row = f"/api/v1/{plural}/{made.data['id']}/"
    submitted = make.api(author()).post(f"{row}submit/")
    assert submitted.status_code == 200, submitted.data
    approved = make.api(approver()).post(f"{row}approve/")
    assert approved.status_code == 200, approved.data
    return make.api(author()).post(f"{row}activate/")
