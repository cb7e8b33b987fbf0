"""What somebody can do to an incident now, and what stands in the way."""

from config import clock
from config.access.rules import Level
from config.access.visibility import access_for
from config.errors import Blocker
from config.events.operations import blockers
from config.federation.duties import Duties
from config.federation.rules import Duty
from config.governance.in_force import setting
from config.organisation.models import User
from incidents.lifecycle import rules
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations.components import unrestored
from incidents.lifecycle.operations.provisional import may_declare, open_provisional
from incidents.lifecycle.operations.reassessing import open_request

# What `verbs` lists: transitions, and taking it on.
_LISTED = frozenset((*rules.VERBS, "acknowledge"))


def severity_verbs(incident: Incident) -> list[str]:
    """What can be done about the severity as it stands, by whoever has the right."""
    if incident.state in rules.OVER:
        return []
    pending = open_request(incident)
    found = ["decide_severity", "withdraw_severity"] if pending else ["change_severity"]
    provisional = open_provisional(incident)
    if provisional is not None:
        found += ["confirm_provisional", "lower_provisional"]
        found += [] if provisional.extended_at else ["extend_provisional"]
    elif incident.is_open and incident.severity != rules.WORST:
        found.append("declare_provisional")
    return ["revise_impact", *found]


def component_verbs(incident: Incident) -> list[str]:
    """What can be done about components."""
    if not incident.is_open:
        return []
    return ["set_component", "split_off"] if unrestored(incident) else ["set_component"]


class Options:
    """For one reader and one request: rights and settings are read once for any number of rows."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.access = access_for(user)
        self._duties = Duties(self.access)
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
        """False for what would change nothing, is another's duty, or comes too late."""
        if verb in rules.DUTY_OF and not self._owns(rules.DUTY_OF[verb], incident):
            return False
        if verb == "acknowledge":
            return self.user.is_person and incident.acknowledged_by_id != self.user.pk
        if verb == "decide_severity":
            request = open_request(incident)
            return request is not None and request.requested_by_id != self.user.pk
        if verb == "withdraw_severity":
            request = open_request(incident)
            return request is not None and request.requested_by_id == self.user.pk
        if verb == "declare_provisional":
            return may_declare(self.access, incident)
        if verb == "reopen" and incident.resolved_at is not None:
            days = self._days(incident)
            return clock.now() <= rules.reopen_until(incident.resolved_at, days)
        return True

    def _owns(self, duty: Duty, incident: Incident) -> bool:
        return self._duties.allow(duty, incident.unit_id, incident.opened_at)

    def _rights_on(self, incident: Incident) -> frozenset[str]:
        """Read once for all incidents of a place: rights come from it, but to restricted ones."""
        place = (incident.service_id, incident.team_id, incident.unit_id)
        key = (*place, incident.pk if incident.is_restricted else None)
        if key not in self._rights:
            self._rights[key] = self.access.verbs(incident, _LISTED)
        return self._rights[key]

    def _days(self, incident: Incident) -> int:
        if incident.unit_id not in self._reopen_days:
            self._reopen_days[incident.unit_id] = setting(
                "lifecycle.reopen_days", unit=incident.unit
            )
        return self._reopen_days[incident.unit_id]
