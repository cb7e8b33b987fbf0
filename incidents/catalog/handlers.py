"""The catalogue over time: overrides end, and a new scope rule decides anew."""

import datetime

from config.due.jobs import job
from config.due.models import Timer
from config.due.operations import timer
from config.events.models import Event
from config.events.operations import on
from config.organisation.models import User
from incidents.catalog import replay
from incidents.catalog.models import Service
from incidents.catalog.operations import OVERRIDE_ENDS, derive_all, end_scope_override
from incidents.scoping.models import ScopeRuleVersion

__all__ = ["replay"]


@timer(OVERRIDE_ENDS)
def override_ends(row: Timer, service: Service) -> None:
    """At its time, unless it was ended or prolonged meanwhile."""
    if service.scope_override_until == row.due_at:
        end_scope_override(service, actor=User.objects.system(), reason="The override ended")


@on("policy.activated", name="catalog.derive_scope")
def decide_anew(event: Event) -> None:
    """A scope rule that comes into force decides about every service."""
    if event.subject_type == ScopeRuleVersion._meta.label_lower:
        derive_all(actor=User.objects.system(), reason="A new scope rule came into force")


@job("catalog.derive_scope", every="daily")
def derive_scope(as_of: datetime.datetime) -> str:
    """What a lost delivery, or the end of a unit's own rule, has left behind."""
    reason = "The scope rule in force"
    return f"{derive_all(actor=User.objects.system(), reason=reason)} services differed"
