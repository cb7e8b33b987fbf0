"""`/api/v1/incidents/`: the list, one incident, its verbs, timeline and key times."""

from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.access.visibility import require
from config.apikit.serializers import ReasonIn
from config.apikit.views import (
    OPEN,
    VIEW,
    Creates,
    Edits,
    Histories,
    Resource,
    adding,
    listing,
    verb,
)
from config.errors import Invalid, NotAllowed
from config.federation.api import OwnershipOut
from config.federation.operations import ownership
from config.organisation.models import User
from incidents.boundaries.api import ComponentBoundariesOut, answering
from incidents.lifecycle import operations
from incidents.lifecycle.api.components import ComponentIn, ComponentOut, LinkOut, SplitOffIn
from incidents.lifecycle.api.filters import IncidentFilters
from incidents.lifecycle.api.severity import (
    ChangeSeverityIn,
    DecideSeverityIn,
    EngagementRowOut,
    JustifiedIn,
    LowerProvisionalIn,
    MaybeJustifiedIn,
    ReviseImpactIn,
    SeverityChangeOut,
    WithdrawIn,
)
from incidents.lifecycle.api.shapes import (
    ChooseTimeIn,
    ClaimIn,
    ClaimOut,
    IncidentEditIn,
    IncidentIn,
    IncidentOut,
    VerbIn,
)
from incidents.lifecycle.models import (
    AffectedComponent,
    Incident,
    IncidentEngagement,
    IncidentLink,
    KeyTimeClaim,
    SeverityChange,
    Source,
)
from incidents.lifecycle.operations.opening import with_terms
from incidents.lifecycle.operations.options import Options
from incidents.lifecycle.rules import VERBS
from incidents.responsibility.api import ResolvedRaciOut
from incidents.responsibility.operations import raci_for
from incidents.timeline.api import Chronological, EntryOut, NoteIn
from incidents.timeline.models import TimelineEntry
from incidents.timeline.operations import add_note

SEVERITY_VERBS = (
    *("revise_impact", "decide_severity", "withdraw_severity", "declare_provisional"),
    *("confirm_provisional", "lower_provisional", "extend_provisional"),
)


class IncidentViewSet(Creates, Edits, Histories, Resource[Incident]):
    """Incidents, by reference in any case."""

    model = Incident
    out = IncidentOut
    lookup_field = "reference"
    inputs = {"create": IncidentIn, "partial_update": IncidentEditIn}
    filterset_class = IncidentFilters
    derived = True
    history_hides = ("number", "severity_findings")
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history", "timeline", "time_claims", "raci"), VIEW),
        **dict.fromkeys(("severity_changes", "engagements", "components", "links"), VIEW),
        "boundaries": VIEW,
        **{name: name for name in (*VERBS, "acknowledge", "choose_time", *SEVERITY_VERBS)},
        "add_severity_change": "change_severity",
        "set_component": "set_component",
        "split_off": "split_off",
        "ownership": VIEW,
        "create": OPEN,
        "partial_update": "edit",
        "add_note": "note",
        "add_time_claim": "claim_time",
    }

    @cached_property
    def reader(self) -> Options:
        """What the caller can do, read once for all rows of the answer."""
        return Options(self.request.user)  # type: ignore[arg-type]  # signed in: DeclaredAction

    def shown(self, rows: QuerySet[Incident]) -> QuerySet[Incident]:
        """With everything that the answer names."""
        return rows.with_parts()  # type: ignore[attr-defined, no-any-return]  # IncidentQuerySet

    def get_object(self) -> Incident:
        """By reference, in any case."""
        self.kwargs["reference"] = self.kwargs["reference"].upper()
        return super().get_object()

    def perform_create(self, data: dict[str, Any], actor: User) -> Incident:
        """On a service where the caller responds; without one, for everybody who responds."""
        container = data["service"] or data.get("team")
        if container is not None:
            require(actor, "open_incident", container)
        elif not self.reader.responds():
            raise NotAllowed("You don't respond for any team, so you can't open incidents.")
        source = Source.PERSON if actor.is_person else Source.API
        return operations.open_incident(actor=actor, source=source, **with_terms(data))

    def perform_edit(self, row: Incident, data: dict[str, Any], actor: User) -> Incident:
        """The version was compared already."""
        reason = data.pop("reason", "")
        return operations.edit(row, actor=actor, changes=data, reason=reason)

    @verb(VerbIn)
    def acknowledge(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """Take it on. Keeps the state; the first time stands; only for people."""
        operations.acknowledge(row, actor=actor, **data)

    @verb(VerbIn)
    def triage(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """Somebody has looked at it."""
        operations.triage(row, actor=actor, **data)

    @verb(VerbIn)
    def investigate(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """The cause is being looked for."""
        operations.investigate(row, actor=actor, **data)

    @verb(VerbIn)
    def mitigate(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """The damage has stopped growing."""
        operations.mitigate(row, actor=actor, **data)

    @verb(VerbIn)
    def monitor(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """The repair is in; watch it."""
        operations.monitor(row, actor=actor, **data)

    @verb(VerbIn)
    def resolve(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """The service works again."""
        operations.resolve(row, actor=actor, **data)

    @verb(VerbIn)
    def close(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """All that had to follow is done."""
        operations.close(row, actor=actor, **data)

    @verb(VerbIn)
    def cancel(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """It was no incident. Needs a reason."""
        operations.cancel(row, actor=actor, **data)

    @verb(VerbIn)
    def reopen(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """It is back. Needs a reason."""
        operations.reopen(row, actor=actor, **data)

    @listing(EntryOut, pages=Chronological)
    def timeline(self, row: Incident) -> QuerySet[TimelineEntry]:
        """Everything that happened, in its order."""
        return row.timeline.select_related("actor")

    @timeline.mapping.post  # type: ignore[untyped-decorator]  # DRF's own
    @adding(NoteIn, EntryOut)
    def add_note(self, row: Incident, data: dict[str, Any], actor: User) -> TimelineEntry:
        """Write a line, or correct one by naming it in `supersedes`."""
        corrected = data.pop("supersedes", None)
        if corrected is not None:
            data["supersedes"] = _part(row.timeline, corrected, "supersedes")
        return add_note(row, actor=actor, **data)

    @extend_schema(responses=ResolvedRaciOut)
    @action(detail=True, methods=["get"], filter_backends=[])
    def raci(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who is responsible, accountable, consulted and informed, by name."""
        row = self.get_object()
        version, rows = raci_for(row.team, row.unit)
        found = {"matrix": version.pk if version else None, "assignments": rows}
        return Response(ResolvedRaciOut(found).data)

    @extend_schema(responses=ComponentBoundariesOut)
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def boundaries(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Which team answers for each layer of its component, and why."""
        return Response(ComponentBoundariesOut(answering(self.get_object().component)).data)

    boundaries.answer = ComponentBoundariesOut  # type: ignore[attr-defined]  # read by the schema

    @extend_schema(responses=OwnershipOut)
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def ownership(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who owns triage, command, policy and reporting: by the model when it was opened."""
        row = self.get_object()
        return Response(OwnershipOut(ownership(row.unit, row.opened_at)).data)

    ownership.answer = OwnershipOut  # type: ignore[attr-defined]  # read by the schema

    @listing(ClaimOut)
    def time_claims(self, row: Incident) -> QuerySet[KeyTimeClaim]:
        """Every statement of a key time; `effective` marks those that count."""
        return row.time_claims.select_related("claimed_by", "incident")

    @time_claims.mapping.post  # type: ignore[untyped-decorator]  # DRF's own
    @adding(ClaimIn, ClaimOut)
    def add_time_claim(self, row: Incident, data: dict[str, Any], actor: User) -> KeyTimeClaim:
        """Keep another statement of when it was."""
        return operations.claim_time(row, actor=actor, **data)

    @verb(ChooseTimeIn)
    def choose_time(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """Let one claim count from now on."""
        claim = _part(row.time_claims, data["claim"], "claim")
        operations.choose_time(row, claim, actor=actor, reason=data["reason"])

    @verb(ReviseImpactIn)
    def revise_impact(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """State the measured impact anew; the severity follows by the matrix."""
        words = {name: data.pop(name) for name in ("justification", "evidence")}
        operations.revise_impact(row, actor=actor, changes=data, **words)

    @listing(SeverityChangeOut)
    def severity_changes(self, row: Incident) -> QuerySet[SeverityChange]:
        """Every change of the severity and every request for one, newest first."""
        return row.severity_changes.select_related("requested_by", "decision__decided_by")

    @severity_changes.mapping.post  # type: ignore[untyped-decorator]  # DRF's own
    @adding(ChangeSeverityIn, SeverityChangeOut)
    def add_severity_change(
        self, row: Incident, data: dict[str, Any], actor: User
    ) -> SeverityChange:
        """Decide otherwise than the matrix. Leaving SEV1 only asks for it."""
        return operations.change_severity(row, actor=actor, **data)

    @verb(DecideSeverityIn)
    def decide_severity(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """Approve or reject a request, as somebody else than who asked."""
        operations.decide_severity(row, actor=actor, **data)

    @verb(WithdrawIn)
    def withdraw_severity(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """Take back one's own request."""
        operations.withdraw_severity(row, actor=actor, **data)

    @verb(JustifiedIn)
    def declare_provisional(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """Call it a SEV1 while the impact is unclear; it must be decided in time."""
        operations.declare_provisional(row, actor=actor, **data)

    @verb(MaybeJustifiedIn)
    def confirm_provisional(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """It is a SEV1."""
        operations.confirm_provisional(row, actor=actor, **data)

    @verb(LowerProvisionalIn)
    def lower_provisional(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """It was less; for somebody else than who declared it."""
        operations.lower_provisional(row, actor=actor, **data)

    @verb(ReasonIn)
    def extend_provisional(self, row: Incident, data: dict[str, Any], actor: User) -> None:
        """The duty manager gives it the same time once more."""
        operations.extend_provisional(row, actor=actor, **data)

    @listing(EngagementRowOut)
    def engagements(self, row: Incident) -> QuerySet[IncidentEngagement]:
        """What its severities set off, newest first; the first holds."""
        return row.engagements.select_related("version")

    @listing(ComponentOut)
    def components(self, row: Incident) -> QuerySet[AffectedComponent]:
        """What of it works, and what does not."""
        return row.components.select_related("service")

    @components.mapping.post  # type: ignore[untyped-decorator]  # DRF's own
    @adding(ComponentIn, ComponentOut)
    def set_component(self, row: Incident, data: dict[str, Any], actor: User) -> AffectedComponent:
        """Say how a component fares; it is added where the incident doesn't have it yet."""
        return operations.set_component(row, actor=actor, **data)

    @verb(SplitOffIn, status=201)
    def split_off(self, row: Incident, data: dict[str, Any], actor: User) -> Incident:
        """What doesn't work yet goes on in a new incident with an owner: the answer."""
        return operations.split_off(row, actor=actor, **data)

    @listing(LinkOut)
    def links(self, row: Incident) -> QuerySet[IncidentLink]:
        """Incidents that were split off from it, and the one from which it was."""
        reader: Any = self.request.user
        rows = IncidentLink.objects.visible_to(reader).filter(Q(incident=row) | Q(other=row))
        return rows.select_related("incident", "owner", "linked_by")


def _part(rows: Any, pk: int, field: str) -> Any:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Invalid(f"The incident has no {pk} here.", field=field)
    return found
