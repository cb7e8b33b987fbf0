"""What the taxonomy does when a version of it takes force, and what stands against that."""

from config.errors import Blocker
from config.events.models import Event
from config.events.operations import guard, within
from incidents.terms.models import TaxonomyVersion
from incidents.terms.operations import blockers_of, keep_values


@guard(f"policy.activate:{TaxonomyVersion.policy_kind}")
def taxonomy_is_whole(version: TaxonomyVersion) -> list[Blocker]:
    """Every value hangs where it may, none vanishes, and units redefine nothing."""
    return blockers_of(version)


@within("policy.activated")
def keep_what_records_refer_to(event: Event) -> None:
    """The values of the version exist from the instant on at which it holds."""
    if isinstance(event.held, TaxonomyVersion):
        keep_values(event.held, actor=event.actor)
