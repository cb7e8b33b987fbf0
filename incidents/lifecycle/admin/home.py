"""What the home page says of incidents."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.urls import reverse

from config.access.rules import Level
from config.adminkit.home import Item, Section, StepState, home_section, home_step
from config.adminkit.scoping import access_of, actor_of
from incidents.lifecycle.models import Incident, IncidentQuerySet
from incidents.lifecycle.rules import State
from incidents.taxonomy.models import Severity

SHOWN = 8
TONES = {"SEV1": "danger", "SEV2": "warning", "SEV3": "info", "SEV4": "neutral"}


@home_section(order=10)
def unacknowledged_incidents(request: HttpRequest) -> Section | None:
    """Those on which the visitor works, and that nobody has taken on; none for mere readers."""
    if not actor_of(request).is_superuser and not _responds(request):
        return None
    reached = access_of(request).containers(Level.RESPOND).records_filter()
    rows = _visible(request).unacknowledged().filter(reached)
    return Section(
        "Unacknowledged incidents that I can act on",
        _items(rows.order_by("severity", "-id")[:SHOWN]),
        empty_text="Nothing waits for you. New incidents show here until somebody takes them on.",
        link=list_of("unacknowledged"),
    )


@home_section(order=20)
def open_major_incidents(request: HttpRequest) -> Section:
    """Every open SEV1 that the visitor may see."""
    rows = _visible(request).open().filter(severity=Severity.SEV1)
    return Section(
        "Open major incidents",
        _items(rows.order_by("-id")[:SHOWN]),
        empty_text="There is no major incident.",
        link=f"{list_of('open')}&severity__exact={Severity.SEV1}",
    )


@home_step("incident")
def open_incidents(request: HttpRequest) -> StepState:
    """How many are open."""
    return StepState(_visible(request).open().count(), list_of("open"))


@home_step("acknowledge")
def acknowledged_incidents(request: HttpRequest) -> StepState:
    """How many open ones somebody has taken on."""
    rows = _visible(request).open().filter(acknowledged_at__isnull=False)
    return StepState(rows.count(), list_of("acknowledged"))


@home_step("resolve")
def resolved_incidents(request: HttpRequest) -> StepState:
    """How many are resolved, but not closed."""
    rows = _visible(request).filter(state=State.RESOLVED)
    return StepState(rows.count(), list_of("unclosed"))


def _visible(request: HttpRequest) -> IncidentQuerySet:
    return Incident.objects.visible_to(actor_of(request)).with_parts()


def _responds(request: HttpRequest) -> bool:
    reached = access_of(request).containers(Level.RESPOND)
    return reached.everything or bool(reached.teams or reached.services)


def list_of(attention: str = "") -> str:
    """The address of the list, narrowed by what needs attention."""
    query = f"?attention={attention}" if attention else ""
    return f"{reverse('admin:incidents_incident_changelist')}{query}"


def _items(incidents: Iterable[Incident]) -> list[Item]:
    return [
        Item(
            title=str(incident),
            link=reverse("admin:incidents_incident_change", args=(incident.pk,)),
            detail=f"{incident.service or 'triage queue'}, {incident.get_state_display().lower()}",
            badge=incident.severity,
            tone=TONES[incident.severity],
            record=incident,
        )
        for incident in incidents
    ]
