"""Sign-offs: what a signed agreement binds changes only by the word of its three sides.

Which agreements bind a version is answered from above (`policy.bound_by`); here is what follows:
service owner, business unit and legal sign the content by its hash, and a change record is named.
Whoever edits a draft changes the hash, so every side has to sign anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from config.access.separation import require_separate
from config.access.visibility import Access
from config.errors import Blocker, FourEyes, Invalid, NotAllowed, Refused
from config.events.operations import ask, record
from config.governance.content import content_of
from config.governance.models import ChangeReference, Policy, PolicyVersion, SignOff, VersionState
from config.governance.operations import is_own_work, lock_version, require_person
from config.governance.rules import SIGNATORIES, Capacity
from config.governance.rules import content_hash as hash_of
from config.organisation.models import User

FROZEN = (VersionState.IN_REVIEW, VersionState.APPROVED)
OVER = (VersionState.ACTIVE, VersionState.RETIRED)
LONGEST_REFERENCE = 100


@dataclass(frozen=True)
class Bond:
    """A signed agreement that binds a version.

    `place` is where its sides hold their roles: the service that it is about, or the agreement
    itself. `is_change`: something signed is being changed, so that a change record is owed.
    """

    agreement: Policy
    place: models.Model
    is_change: bool = True


@dataclass(frozen=True)
class Side:
    """One side of one agreement, and its signature on the content as it is now, if any."""

    bond: Bond
    capacity: Capacity
    signed: SignOff | None


def bonds_of(version: PolicyVersion) -> list[Bond]:
    """The signed agreements that bind the version, by title."""
    return list(ask("policy.bound_by", default=(), version=version))


def sides_of(version: PolicyVersion) -> list[Side]:
    """Every side that has to sign, and what it signed of the present content.

    Of a version that holds, or is over, what was signed: agreements that came later ask nothing.
    """
    is_over = version.state in OVER
    bonds = [] if is_over else bonds_of(version)
    if not bonds and not is_over:
        return []
    signed = SignOff.objects.filter(version=version.pk, content_hash=version.content_hash)
    rows = signed.select_related("person", "agreement").order_by("id")
    if is_over:
        return [
            Side(Bond(row.agreement, row.agreement), Capacity(row.capacity), row) for row in rows
        ]
    given = {(row.agreement_id, row.capacity): row for row in rows}
    return [
        Side(bond, capacity, given.get((bond.agreement.pk, capacity)))
        for bond in bonds
        for capacity in Capacity
    ]


def change_reference_of(version: PolicyVersion) -> str:
    """The change record that was named last; empty where none was."""
    rows = ChangeReference.objects.filter(version=version.pk).order_by("-id")
    return rows.values_list("reference", flat=True).first() or ""


def missing(version: PolicyVersion) -> list[Blocker]:
    """What a bound version lacks, by name; empty where nothing binds it."""
    sides = sides_of(version)
    found = [
        Blocker(
            "sign_off_missing",
            f"{side.bond.agreement.title}: {side.capacity.label.lower()} has not signed off.",
        )
        for side in sides
        if side.signed is None
    ]
    if any(side.bond.is_change for side in sides) and not change_reference_of(version):
        text = "No change record is named, and what is signed changes only by one."
        found.append(Blocker("change_reference_missing", text))
    return found


def capacities_of(version: PolicyVersion, person: User) -> list[Capacity]:
    """For which sides the person may sign the version now: those that have not signed yet."""
    if version.state not in FROZEN:
        return []
    access = Access(person)
    if not access.holds(*all_signatories()):
        return []
    open_sides = [side for side in sides_of(version) if side.signed is None]
    return [
        capacity
        for capacity in Capacity
        if any(_speaks_for(access, side) for side in open_sides if side.capacity == capacity)
    ]


def may_sign_off(version: PolicyVersion, access: Access) -> bool:
    """For some side that has not signed: by role where the agreement holds."""
    return access.user.is_authenticated and bool(capacities_of(version, access.user))


@transaction.atomic
def sign_off[M: PolicyVersion](
    version: M, *, actor: User, capacity: str, content_hash: str, comment: str = ""
) -> M:
    """Sign exactly the content with that hash, for one side of each agreement one speaks for.

    Raises `FourEyes` for its authors, and for who signed it for another side already.
    """
    require_person(actor, "sign off")
    access = Access(actor)
    if not access.holds(*all_signatories()):
        raise NotAllowed(
            "Only service owners, business units and legal sign off policies.", audit=True
        )
    lock_version(version)
    if version.state not in FROZEN:
        raise Refused(
            f"This version is {version.get_state_display().lower()}; only what is in review or "
            "approved is signed.",
            code="sign_off_not_now",
        )
    if content_hash != version.content_hash or hash_of(content_of(version)) != content_hash:
        raise Refused(
            "This is not the content that you read; open the version again.", code="content_changed"
        )
    if capacity not in Capacity.values:
        raise Invalid(f"Choose one of {', '.join(Capacity.values)}.", field="capacity")
    signed = list(_to_sign(version, access, Capacity(capacity)))
    _check_different_people(version, actor, capacity)
    require_separate("policy.sign_off", version, actor=actor)
    _sign(version, actor, signed, comment.strip())
    return version


@transaction.atomic
def name_change[M: PolicyVersion](version: M, *, actor: User, reference: str) -> M:
    """Name the change record under which the version changes what is signed."""
    require_person(actor, "name the change record of")
    lock_version(version)
    if version.state in OVER:
        raise Refused(
            f"This version is {version.get_state_display().lower()}; its change record was named "
            "before that, or never.",
            code="change_named_too_late",
        )
    named = reference.strip()
    if not named:
        raise Invalid("Name the change record, such as CHG0031337.", field="reference")
    if len(named) > LONGEST_REFERENCE:
        raise Invalid(f"Use {LONGEST_REFERENCE} characters at most.", field="reference")
    row = ChangeReference.objects.create(version_id=version.pk, reference=named, named_by=actor)
    record("policy.change_named", version, actor=actor, reference=row.reference)
    return version


def _to_sign(version: PolicyVersion, access: Access, capacity: Capacity) -> Iterator[Side]:
    """The open sides of that capacity for which the actor speaks; refuses where there are none."""
    sides = [side for side in sides_of(version) if side.capacity == capacity]
    if not sides:
        raise Refused("No signed agreement binds this policy.", code="sign_off_not_needed")
    mine = [side for side in sides if _speaks_for(access, side)]
    if not mine:
        raise NotAllowed(
            f"You don't speak for {capacity.label.lower()} where these agreements hold.",
            audit=True,
        )
    wanted = [side for side in mine if side.signed is None]
    if not wanted:
        raise Refused(f"{capacity.label} has signed this content already.", code="sign_off_given")
    return iter(wanted)


def _check_different_people(version: PolicyVersion, actor: User, capacity: str) -> None:
    if is_own_work(version, actor):
        raise FourEyes("You wrote or changed this version; somebody else must sign it.", audit=True)
    people: Any = {actor.pk, *ask("access.acts_for", default=(), person=actor)}
    others = SignOff.objects.filter(
        version=version.pk, content_hash=version.content_hash, person__in=people
    ).exclude(capacity=capacity)
    if others.exists():
        raise FourEyes(
            "You signed this version for another side; each side is signed by somebody else.",
            audit=True,
        )


def _sign(version: PolicyVersion, actor: User, sides: list[Side], comment: str) -> None:
    for side in sides:
        SignOff.objects.create(
            version_id=version.pk,
            agreement=side.bond.agreement,
            capacity=side.capacity,
            person=actor,
            content_hash=version.content_hash,
            comment=comment,
        )
    record(
        "policy.signed_off",
        version,
        actor=actor,
        reason=comment,
        capacity=sides[0].capacity.value,
        agreements=[side.bond.agreement.key for side in sides],
        content_hash=version.content_hash,
    )


def _speaks_for(access: Access, side: Side) -> bool:
    # By role alone: being a superuser makes nobody legal.
    return access.holding(SIGNATORIES[side.capacity]).reaches(side.bond.place)


def all_signatories() -> list[str]:
    """The roles that speak for any side."""
    return [role for names in SIGNATORIES.values() for role in names]
