"""Which rows answer an audit request: every part of a pack, bounded by the approved scope.

Restricted incidents that the requester may not see are left out of every part. Their log entries
are listed as withheld, without content, so that nothing can be left out in silence.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from compliance.evidence import enterprise
from compliance.evidence.enterprise import Rows, history, within
from compliance.evidence.rules import Scope
from config.audit.models import Leaf, LedgerEntry
from config.audit.packing import PackWriter
from config.events.models import Event
from config.governance.models import (
    Approval,
    ChangeReference,
    Comment,
    PolicyVersion,
    SignOff,
)
from config.organisation.models import BusinessUnit, User
from config.organisation.rules import descendants
from escalation.paging.models import Page
from escalation.runs.models import EscalationRecord, EscalationRun
from incidents.cmdb.models import UpdateProposal
from incidents.intake.models import Conversion
from incidents.lifecycle.models import (
    AffectedComponent,
    Incident,
    IncidentEngagement,
    IncidentLink,
    KeyTimeClaim,
    ProvisionalSeverity,
    SeverityChange,
    SeverityDecision,
)
from incidents.timeline.models import TimelineEntry
from postmortems.reviews.models import Review

BATCH = 1000
UNSEALED = frozenset({"incidents", "pages", "policy_versions"})


@dataclass(frozen=True)
class Part:
    """One table of the pack: its name, its rows in order, and those that are held back."""

    name: str
    rows: Rows
    withheld: Rows | None = None

    @property
    def columns(self) -> list[str]:
        """The stored columns; what a model keeps out of its history stays out of packs too."""
        hidden = getattr(self.rows.model, "history_excluded", ())
        fields = self.rows.model._meta.concrete_fields
        return [field.attname for field in fields if field.name not in hidden]

    def given(self, pack: PackWriter) -> Iterator[dict[str, Any]]:
        """The rows, streamed, each with its proof; without those that the pack can't prove.

        A row committed after the pack began has no leaf in its log: it belongs to the next pack.
        """
        rows = self.rows.order_by("pk").values(*self.columns).iterator(chunk_size=BATCH)
        if self.name in UNSEALED:
            yield from rows
            return
        key = self.rows.model._meta.pk.attname
        for some in batched(rows, BATCH):
            entries = self._entries((row[key] for row in some), pack.size)
            pack.add_entries(entries.values())
            yield from (row for row in some if str(row[key]) in entries)

    def withhold(self, pack: PackWriter) -> None:
        """List the entries of the rows that are held back."""
        if self.withheld is None or self.name in UNSEALED:
            return
        keys = self.withheld.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=BATCH)
        for some in batched(keys, BATCH):
            seqs = set(self._entries(some, pack.size).values())
            pack.add_entries(seqs, withheld=seqs)

    def _entries(self, keys: Iterable[Any], size: int) -> dict[str, int]:
        """Of these rows, by key: the entries within the log of that size."""
        leaf = Leaf.objects.filter(seq=OuterRef("seq"), index__lt=size)
        found = LedgerEntry.objects.filter(
            Exists(leaf),
            table_name=self.rows.model._meta.db_table,
            row_key__in=[str(key) for key in keys],
        )
        return dict(found.values_list("row_key", "seq"))


def incidents_of(scope: Scope) -> "models.QuerySet[Incident]":
    """The incidents in scope: opened before its end, and not over before its beginning."""
    rows = Incident.objects.filter(opened_at__lt=scope.period_until)
    still = Q(resolved_at__isnull=True) | Q(resolved_at__gte=scope.period_from)
    rows = rows.filter(still | Q(closed_at__gte=scope.period_from))
    if scope.incident_id is not None:
        rows = rows.filter(pk=scope.incident_id)
    if scope.service_id is not None:
        rows = rows.filter(service=scope.service_id)
    if scope.unit_id is not None:
        parents = dict(BusinessUnit.objects.values_list("pk", "parent_id"))
        rows = rows.filter(unit__in=descendants(parents, [scope.unit_id]))
    return rows


def admitted(scope: Scope, people: Iterable[User]) -> frozenset[int]:
    """The restricted incidents that may be given: those that each of these people may see.

    Without people (an operator's command) the one that the scope names.
    """
    restricted = Incident.objects.filter(is_restricted=True)
    people = list(people)
    if not people:
        restricted = restricted.filter(pk__in=[scope.incident_id] if scope.incident_id else [])
    for person in people:
        restricted = restricted.filter(pk__in=Incident.objects.visible_to(person).values("pk"))
    return frozenset(restricted.values_list("pk", flat=True))


class Collection:
    """All parts of a pack, in the order in which they are written.

    What is not about an incident (people, roles, policies) is given only where the scope is the
    whole enterprise; a narrower one gets the policy versions that its incidents were judged by.
    """

    def __init__(self, scope: Scope, admitted: frozenset[int]) -> None:
        self._scope = scope
        self._secret = Q(is_restricted=True) & ~Q(pk__in=admitted)
        self._in_scope = incidents_of(scope)

    @property
    def hidden(self) -> "models.QuerySet[Incident]":
        """The incidents in scope that are withheld."""
        return self._in_scope.filter(self._secret)

    @property
    def holds_restricted(self) -> bool:
        """Whether a restricted incident is among those given."""
        return self._in_scope.filter(~self._secret, is_restricted=True).exists()

    @cached_property
    def parts(self) -> list[Part]:
        """Every table."""
        given = self._in_scope.filter(~self._secret).values("pk")
        hidden = self.hidden.values("pk")
        withheld = _of_incidents(self._scope, hidden)
        parts = [
            Part(name, rows, withheld[name])
            for name, rows in _of_incidents(self._scope, given).items()
        ]
        parts.append(self._links(given, hidden))
        if not self._scope.is_everything:
            events, kept = (_events_about(self._scope, found) for found in (given, hidden))
            parts.append(Part("events", events, kept))
            return parts + [Part(name, rows) for name, rows in _policies_of(given).items()]
        secret = Incident.objects.filter(self._secret)
        return parts + [
            Part(name, *both) for name, both in enterprise.tables(self._scope, secret).items()
        ]

    def _links(self, given: Any, hidden: Any) -> Part:
        """Between incidents: what names one that is held back is held back with it."""
        rows = IncidentLink.objects.filter(within("at", self._scope))
        secret = Incident.objects.filter(self._secret).values("pk")
        mine = rows.filter(incident__in=given)
        theirs = rows.filter(Q(incident__in=hidden) | Q(incident__in=given, other__in=secret))
        return Part("incident_links", mine.exclude(other__in=secret), theirs)


def _of_incidents(scope: Scope, found: Any) -> dict[str, Rows]:
    runs = EscalationRun.objects.filter(incident__in=found).values("pk")
    reviews = Review.objects.filter(incident__in=found).values("pk")
    provisional = ProvisionalSeverity.objects.filter(incident__in=found).values("pk")
    components = AffectedComponent.objects.filter(incident__in=found).values("pk")
    proposals = UpdateProposal.objects.filter(incident__in=found).values("pk")
    graded = SeverityDecision.objects.filter(change__incident__in=found)
    changed = within("history_date", scope)
    about = Q(incident__in=found)
    return {
        "incidents": Incident.objects.filter(pk__in=found),
        "incident_history": history(Incident, Q(id__in=found) & changed),
        "timeline": TimelineEntry.objects.filter(about, within("recorded_at", scope)),
        "key_time_claims": KeyTimeClaim.objects.filter(about, within("claimed_at", scope)),
        "escalation_history": history(EscalationRun, Q(id__in=runs) & changed),
        "escalation_records": EscalationRecord.objects.filter(within("at", scope), run__in=runs),
        "pages": Page.objects.filter(about, within("created_at", scope)),
        "review_history": history(Review, Q(id__in=reviews) & changed),
        "engagements": IncidentEngagement.objects.filter(about, within("at", scope)),
        "severity_changes": SeverityChange.objects.filter(about, within("requested_at", scope)),
        "severity_decisions": graded.filter(within("decided_at", scope)),
        "provisional_history": history(ProvisionalSeverity, Q(id__in=provisional) & changed),
        "component_state_history": history(AffectedComponent, Q(id__in=components) & changed),
        "proposal_history": history(UpdateProposal, Q(id__in=proposals) & changed),
        "conversions": Conversion.objects.filter(about, within("at", scope)),
    }


def _events_about(scope: Scope, found: Any) -> Rows:
    about = Q(subject_type=Incident._meta.label_lower, subject_id__in=found)
    return Event.objects.filter(about, within("recorded_at", scope))


def _policies_of(found: Any) -> dict[str, Rows]:
    """The policy versions that the incidents were judged by, whenever those were made."""
    judged = Incident.objects.filter(pk__in=found).values("severity_version")
    escalated = EscalationRun.objects.filter(incident__in=found).values("policy_version")
    reviewed = Review.objects.filter(incident__in=found).values("due_version")
    named = Q(pk__in=judged) | Q(pk__in=escalated) | Q(pk__in=reviewed)
    versions = PolicyVersion.objects.filter(named)
    about = Q(version__in=versions.values("pk"))
    return {
        "policy_versions": versions,
        "approvals": Approval.objects.filter(about),
        "sign_offs": SignOff.objects.filter(about),
        "change_references": ChangeReference.objects.filter(about),
        "policy_comments": Comment.objects.filter(about),
        **enterprise.policy_tables(lambda column: Q(**{f"{column}__in": versions.values("pk")})),
    }
