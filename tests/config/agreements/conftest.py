"""A severity matrix that a signed agreement about checkout binds, and the people of its sides."""

import datetime
from dataclasses import dataclass
from typing import Any

from config import clock
from config.access.rules import Role
from config.agreements.models import AgreementVersion
from config.governance.activation import activate
from config.governance.operations import approve, propose, submit
from config.governance.rules import Capacity
from config.governance.signing import sign_off
from config.organisation.models import BusinessUnit, User
from incidents.catalog.models import Service
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.operations import seed_severity_table
from tests.config import make
from tests.harness.kept import kept

TABLES = "/api/v1/severity-tables/"
SIDES = tuple(Capacity)


@dataclass(frozen=True)
class People:
    """Who writes, who approves, and who signs for which side."""

    author: User
    approver: User
    signers: dict[Capacity, User]


@kept
def people(checkout: Service, retail: BusinessUnit) -> People:
    names = ("anna", "paul", "petra", "olga", "uwe", "lee")
    anna, paul, petra, olga, uwe, lee = (make.user(each, name=each.title()) for each in names)
    make.role(Role.POLICY_AUTHOR, to=anna)
    make.role(Role.POLICY_APPROVER, to=paul)
    make.role(Role.POLICY_APPROVER, to=petra)
    make.role(Role.SERVICE_OWNER, to=olga, on=checkout)
    make.role(Role.EXECUTIVE, to=uwe, on=retail)
    make.role(Role.LEGAL, to=lee)
    return People(anna, paul, dict(zip(SIDES, (olga, uwe, lee), strict=True)))


@kept
def matrix() -> SeverityTableVersion:
    found = seed_severity_table(make.system())
    assert found is not None
    return found


@kept
def agreement(people: People, matrix: SeverityTableVersion) -> AgreementVersion:
    """Signed yesterday with ACME, about checkout; it rests on the severity matrix."""
    draft = propose(
        AgreementVersion,
        "acme",
        actor=people.author,
        title="ACME",
        values={
            "counterparty": "ACME",
            "service": "checkout",
            "signed_on": clock.now().date() - datetime.timedelta(days=1),
        },
        parts={"definitions": [{"line": "matrix", "policy": matrix.policy}]},
        reason="Signed",
    )
    conclude(draft, people)
    return draft


def conclude(draft: Any, people: People) -> Any:
    """Everybody signs, somebody approves, and it is in force."""
    submit(draft, actor=people.author)
    for capacity in SIDES:
        signed_by(people, draft, capacity)
    approve(draft, actor=people.approver, content_hash=draft.content_hash)
    return activate(draft, actor=people.author)


def signed_by(people: People, version: Any, capacity: Capacity) -> None:
    sign_off(
        version,
        actor=people.signers[capacity],
        capacity=capacity,
        content_hash=version.content_hash,
    )


@kept
def draft(
    agreement: AgreementVersion, matrix: SeverityTableVersion, people: People
) -> SeverityTableVersion:
    """Version 2 of the matrix: what is an error on tier 1 is SEV1."""
    cells = [dict(row) for row in matrix.cells.values("line", "level", "tier", "severity")]
    for cell in cells:
        if (cell["level"], cell["tier"]) == ("error", 1):
            cell["severity"] = "SEV1"
    return propose(
        SeverityTableVersion,
        matrix.policy.key,
        actor=people.author,
        parts={"cells": cells},
        reason="Checkout matters more",
    )


@kept
def approved(draft: SeverityTableVersion, people: People) -> SeverityTableVersion:
    submit(draft, actor=people.author)
    return approve(draft, actor=people.approver, content_hash=draft.content_hash)
