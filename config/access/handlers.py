"""Loads the doors of the organisation, and what the log tells of whom, with the product."""

from config.access import delegations, directory, telling
from config.events.operations import provides
from config.organisation.models import User

__all__ = ["delegations", "directory", "telling"]


@provides("access.acts_for")
def acts_for(person: User) -> tuple[int, ...]:
    """The keys of those for whom the person stands in now: four eyes count them as one."""
    return delegations.principals_of(person)
