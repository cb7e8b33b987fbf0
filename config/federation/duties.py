"""Who may do the duties that an operating model gives away: triage and command.

Where a model leaves a duty to the unit, the usual rights decide alone. Where it gives it to the
enterprise, they must reach the whole enterprise: rights in the unit are not enough.
"""

import datetime
from functools import cached_property

from config.access.visibility import Access, access_for
from config.errors import NotAllowed
from config.federation.models import OperatingModelVersion
from config.federation.operations import ownership
from config.federation.rules import LEVELS, MODEL_KEY, USUAL, Duty, is_of_unit
from config.governance.in_force import nearest_of
from config.organisation.models import BusinessUnit, User, UserKind
from config.organisation.rules import ancestors


def require_duty(duty: Duty, unit: BusinessUnit, at: datetime.datetime, *, actor: User) -> None:
    """Raise `NotAllowed` (`duty_elsewhere`, audited) unless the duty was the actor's at that time.

    A record asks with the time at which it was opened: it keeps its owner when the model changes.
    The system goes on with what was begun.
    """
    if actor.kind == UserKind.SYSTEM:
        return
    found = ownership(unit, at)
    owner = found.owners[duty]
    if owner == unit or access_for(actor).containers(LEVELS[duty]).everything:
        return
    raise NotAllowed(
        f"{duty.label} in {unit} lies with {owner}, by the operating model "
        f"'{found.model.label.lower()}': ask there, or propose another model.",
        code="duty_elsewhere",
        audit=True,
    )


class Duties:
    """The same for one reader and one request: models are read once for any number of records."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def allow(self, duty: Duty, unit: int, at: datetime.datetime) -> bool:
        """Whether a duty in the unit is the reader's, for a record that was opened then."""
        if not self._versions or self.access.containers(LEVELS[duty]).everything:
            return True
        chain = ancestors(self._parents, unit)
        if len(chain) == 1:
            return True  # the enterprise itself
        held = [each for each in self._versions if at in each.in_force]
        version = nearest_of(held, [*chain, None])
        model = version.model if isinstance(version, OperatingModelVersion) else USUAL
        return is_of_unit(model, duty)

    @cached_property
    def _versions(self) -> list[OperatingModelVersion]:
        rows = OperatingModelVersion.objects.filter(policy__key=MODEL_KEY, in_force__isnull=False)
        return list(rows.select_related("policy"))

    @cached_property
    def _parents(self) -> dict[int, int | None]:
        return dict(BusinessUnit.objects.values_list("pk", "parent_id"))
