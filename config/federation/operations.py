"""Who owns a duty in a unit at a time, what units may change, and where they differ."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from config.access.operations import enterprise
from config.audit.tracking import lock
from config.errors import Invalid, Refused
from config.events.operations import record
from config.federation.models import FreedomVersion, OperatingModelVersion
from config.federation.rules import MODEL_KEY, USUAL, Duty, OperatingModel, is_of_unit
from config.governance.content import concrete
from config.governance.freedom import beyond_freedom
from config.governance.in_force import active
from config.governance.models import Freedom, Policy, PolicyVersion, VersionState
from config.governance.operations import propose, require_person
from config.governance.wording import Block, worded
from config.organisation.models import BusinessUnit, User


@dataclass(frozen=True)
class Ownership:
    """Who owns which duty, by which version; without one, by the usual model."""

    model: OperatingModel
    version: OperatingModelVersion | None
    owners: dict[Duty, BusinessUnit]

    @property
    def command(self) -> BusinessUnit:
        """Who has command; every model gives triage to the same."""
        return self.owners[Duty.COMMAND]


def ownership(unit: BusinessUnit, at: datetime.datetime | None = None) -> Ownership:
    """By the model in force for the unit at that time.

    A record asks with the time at which it was opened: it keeps its owner when the model changes.
    """
    version: OperatingModelVersion | None = active(
        OperatingModelVersion.policy_kind, MODEL_KEY, unit, at
    )
    model = USUAL if version is None else OperatingModel(version.model)
    whole = unit if unit.parent_id is None else enterprise()
    owners = {duty: unit if is_of_unit(model, duty) else whole for duty in Duty}
    return Ownership(model, version, owners)


def owns_policies(unit: BusinessUnit) -> bool:
    """Whether the unit may have policies of its own at all, as far as they are not locked."""
    return is_of_unit(ownership(unit).model, Duty.POLICY)


@dataclass(frozen=True)
class Divergence:
    """A unit's own version beside the enterprise's; `beyond` says what it must not have changed."""

    unit: BusinessUnit
    policy: Policy
    own: PolicyVersion
    enterprise: PolicyVersion | None
    freedom: str
    beyond: tuple[str, ...]

    @property
    def freedom_shown(self) -> str:
        """In words."""
        return str(Freedom(self.freedom).label) if self.freedom else "The unit's alone"

    @property
    def blocks(self) -> list[Block]:
        """What differs, in words."""
        return worded(self.enterprise, self.own)


def divergences(reader: User, unit: BusinessUnit | None = None) -> Iterator[Divergence]:
    """Everything that holds in units otherwise than in the enterprise, as the reader may see it."""
    rows = Policy.objects.visible_to(reader).filter(
        unit__isnull=False, versions__state=VersionState.ACTIVE
    )
    if unit is not None:
        rows = rows.filter(unit=unit)
    for policy in rows.select_related("unit").order_by("unit__name", "kind", "key").distinct():
        if policy.unit is not None and policy.kind != OperatingModelVersion.policy_kind:
            yield _divergence(policy, policy.unit)


def _divergence(policy: Policy, unit: BusinessUnit) -> Divergence:
    own = concrete(_active(policy))
    above = Policy.objects.filter(kind=policy.kind, key=policy.key, unit=None).first()
    holds = None if above is None else above.versions.filter(state=VersionState.ACTIVE).first()
    beyond = [each.text for each in beyond_freedom(own)]
    if not owns_policies(unit):
        beyond.append("The unit's operating model leaves policies to the enterprise.")
    return Divergence(
        unit=unit,
        policy=policy,
        own=own,
        enterprise=None if holds is None else concrete(holds),
        freedom="" if above is None else above.freedom,
        beyond=tuple(beyond),
    )


def _active(policy: Policy) -> PolicyVersion:
    return policy.versions.select_related("policy__unit").get(state=VersionState.ACTIVE)


@transaction.atomic
def propose_freedom(
    about: Policy, *, freedom: str, actor: User, reason: str = ""
) -> FreedomVersion:
    """A draft of what units may do with an enterprise policy; it has the life of any version.

    Raises `Refused` (`freedom_of_unit`, `freedom_unchanged`) and `Invalid`.
    """
    require_person(actor, "open or lock")
    if about.unit_id is not None or about.kind == FreedomVersion.policy_kind:
        raise Refused(
            "Only the enterprise's policy says what units may do.", code="freedom_of_unit"
        )
    if freedom not in Freedom.values:
        raise Invalid(f"Choose one of {', '.join(Freedom.values)}.", field="freedom")
    if freedom == about.freedom:
        raise Refused(
            f"It is {about.get_freedom_display().lower()} already.",
            code="freedom_unchanged",
            field="freedom",
        )
    return propose(
        FreedomVersion,
        f"policy-{about.pk}",
        actor=actor,
        title=f"What units may do: {about.title}"[:200],
        values={"about": about, "freedom": freedom},
        reason=reason,
    )


def give_freedom(version: FreedomVersion, *, actor: User) -> None:
    """What an activated version says; what units have meanwhile is reported, not ended."""
    about = version.about
    lock(about)
    was, about.freedom = about.freedom, version.freedom
    about.save_as(actor, "freedom", reason=version.change_reason)
    record(
        "policy.freedom_changed",
        about,
        actor=actor,
        reason=version.change_reason,
        was=was,
        freedom=version.freedom,
        version=version.pk,
    )
