"""When alerts clear: the hold, in which a flap is no end, and what their incidents do then."""

import datetime
from collections.abc import Iterable

from django.db import models, transaction

from config import clock
from config.audit.tracking import lock
from config.due.models import Timer
from config.due.operations import schedule
from config.errors import DomainError
from config.governance.in_force import setting
from config.organisation.models import User
from incidents.alerts.models import Alert
from incidents.alerts.promotion import note
from incidents.alerts.rules import Effect, Status
from incidents.lifecycle import operations as lifecycle
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import State

HOLD = "alerts.resolve_hold"


def begin(alert: Alert, *, ended_at: datetime.datetime) -> Effect:
    """The tool cleared the alert. The caller has locked its row.

    CLEARED: it will be resolved at the end of the hold. RESOLVED: there is no hold, and the
    caller hands the alert to `finish`, together with others of its batch.
    """
    incident = alert.incident
    hold = setting(f"{HOLD}_seconds", unit=incident.unit if incident else None)
    alert.ends_at = ended_at
    if not hold or incident is None:
        alert.save(update_fields=["ends_at"])
        return Effect.RESOLVED
    alert.resolve_pending_at = clock.now() + datetime.timedelta(seconds=hold)
    alert.save(update_fields=["ends_at", "resolve_pending_at"])
    # A key for each second: alerts that clear together end together, with one line to read, and
    # one that flaps never puts off the end of another.
    key = f"{incident.pk}:{int(alert.resolve_pending_at.timestamp())}"
    schedule(HOLD, incident, alert.resolve_pending_at, key=key)
    return Effect.CLEARED


def lock_held(timer: Timer) -> Incident | None:
    """Lock the alerts first, then let `finish` lock the incident: the order of all this room."""
    rows = _held(timer).select_for_update(no_key=True, of=("self",)).order_by("fingerprint")
    list(rows)
    return Incident.objects.filter(pk=timer.root_id).first()


def end_hold(timer: Timer) -> None:
    """Resolve what stayed clear; what fired again in between is no longer held."""
    finish(_held(timer).select_related("source__account").order_by("fingerprint"))


def _held(timer: Timer) -> models.QuerySet[Alert]:
    return Alert.objects.filter(incident=timer.root_id, resolve_pending_at__lte=timer.due_at)


def finish(alerts: Iterable[Alert]) -> None:
    """Mark locked alerts as resolved, and bring each of their incidents a step on."""
    cleared = list(alerts)
    Alert.objects.filter(pk__in=[alert.pk for alert in cleared]).update(
        state=Status.RESOLVED, resolve_pending_at=None
    )
    last = {alert.incident_id: alert for alert in cleared if alert.incident_id is not None}
    for pk in sorted(last):
        _settle(Incident.objects.get(pk=pk), actor=last[pk].source.account)


def _settle(incident: Incident, *, actor: User) -> None:
    # Under the incident's lock: of two alerts that clear at once, the second sees the first.
    lock(incident)
    if not incident.is_open:
        return
    rows = list(incident.alerts.values_list("state", "ends_at"))
    firing = sum(state == Status.FIRING for state, _ in rows)
    if firing:
        note(incident, f"{len(rows) - firing} of {len(rows)} alerts cleared.", actor=actor)
        return
    ended_at = max(ends for _, ends in rows if ends is not None)
    what = "The alert has cleared." if len(rows) == 1 else f"All {len(rows)} alerts have cleared."
    if incident.severity in setting("alerts.auto_resolve", unit=incident.unit):
        _resolve(incident, what, ended_at, actor=actor)
    else:
        _watch(incident, f"{what} A person decides when it is resolved.", actor=actor)


def _resolve(incident: Incident, what: str, ended_at: datetime.datetime, *, actor: User) -> None:
    at = min(max(ended_at, incident.started_at or ended_at), clock.now())
    try:
        with transaction.atomic():
            lifecycle.resolve(incident, actor=actor, at=at, note=what)
    except DomainError as error:
        lock(incident)
        _watch(incident, f"{what} It does not resolve by itself: {error.detail}", actor=actor)


def _watch(incident: Incident, what: str, *, actor: User) -> None:
    if incident.state != State.MONITORING:
        try:
            with transaction.atomic():
                lifecycle.monitor(incident, actor=actor, note=what)
        except DomainError:
            lock(incident)
        else:
            return
    note(incident, what, actor=actor)
