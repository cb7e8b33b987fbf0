"""What the floors below may ask of the schedules."""

import datetime

from config.events.operations import provides
from config.organisation.models import User
from escalation.rota.operations import on_call_of_team


@provides("oncall.now")
def oncall_now(team_id: int, at: datetime.datetime | None = None) -> list[User]:
    """Who is on call for a team; empty where no schedule covers the instant."""
    return on_call_of_team(team_id, at)
