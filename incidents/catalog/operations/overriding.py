"""Whether a service is in scope: by the scope rule, or for a time by a person's word."""

import datetime
from typing import Any

from django.db import transaction

from config import clock
from config.audit.tracking import lock
from config.due.operations import cancel, schedule
from config.errors import Invalid, Refused
from config.events.operations import record
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.catalog.rules import OVERRIDDEN, ScopeOverride
from incidents.catalog.scope import facts_of
from incidents.scoping.operations import Judged, judge

OVERRIDE_ENDS = "service.scope_override_ends"
LONGEST = datetime.timedelta(days=366)
_OVERRIDE = ("scope_override", "scope_override_reason", "scope_override_until")


def why(service: Service) -> Judged:
    """What the rule in force says of the service now, with what each condition found."""
    return judge(facts_of(service), service.team.unit)


def derive(service: Service) -> list[dict[str, Any]]:
    """Set what follows from the rule and the override; returns what differs. Saves nothing."""
    judged = why(service)
    in_scope, reportable = judged.in_scope, judged.sla_reportable
    if service.scope_override:
        in_scope, reportable = OVERRIDDEN[service.scope_override]
    wanted = {
        "in_scope": in_scope,
        "is_sla_reportable": reportable,
        "scope_version_id": judged.version.pk if judged.version else None,
        "scope_line": judged.line,
    }
    changes = [
        {"field": name.removesuffix("_id"), "old": getattr(service, name), "new": value}
        for name, value in wanted.items()
        if getattr(service, name) != value
    ]
    for name, value in wanted.items():
        setattr(service, name, value)
    return changes


@transaction.atomic
def override_scope(
    service: Service,
    *,
    actor: User,
    to: str,
    reason: str,
    until: datetime.datetime,
) -> Service:
    """Decide against the rule, for a reason and a time; a later override takes its place.

    Raises `Invalid` for the field that is wrong.
    """
    lock(service)
    if to not in ScopeOverride.values:
        raise Invalid(f"Choose one of {', '.join(ScopeOverride.values)}.", field="to")
    if not reason.strip():
        raise Invalid("Say why the rule shall not decide.", field="reason")
    if not clock.now() < until <= clock.now() + LONGEST:
        raise Invalid("Choose an end within the next year.", field="until")
    service.scope_override = to
    service.scope_override_reason = reason.strip()
    service.scope_override_until = until
    _save(service, actor, reason)
    schedule(OVERRIDE_ENDS, service, until)
    record(
        "service.scope_overridden",
        service,
        actor=actor,
        reason=reason,
        to=to,
        until=until.isoformat(),
    )
    return service


@transaction.atomic
def end_scope_override(service: Service, *, actor: User, reason: str = "") -> Service:
    """Let the rule decide again. Raises `Refused` where it does already."""
    lock(service)
    if not service.scope_override:
        raise Refused("The scope of this service isn't overridden.", code="scope_not_overridden")
    was = service.scope_override
    service.scope_override, service.scope_override_reason = "", ""
    service.scope_override_until = None
    _save(service, actor, reason)
    cancel(OVERRIDE_ENDS, service)
    record("service.scope_override_ended", service, actor=actor, reason=reason, was=was)
    return service


@transaction.atomic
def derive_again(service: Service, *, actor: User, reason: str) -> bool:
    """Let the rule decide anew, after it has changed; True where the answer differs."""
    lock(service)
    changes = derive(service)
    if not {"in_scope", "is_sla_reportable", "scope_line"} & {each["field"] for each in changes}:
        return False
    service.save_as(actor, *(each["field"] for each in changes), reason=reason)
    said = [each for each in changes if not each["field"].startswith("scope_")]
    record("service.scope_derived", service, actor=actor, reason=reason, changes=said)
    return True


def derive_all(*, actor: User, reason: str) -> int:
    """The same for every service, each by itself; returns how many answers differed."""
    services = Service.objects.select_related("team__unit").order_by("pk")
    return sum(derive_again(each, actor=actor, reason=reason) for each in services.iterator())


def _save(service: Service, actor: User, reason: str) -> None:
    derived = [each["field"] for each in derive(service)]
    service.full_clean()
    service.save_as(actor, *_OVERRIDE, *derived, reason=reason)
