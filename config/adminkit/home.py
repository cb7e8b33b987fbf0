"""The home page 'What needs me now'. Rooms add sections from their `admin.py`:

    @home_section(order=10)
    def my_unacknowledged(request: HttpRequest) -> Section:
        rows = Incident.objects.visible_to(request.user).unacknowledged()[:5]
        items = [Item(str(row), link, record=row) for row in rows]
        return Section("Waiting for an acknowledgement", items, link=list_url,
                       empty_text="Nothing waits. New incidents show here.")

and give the strip that shows how the product works its counts:

    @home_step("alert")
    def alerts(request: HttpRequest) -> StepState: ...
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from django.http import HttpRequest

from config.access.reading import note_reads
from config.adminkit.matching import list_address, registered
from config.adminkit.paginator import CAP

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Item:
    """One line: what it is, where it leads, and a word on its urgency in text, not colour alone.

    `record` is the row that it shows: where that hangs on a restricted record, a trace is left.
    """

    title: str
    link: str = ""
    detail: str = ""
    badge: str = ""
    tone: str = "neutral"  # neutral info success warning danger
    record: Any = None


@dataclass(frozen=True)
class Section:
    """A card of the home page. An empty one says what to do next, or that nothing is.

    Instead of items it may name a template, which gets `data`; wide ones take two columns.
    """

    title: str
    items: Sequence[Item] = field(default_factory=tuple)
    empty_text: str = "Nothing needs you here."
    link: str = ""
    link_text: str = "Open the list"
    template: str = ""
    data: Any = None
    is_wide: bool = False


@dataclass(frozen=True)
class StepState:
    """How many there are, and where they are listed."""

    count: int | None = None
    link: str = ""
    noun: str = ""

    @property
    def label(self) -> str:
        """The words of the link: 'Alerts: 12', 'Alerts: more than 1,000', or 'Open the list'."""
        if self.count is None:
            return "Open the list"
        number = "more than 1,000" if self.count == CAP + 1 else f"{self.count:,}"
        return f"{self.noun.capitalize()}: {number}" if self.noun else number


@dataclass(frozen=True)
class Step:
    """One station on the way from an alert to evidence."""

    name: str
    title: str
    text: str
    icon: str
    noun: str
    model: str = ""  # listed and counted here, unless a room does it by `home_step`


STEPS = (
    Step(
        "alert",
        "Alert",
        "Tools report trouble; repeats fold into one.",
        "notifications_active",
        "alerts",
    ),
    Step(
        "incident", "Incident", "A person or a rule opens it.", "local_fire_department", "incidents"
    ),
    Step(
        "page",
        "Page",
        "Who is on call is told, tier by tier.",
        "phone_in_talk",
        "pages",
        "escalation.page",
    ),
    Step(
        "acknowledge",
        "Acknowledge",
        "Somebody owns it; the clock stops.",
        "front_hand",
        "acknowledged",
    ),
    Step("resolve", "Resolve", "Service is back, and verified.", "task_alt", "resolved"),
    Step(
        "review",
        "Review",
        "Causes and actions, without blame.",
        "rate_review",
        "reviews",
        "postmortems.review",
    ),
    Step("evidence", "Evidence", "Every change sealed, for auditors.", "verified_user", "sealed"),
)

SectionMaker = Callable[[HttpRequest], Section | None]
StepMaker = Callable[[HttpRequest], StepState]
_sections: dict[str, tuple[int, SectionMaker]] = {}
_steps: dict[str, StepMaker] = {}


def home_section(*, order: int = 50) -> Callable[[SectionMaker], SectionMaker]:
    """Add a card to the home page; returning None leaves it out for this visitor."""

    def register(maker: SectionMaker) -> SectionMaker:
        _sections[f"{maker.__module__}.{maker.__qualname__}"] = (order, maker)
        return maker

    return register


def home_step(name: str) -> Callable[[StepMaker], StepMaker]:
    """Give a station of the strip its count and its list."""
    if name not in {step.name for step in STEPS}:
        raise LookupError(f"the strip has no station '{name}'")

    def register(maker: StepMaker) -> StepMaker:
        _steps[name] = maker
        return maker

    return register


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the home page shows to this visitor."""
    makers = [maker for _, maker in sorted(_sections.values(), key=lambda pair: pair[0])]
    made = [_made(maker, request) for maker in makers]
    sections = [section for section in made if section is not None]
    lines = (item.record for section in sections for item in section.items)
    note_reads((record for record in lines if record is not None), request)
    context["home_sections"] = sections
    context["home_steps"] = [(step, _state(step, request)) for step in STEPS]
    return context


def _made(maker: SectionMaker, request: HttpRequest) -> Section | None:
    # One broken card must not take the page from somebody in the middle of an incident.
    try:
        return maker(request)
    except Exception:
        log.exception("home_section_failed", section=maker.__qualname__)
        title = maker.__name__.replace("_", " ").capitalize()
        return Section(title, empty_text="This part could not be read; the log says why.")


def _state(step: Step, request: HttpRequest) -> StepState:
    maker = _steps.get(step.name)
    try:
        state = maker(request) if maker else _counted(step, request)
        return replace(state, noun=state.noun or step.noun)
    except Exception:
        log.exception("home_step_failed", step=step.name)
        return StepState()


def _counted(step: Step, request: HttpRequest) -> StepState:
    model_admin = registered(step.model)
    if model_admin is None or not model_admin.has_view_permission(request):
        return StepState()
    rows = model_admin.get_queryset(request).order_by()[: CAP + 1].count()
    return StepState(rows, list_address(model_admin))
