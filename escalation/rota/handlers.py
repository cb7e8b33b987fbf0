"""What the floors below may ask of the schedules."""

import datetime

from config.doctor import Result, check
from config.events.operations import provides
from config.organisation.models import User
from escalation.responders.operations import verified_counts
from escalation.rota.models import Schedule
from escalation.rota.operations import on_call_each, on_call_of_team


@provides("oncall.now")
def oncall_now(team_id: int, at: datetime.datetime | None = None) -> list[User]:
    """Who is on call for a team; empty where no schedule covers the instant."""
    return on_call_of_team(team_id, at)


@check("on_call")
def on_call_reachable() -> Result:
    """Each active schedule has somebody on call now, with an address that was verified."""
    schedules = list(Schedule.objects.filter(is_active=True).order_by("key"))
    people = on_call_each(schedules)
    counts = verified_counts(people.values())
    nobody = [each.key for each in schedules if each.pk not in people]
    mute = [each.key for each in schedules if each.pk in people and not counts[people[each.pk].pk]]
    if not nobody and not mute:
        return Result(True, f"somebody who can be reached in each of {len(schedules)} schedules")
    parts = [f"nobody is on call: {', '.join(nobody)}"] if nobody else []
    parts += [f"who is on call has no verified address: {', '.join(mute)}"] if mute else []
    remedy = "Fill the gap under On-call, Schedules; let people verify a contact method."
    return Result(False, "; ".join(parts), remedy)
