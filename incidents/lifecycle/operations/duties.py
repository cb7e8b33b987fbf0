"""Triage and command belong to whom the operating model of the incident's unit gives them."""

from config.federation.duties import require_duty
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import DUTY_OF


def require_owner(verb: str, incident: Incident, *, actor: User) -> None:
    """Raise `NotAllowed` (`duty_elsewhere`, audited) where the verb is somebody else's duty.

    By the model that was in force when the incident was opened.
    """
    if verb in DUTY_OF:
        require_duty(DUTY_OF[verb], incident.unit, incident.opened_at, actor=actor)
