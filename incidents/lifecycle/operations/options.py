"""What somebody can do to an incident now, and what stands in the way."""

from config import clock
from config.access.rules import Level
from config.access.visibility import access_for
from config.errors import Blocker
from config.events.operations import blockers
from config.governance.in_force import setting
from config.organisation.models import User
from incidents.lifecycle import rules
from incidents.lifecycle.models import Incident


class Options:
    """For one reader and one request: rights and settings are read once for any number of rows."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.access = access_for(user)
        self._reopen_days: dict[int, int] = {}
        self._rights: dict[tuple[int | None, ...], frozenset[str]] = {}

    def verbs(self, incident: Incident) -> list[str]:
        """The verbs that table, time and rights allow to the reader; guards are asked apart."""
        rights = self._rights_on(incident)
        return [
            verb
            for verb in rules.verbs_from(incident.state)
            if verb in rights and self.makes_sense(verb, incident)
        ]

    def responds(self) -> bool:
        """Whether the reader works on incidents anywhere: enough to fill the triage queue."""
        reached = self.access.containers(Level.RESPOND)
        return reached.everything or bool(reached.teams or reached.services)

    def blockers(self, incident: Incident) -> list[Blocker]:
        """What guards say of the verbs that the table allows, each thing once."""
        found = [
            blocker
            for verb in rules.verbs_from(incident.state)
            for blocker in self.blockers_of(verb, incident)
        ]
        return list(dict.fromkeys(found))

    def blockers_of(self, verb: str, incident: Incident) -> list[Blocker]:
        """What guards say of one verb."""
        return blockers(f"incident.{verb}", incident)

    def makes_sense(self, verb: str, incident: Incident) -> bool:
        """False for what would change nothing, can't be done by a tool, or comes too late."""
        if verb == "acknowledge":
            return self.user.is_person and incident.acknowledged_by_id != self.user.pk
        if verb == "reopen" and incident.resolved_at is not None:
            days = self._days(incident)
            return clock.now() <= rules.reopen_until(incident.resolved_at, days)
        return True

    def _rights_on(self, incident: Incident) -> frozenset[str]:
        """Read once for all incidents of a place: rights come from it, but to restricted ones."""
        place = (incident.service_id, incident.team_id, incident.unit_id)
        key = (*place, incident.pk if incident.is_restricted else None)
        if key not in self._rights:
            self._rights[key] = self.access.verbs(incident)
        return self._rights[key]

    def _days(self, incident: Incident) -> int:
        if incident.unit_id not in self._reopen_days:
            self._reopen_days[incident.unit_id] = setting(
                "lifecycle.reopen_days", unit=incident.unit
            )
        return self._reopen_days[incident.unit_id]
