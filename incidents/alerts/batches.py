"""One batch of a source's payloads: read, counted, and turned into incidents.

Most alerts of a flood repeat: they cost a share of one statement each. Only those whose
situation changes are looked at one by one.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from config import clock
from incidents.alerts import adapters, clearing, counting, promotion
from incidents.alerts.models import Alert, IngestSource, PayloadKind, PayloadState, RawPayload
from incidents.alerts.rules import (
    Effect,
    NormalisedAlert,
    Reading,
    Situation,
    Status,
    Unreadable,
    credible_end,
    fingerprint,
    is_worth_a_note,
    on_firing,
)
from incidents.catalog.models import Service, ServiceStatus
from incidents.intake.models import ItemState
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import OPEN_STATES, State


@dataclass(slots=True)
class Occurrence:
    """One alert of one payload, and what became of it."""

    payload: RawPayload
    alert: NormalisedAlert
    outcome: dict[str, Any]

    @property
    def received_at(self) -> datetime.datetime:
        """When it came in; never ahead of our own clock."""
        return min(self.payload.received_at, clock.now())


@dataclass(slots=True)
class Tally:
    """All that a batch says of one alert, in the order of arrival."""

    fingerprint: str
    occurrences: list[Occurrence] = field(default_factory=list)
    service: Service | None = None
    known: Alert | None = None
    row: Alert | None = None

    @property
    def firing(self) -> list[Occurrence]:
        """The occurrences that fire; repeats count, resolves don't."""
        return [each for each in self.occurrences if each.alert.status == Status.FIRING]

    @property
    def last(self) -> Occurrence:
        """What the tool said last."""
        return self.occurrences[-1]


class Batch:
    """Runs inside the caller's transaction."""

    def __init__(self, source: IngestSource, payloads: list[RawPayload]) -> None:
        self.source = source
        self.actor = source.account
        self.payloads = payloads
        self.tallies: dict[str, Tally] = {}
        self.groups: dict[str, Incident] = {}

    def run(self) -> None:
        """Read, count, promote, clear, and write down what became of each payload."""
        for payload in self.payloads:
            self._read(payload)
        self._find_services()
        self._find_known()
        self._count()
        self._find_groups()
        for tally in self.tallies.values():
            if tally.firing:
                self._fire(tally)
        self._clear()
        counting.finish(self.payloads)

    # Reading

    def _read(self, payload: RawPayload) -> None:
        payload.state, payload.error = PayloadState.DONE, ""
        settled = {e["index"]: e for e in payload.outcome if e.get("effect") in _SETTLED}
        payload.outcome = []
        if payload.kind == PayloadKind.CHANGE:
            payload.outcome.append({"note": "A change: kept for those who look into incidents."})
            return
        try:
            reading = adapters.read(
                payload.adapter,
                bytes(payload.body),
                payload.received_at,
                payload.headers.get(adapters.PATH, ""),
            )
        except Unreadable as error:
            payload.state, payload.error = PayloadState.QUARANTINED, str(error)
            return
        payload.outcome += [{"note": note} for note in reading.notes]
        self._set_bad_aside(payload, reading)
        bad = {item.index for item in reading.bad}
        places = (index for index in range(len(reading.alerts) + len(bad)) if index not in bad)
        for index, alert in zip(places, reading.alerts, strict=True):
            # A replay doesn't count again what counted the first time.
            outcome = settled.get(index) or {"index": index, "dedup_key": alert.dedup_key[:255]}
            payload.outcome.append(outcome)
            if index not in settled:
                self._add(Occurrence(payload, alert, outcome))

    def _set_bad_aside(self, payload: RawPayload, reading: Reading) -> None:
        if not reading.bad:
            return
        payload.state = PayloadState.QUARANTINED
        payload.outcome += [
            {"index": item.index, "effect": Effect.QUARANTINED, "error": item.text}
            for item in reading.bad
        ]
        total = len(reading.bad) + len(reading.alerts)
        texts = [f"Alert {item.index}: {item.text}" for item in reading.bad[:20]]
        payload.error = "\n".join([f"{len(reading.bad)} of {total} can't be read.", *texts])

    def _add(self, occurrence: Occurrence) -> None:
        name = fingerprint(occurrence.alert)
        self.tallies.setdefault(name, Tally(name)).occurrences.append(occurrence)

    # Looking up

    def _find_services(self) -> None:
        named = {o.alert.service for tally in self.tallies.values() for o in tally.occurrences}
        rows = Service.objects.filter(key__in=named - {""}).exclude(status=ServiceStatus.RETIRED)
        services = {row.key: row for row in rows.select_related("team__unit")}
        for tally in self.tallies.values():
            said = (tally.firing or tally.occurrences)[-1].alert.service
            tally.service = services.get(said, self.source.service)

    def _find_known(self) -> None:
        rows = Alert.objects.filter(source=self.source, fingerprint__in=self.tallies)
        locked = rows.select_for_update(no_key=True, of=("self",)).order_by("fingerprint")
        known = {row.fingerprint: row for row in locked.select_related("service")}
        incidents = self._incidents(row.incident_id for row in known.values())
        for name, row in known.items():
            if row.incident_id is not None:
                row.incident = incidents[row.incident_id]
            self.tallies[name].known = row

    def _incidents(self, names: Iterable[int | None]) -> dict[int, Incident]:
        wanted = {name for name in names if name is not None}
        rows = Incident.objects.filter(pk__in=wanted).select_related("unit", "service")
        return rows.defer("search").in_bulk()

    def _find_groups(self) -> None:
        digests = {
            tally.row.group_digest
            for tally in self.tallies.values()
            if tally.row is not None and tally.row.group_digest
        }
        rows = Alert.objects.filter(
            source=self.source, group_digest__in=digests, incident__state__in=OPEN_STATES
        )
        found = dict(rows.order_by("id").values_list("group_digest", "incident"))
        incidents = self._incidents(found.values())
        self.groups = {name: incidents[pk] for name, pk in found.items()}

    def _count(self) -> None:
        fired = [tally for tally in self.tallies.values() if tally.firing]
        counting.upsert(self.source, fired)
        rows = Alert.objects.filter(
            source=self.source, fingerprint__in=[t.fingerprint for t in fired]
        )
        for row in rows.select_related(*_ENDS):
            tally = self.tallies[row.fingerprint]
            row.incident = tally.known.incident if tally.known else None
            tally.row = row

    # Firing

    def _fire(self, tally: Tally) -> None:
        alert, first = tally.row, tally.firing[0]
        assert alert is not None  # noqa: S101  # _count has set it for whatever fires
        effect = self._promote(tally, alert, first)
        for occurrence in tally.firing:
            repeated = Effect.ATTACHED if occurrence is not first else effect
            self._note_outcome(occurrence, alert, repeated)

    def _promote(self, tally: Tally, alert: Alert, first: Occurrence) -> Effect:
        effect = on_firing(self._situation(tally, alert, first))
        if effect == Effect.ATTACHED:
            self._attach(tally, alert)
            return effect
        if effect == Effect.JOINED:
            incident = self.groups[alert.group_digest]
            if promotion.join(incident, alert, actor=self.actor):
                self._belongs(alert, incident)
                return effect
        if effect == Effect.REOPENED and alert.incident is not None:
            at = first.received_at
            if promotion.reopen(alert.incident, alert, actor=self.actor, received_at=at):
                self._belongs(alert, alert.incident)
                return effect
        if promotion.waits_for_a_person(alert):
            return self._take_in(tally, alert, first)
        opened = promotion.open_for(alert, actor=self.actor, received_at=first.received_at)
        self._belongs(alert, opened)
        return Effect.OPENED

    def _take_in(self, tally: Tally, alert: Alert, first: Occurrence) -> Effect:
        """One report for an episode, however often the alert repeats while somebody looks at it."""
        goes_on = tally.known is not None and tally.known.state == Status.FIRING
        if alert.report is not None and (goes_on or alert.report.state == ItemState.OPEN):
            return Effect.ATTACHED
        item = promotion.take_in(alert, actor=self.actor, received_at=first.received_at)
        Alert.objects.filter(pk=alert.pk).update(report=item)
        alert.report = item
        return Effect.REPORTED

    def _situation(self, tally: Tally, alert: Alert, first: Occurrence) -> Situation:
        incident = alert.incident
        group_open = alert.group_digest in self.groups
        was_firing = tally.known is not None and tally.known.state == Status.FIRING
        if incident is None:
            return Situation(was_firing=was_firing, group_open=group_open)
        ended_at = incident.resolved_at
        return Situation(
            was_firing=was_firing,
            has_incident=True,
            incident_open=incident.is_open,
            incident_cancelled=incident.state == State.CANCELLED,
            ended_before_it_fired=ended_at is None or ended_at < tally.firing[-1].received_at,
            within_reopen_days=not incident.is_open and promotion.can_reopen(incident),
            group_open=group_open,
        )

    def _attach(self, tally: Tally, alert: Alert) -> None:
        incident, known = alert.incident, tally.known
        if incident is None or known is None or not incident.is_open:
            return
        if known.state == Status.RESOLVED:
            promotion.fires_again(incident, alert, actor=self.actor)
        elif is_worth_a_note(known.count, alert.count):
            text = f"Has fired {alert.count:,} times: {alert.title}"
            promotion.note(incident, text, actor=self.actor, alert_id=alert.pk)
        if promotion.is_worse(alert.level, known.level) or alert.labels != known.labels:
            promotion.worsen(incident, alert, actor=self.actor)

    def _belongs(self, alert: Alert, incident: Incident) -> None:
        if alert.incident_id != incident.pk:
            Alert.objects.filter(pk=alert.pk).update(incident=incident)
        alert.incident = incident
        if alert.group_digest:
            self.groups[alert.group_digest] = incident

    # Clearing

    def _clear(self) -> None:
        ended = []
        for tally in self.tallies.values():
            effect = self._end(tally)
            alert = tally.row or tally.known
            for occurrence in tally.occurrences:
                if occurrence.alert.status == Status.RESOLVED:
                    mine = effect if occurrence is tally.last else Effect.CLEARED
                    self._note_outcome(occurrence, alert, mine if alert else Effect.IGNORED)
            if effect == Effect.RESOLVED and alert is not None:
                ended.append(alert)
        if ended:
            clearing.finish(ended)

    def _end(self, tally: Tally) -> Effect:
        """A resolve counts once: of an unknown alert, or of one that has cleared, it is noise."""
        last, alert = tally.last, tally.row or tally.known
        if last.alert.status != Status.RESOLVED or alert is None:
            return Effect.IGNORED
        if alert.state == Status.RESOLVED or alert.resolve_pending_at is not None:
            return Effect.IGNORED
        ended_at = credible_end(
            last.alert.ends_at, began_at=alert.starts_at, received_at=last.received_at
        )
        return clearing.begin(alert, ended_at=ended_at)

    def _note_outcome(self, occurrence: Occurrence, alert: Alert | None, effect: Effect) -> None:
        occurrence.outcome["effect"] = effect
        if alert is not None:
            occurrence.outcome["alert"] = alert.pk
            occurrence.outcome["fingerprint"] = alert.fingerprint
            if alert.incident is not None:
                occurrence.outcome["incident"] = alert.incident.reference
            elif alert.report is not None:
                occurrence.outcome["report"] = alert.report.reference


_ENDS = ("service__team__unit", "team__unit", "source__account", "report")
_SETTLED = frozenset(set(Effect.values) - {Effect.QUARANTINED})
