"""What a business unit may do with an enterprise policy: nothing, add to it, or as it likes."""

from typing import Any

from config.errors import Blocker, Refused
from config.events.operations import blockers
from config.governance.in_force import policy_of
from config.governance.models import Freedom, Policy, PolicyVersion, VersionState
from config.governance.wording import Block, worded

MOST_NAMED = 3


def beyond_freedom(version: PolicyVersion) -> list[Blocker]:
    """What a unit's version does that the enterprise's policy does not leave to units.

    Locked: it may not be there at all. Extendable: all that the enterprise's version in force says
    stays as it is, and rows may be added, unless the kind has a rule of its own (`beyond`).
    What a kind asks of every unit, free or not, guards of `policy.beyond:<kind>` say.
    """
    policy = version.policy
    if policy.unit_id is None:
        return []
    above = policy_of(policy.kind, policy.key)
    if above is not None and above.freedom == Freedom.LOCKED:
        return [Blocker("policy_locked", "The enterprise keeps this policy for every unit.")]
    found = blockers(f"policy.beyond:{policy.kind}", version)
    return [*found, *_extension(version, above)]


def _extension(version: PolicyVersion, above: Policy | None) -> list[Blocker]:
    if above is None or above.freedom == Freedom.FREE:
        return []
    held = type(version)._base_manager.filter(policy=above, state=VersionState.ACTIVE).first()
    if held is None:
        return []
    own_rule = version.beyond(held)
    found = _changed(held, version) if own_rule is None else own_rule
    return [Blocker("policy_extension", text) for text in found]


def refuse_beyond(version: PolicyVersion) -> None:
    """Raise `Refused` (`policy_locked`, `policy_extension`) for what is not left to the unit.

    What concerns a field, or a kind of child row, is in `errors` as well, with its name.
    """
    found = beyond_freedom(version)
    if found:
        more = len(found) - MOST_NAMED
        named = " ".join(each.text for each in found[:MOST_NAMED])
        raise Refused(
            f"{named} And {more} more." if more > 0 else named,
            code=found[0].code,
            audit=True,
            blockers=[each.as_dict() for each in found],
            **_errors(found),
        )


def _errors(found: list[Blocker]) -> dict[str, Any]:
    named = [each.as_error() for each in found if each.field]
    return {"errors": named} if named else {}


def _changed(held: PolicyVersion, own: PolicyVersion) -> list[str]:
    return [_sentence(block) for block in worded(held, own) if block.what != "added"]


def _sentence(block: Block) -> str:
    what = f"'{block.title}'" if block.title else "What the policy itself says"
    if block.what == "removed":
        return f"{what} is the enterprise's and must stay."
    fields = ", ".join(line.field.lower() for line in block.lines)
    return f"{what} is the enterprise's and can't be changed ({fields}); add rows instead."
