"""Reads of restricted incidents leave a trace."""

from collections.abc import Iterable

from config import clock, origin
from config.events.models import RestrictedRead
from config.organisation.models import User
from incidents.lifecycle.models import Incident


def note_reads(incidents: Iterable[Incident], *, actor: User, what: str) -> None:
    """Write down that the actor saw those of the incidents that are restricted."""
    ids = [incident.pk for incident in incidents if incident.is_restricted]
    if ids:
        RestrictedRead.objects.create(
            actor=actor,
            subject_type=Incident._meta.label_lower,
            subject_ids=ids,
            origin=origin.current(),
            at=clock.now(),
            what=what[:200],
        )
