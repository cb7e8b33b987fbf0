"""Makes addresses, schedules and policies for tests, by their operations."""

import datetime
import itertools
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from config.audit.tracking import lock
from config.due.models import Channel
from config.governance.activation import put_in_force
from config.governance.content import content_of
from config.governance.models import PolicyVersion
from config.governance.operations import propose
from config.governance.rules import content_hash
from config.organisation.models import Team, User
from escalation.paging.models import Page
from escalation.policies.models import EscalationPolicyVersion, Target
from escalation.responders.models import ContactMethod
from escalation.responders.operations import add_contact_method, trust_contact_method
from escalation.rota.models import Schedule
from escalation.rota.operations import LayerPlan, create_schedule
from escalation.runs.models import EscalationRecord
from incidents.lifecycle.models import Incident
from tests.config import make

START = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.UTC)
_numbers = itertools.count(1)


def contact(
    person: User, address: str = "", *, channel: Channel = Channel.MAIL, position: int = 1
) -> ContactMethod:
    """A verified address."""
    address = address or f"{person.username}{next(_numbers)}@example.org"
    method = add_contact_method(
        person, channel=channel, address=address, actor=person, position=position
    )
    trust_contact_method(method, actor=make.system(), reason="test")
    return method


def layer(*people: User, **fields: Any) -> LayerPlan:
    """A weekly rotation that hands over on Mondays at nine."""
    fields = {
        "name": "Primary",
        "starts_on": datetime.date(2026, 3, 2),
        "handoff": datetime.time(9),
        **fields,
    }
    return LayerPlan(people=people, **fields)


def schedule(team: Team, *people: User, key: str = "", **fields: Any) -> Schedule:
    """A schedule of one weekly rotation, or of `layers`."""
    key = key or f"schedule-{next(_numbers)}"
    fields.setdefault("layers", [layer(*people)] if people else [])
    return create_schedule(key=key, name=key.title(), team=team, actor=make.system(), **fields)


def person_tier(person: User, wait: int | None = 5) -> dict[str, Any]:
    """A tier that pages one person."""
    return {"target": Target.PERSON, "person": person, "wait_minutes": wait}


@transaction.atomic
def policy(
    tiers: Sequence[dict[str, Any]], *, key: str = "default", rounds: int = 1
) -> EscalationPolicyVersion:
    """The next version of the policy with these tiers in order, in force from now on."""
    rows = [{"line": f"t{n}", "position": n, **tier} for n, tier in enumerate(tiers, start=1)]
    return in_force(EscalationPolicyVersion, key, values={"rounds": rounds}, parts={"tiers": rows})


def in_force[M: PolicyVersion](model: type[M], key: str, **content: Any) -> M:
    """The next version of any policy with this content, in force from now on."""
    system = make.system()
    version = propose(model, key, actor=system, title=key.title(), reason="test", **content)
    lock(version.policy)
    version.content_hash = content_hash(content_of(version))
    put_in_force(version, system, mode="installation", reason="test")
    return version


def paged(**filters: Any) -> list[tuple[str, int, int]]:
    """Who was paged for which tier of which round, in order."""
    rows = Page.objects.filter(**filters).order_by("created_at", "tier", "responder__username")
    return [(page.responder.username, page.tier, page.round) for page in rows]


def after(minutes: float) -> datetime.datetime:
    """So many minutes after START."""
    return START + datetime.timedelta(minutes=minutes)


def kinds(incident: Incident) -> list[str]:
    """The record of its escalations: kind, tier and round."""
    rows = EscalationRecord.objects.filter(run__incident=incident).order_by("id")
    return [f"{row.kind} {row.tier}/{row.round}" for row in rows]


def lines(incident: Incident) -> list[str]:
    """What its timeline says."""
    return [line.text for line in incident.timeline.order_by("id")]
