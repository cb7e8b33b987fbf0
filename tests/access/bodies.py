"""A good body for each route that creates: in what payments owns, so that only theirs may."""

import datetime
from typing import Any

from compliance.evidence.models import AuditRequest
from config import clock
from config.breakglass.models import BreakGlass
from config.governance.models import Policy
from config.organisation.models import BusinessUnit, Team
from escalation.rota.models import Schedule
from incidents.catalog.models import Service
from incidents.components.models import Component
from incidents.lifecycle.models import Incident
from tests.access.world import World

type Body = dict[str, Any]


# By how the route's name ends: whatever kind the policy is of.
OF_ANY_POLICY: dict[str, Body] = {
    "-comment": {"text": "Why seven?"},
    "-sign-off": {"capacity": "legal"},
}


def body_for(name: str, world: World) -> Body:
    """By the route's name; a route that creates needs a line in `_bodies`."""
    found = _bodies(world)
    for verb, body in OF_ANY_POLICY.items():
        if name.endswith(verb):
            return body
    if name not in found:
        raise LookupError(f"{name}: write a good body for it in tests/access/bodies.py")
    return found[name]


def _enterprise_policy() -> int:
    found = Policy.objects.filter(unit=None).order_by("pk").first()
    assert found is not None
    return int(found.pk)


def _bodies(world: World) -> dict[str, Body]:
    team, unit = world[Team].key, world[BusinessUnit].key
    service, why = world[Service].key, "a test"
    now = clock.now()
    day = datetime.timedelta(days=1)
    period = {"period_from": now - day, "period_until": now}
    turn = {"name": "First", "starts_on": "2026-03-02", "handoff": "09:00", "people": ["alice"]}
    return {
        "unit-list": {"key": "new", "name": "New", "parent": unit},
        "team-list": {"key": "new", "name": "New", "unit": unit},
        "user-list": {"username": "new", "name": "New", "email": "new@example.org"},
        "token-list": {"name": "New", "scopes": ["incident:read"]},
        "role-assignment-list": {
            "role": "analyst", "person": "bob", "container_type": "team", "container": team,
            "reason": why,
        },
        "delegation-list": {"delegate": "alice", "until": now + day, "reason": why},
        "approval-matrix-list": {"key": "default"},
        "agreement-list": {"key": "new", "unit": unit},
        "policy-freedom-list": {"about": _enterprise_policy(), "freedom": "locked"},
        "operating-model-list": {"key": "default"},
        "segregation-matrix-list": {"key": "default"},
        "duty-exception-list": {
            "person": "bob", "first": "policy_author", "second": "policy_approver",
            "until": now + day, "reason": why,
        },
        "delegation-revoke": {"reason": why},
        "role-assignment-change-end": {"until": now + day, "reason": why},
        "break-glass-list": {"record": world[BreakGlass].record_name, "reason": why},
        "break-glass-review": {"outcome": "justified", "finding": why},
        "setting-list": {"key": "alerts.resolve_hold_seconds", "unit": unit, "value": 60},
        "severity-table-list": {"key": "default"},
        "intake-template-list": {"type": "any"},
        "qualification-table-list": {"key": "default"},
        "intake-item-list": {"title": "New", "service": service},
        "conversion-list": {
            "incident": world[Incident].reference, "outcome": "problem", "reason": why,
        },
        "taxonomy-list": {"entries": []},
        "savedview-list": {
            "model": "incidents.incident", "name": "New", "query": "attention=open", "team": team,
        },
        "scope-rule-list": {"key": "default"},
        "raci-matrix-list": {"key": "default"},
        "boundary-list": {"key": "default"},
        "tool-function-list": {"function": "chat_rooms", "unit": unit, "team": team},
        "calendar-list": {"key": "new", "name": "New", "unit": unit, "time_zone": "UTC"},
        "business-function-list": {"key": "new", "name": "New", "unit": unit},
        "service-list": {"key": "new", "name": "New", "team": team, "tier": 3},
        "catalogue-import-list": {"what": "services", "content": "key,name\nnew,New\n"},
        "component-list": {
            "key": "new", "name": "New", "team": team, "kind": "network", "domain": "network",
        },
        "dependency-list": {
            "source_component": world[Component].key, "target_service": service,
            "strength": "soft",
        },
        "cmdb-proposal-list": {
            "incident": world[Incident].reference, "kind": "retired",
            "item_component": world[Component].key, "note": why,
        },
        "incident-list": {"title": "New", "service": service, "level": "error"},
        "incident-timeline": {"text": "A line"},
        "incident-time-claims": {"which": "started", "at": now - day},
        "incident-severity-changes": {
            "to": "SEV4", "reason_code": "misjudged", "justification": why,
        },
        "incident-components": {"name": "Search", "state": "down"},
        "ingest-source-list": {"name": "new", "adapter": "generic", "team": team},
        "contactmethod-list": {"channel": "mail", "address": "new@example.org"},
        "schedule-list": {"key": "new", "name": "New", "team": team, "layers": [turn]},
        "override-list": {
            "schedule": world[Schedule].key, "user": "bob",
            "start": now + 9 * day, "end": now + 10 * day,
        },
        "escalationpolicy-list": {"key": "new", "unit": unit, "rounds": 1, "tiers": []},
        "escalationpolicyuse-list": {"policy": "default", "service": service},
        "escalation-list": {"incident": world[Incident].reference, "reason": why},
        "auditrequest-list": {"title": "New", "reason": why, **period},
        "feedback-list": {"text": "New"},
        "export-list": {"request": world[AuditRequest].pk},
        "role-assignment-revoke": {"reason": why},
    }  # fmt: skip
