"""What a business unit may do with an enterprise policy: nothing, add to it, or as it likes."""

from config.errors import Blocker, Refused
from config.governance.in_force import policy_of
from config.governance.models import Freedom, PolicyVersion, VersionState
from config.governance.wording import Block, worded

MOST_NAMED = 3


def beyond_freedom(version: PolicyVersion) -> list[Blocker]:
    """What a unit's version does that the enterprise's policy does not leave to units.

    Locked: it may not be there at all. Extendable: all that the enterprise's version in force says
    stays as it is, and rows may be added, unless the kind has a rule of its own (`beyond`).
    """
    policy = version.policy
    above = policy_of(policy.kind, policy.key) if policy.unit_id else None
    if above is None or above.freedom == Freedom.FREE:
        return []
    if above.freedom == Freedom.LOCKED:
        return [Blocker("policy_locked", "The enterprise keeps this policy for every unit.")]
    model = type(version)
    held = model._base_manager.filter(policy=above, state=VersionState.ACTIVE).first()
    if held is None:
        return []
    own_rule = version.beyond(held)
    found = _changed(held, version) if own_rule is None else own_rule
    return [Blocker("policy_extension", text) for text in found]


def refuse_beyond(version: PolicyVersion) -> None:
    """Raise `Refused` (`policy_locked`, `policy_extension`) for what is not left to the unit."""
    found = beyond_freedom(version)
    if found:
        more = len(found) - MOST_NAMED
        named = " ".join(each.text for each in found[:MOST_NAMED])
        raise Refused(
            f"{named} And {more} more." if more > 0 else named,
            code=found[0].code,
            audit=True,
            blockers=[each.as_dict() for each in found],
        )


def _changed(held: PolicyVersion, own: PolicyVersion) -> list[str]:
    return [_sentence(block) for block in worded(held, own) if block.what != "added"]


def _sentence(block: Block) -> str:
    what = f"'{block.title}'" if block.title else "What the policy itself says"
    if block.what == "removed":
        return f"{what} is the enterprise's and must stay."
    fields = ", ".join(line.field.lower() for line in block.lines)
    return f"{what} is the enterprise's and can't be changed ({fields}); add rows instead."
