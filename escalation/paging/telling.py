"""What a page says, made immediately before it is sent, and the record that it was.

Many pages fall due at once, and each is sent by a thread of its own: what they need to know is
read for all that are about to be sent.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, F, QuerySet, Value, When

from config import clock
from config.combining import Combined
from config.due import mail
from config.due.models import OutboundMessage
from config.due.operations import Send, Skip
from config.events.operations import ask
from config.organisation.models import User
from escalation.paging import rules
from escalation.paging.links import url_of
from escalation.paging.models import Page, PageState
from incidents.alerts.models import Alert
from incidents.lifecycle.models import Incident
from incidents.timeline.operations import record as record_on_timeline

# States of the run (a room above this one) and of the page in which nobody is to be woken.
STOPPED = ("acknowledged", "ended")
ANSWERED = (PageState.ACKNOWLEDGED, PageState.NOT_NEEDED)
# Columns by which it is decided who is next, and those of which a page and its record tell.
DECIDING = ("team_id", "service_id", "unit_id", "severity")
TOLD = (
    *("run", "responder", "incident", "contact", "tier", "round", "state"),
    *("due_at", "created_at", "sent_at", "acknowledged_at", "expires_at"),
    *(f"incident__{name}" for name in ("reference", "title", "severity", "state", "is_restricted")),
    *("incident__started_at", "incident__opened_at", "incident__service"),
    *("incident__service__name", "incident__service__runbook_url"),
    *(f"responder__{name}" for name in ("username", "name", "email", "is_active")),
    *("run__state", "run__acknowledged_at"),
)


def prepare(message: OutboundMessage) -> Send | Skip:
    """The page's text, from the incident as it is now; nothing where it isn't needed any more.

    Runs in the sending thread immediately before the network call: whoever has acknowledged
    by now is not woken.
    """
    facts = _facts_about(message.root_id)
    if facts is None:
        return Skip("the incident is gone")
    # Read last: nothing but the network comes between this query and the person's phone.
    page = _page_of(message.data["page_id"])
    if page is None or (reason := needless(page)):
        return Skip(reason if page else "the page is gone")
    brief = brief_of(page, facts, attempt=message.attempts)
    return Send(
        subject=rules.subject(brief),
        text=rules.text(brief),
        json=rules.payload(brief),
        headers=_headers(page),
    )


def _read_facts(incident_ids: Sequence[int]) -> list["Facts | None"]:
    incidents = Incident.objects.only(*DECIDING).in_bulk(incident_ids)
    found = facts_of(incidents.values())
    return [found.get(key) for key in incident_ids]


def _read_pages(page_ids: Sequence[str]) -> list[Page | None]:
    found = {str(page.pk): page for page in told().filter(pk__in=page_ids)}
    return [found.get(key) for key in page_ids]


_facts_about = Combined(_read_facts)
_page_of = Combined(_read_pages)


def told() -> QuerySet[Page]:
    """Pages with what telling somebody of them needs, and no more: this is read all the time."""
    rows = Page.objects.select_related("incident__service", "responder", "run")
    return rows.only(*TOLD)


def needless(page: Page) -> str:
    """Why nobody needs this page any more; empty while somebody does."""
    if not page.incident.is_open:
        return f"{page.incident.reference} is {page.incident.state}"
    if page.run.state in STOPPED:
        return f"the escalation is {page.run.get_state_display().lower()}"
    if page.state in ANSWERED:
        return f"the page is {page.get_state_display().lower()}"
    # One that still waits was made since: the acknowledgement left none, and clocks are set.
    answered_at = page.run.acknowledged_at if page.state == PageState.SENT else None
    if answered_at is not None and page.created_at <= answered_at:
        return "it was acknowledged since; the escalation has gone on to others"
    return "" if page.responder.is_active else f"{page.responder} can't sign in any more"


def _headers(page: Page) -> dict[str, str]:
    # One thread an incident: every page refers to the same made-up first message.
    return {
        "References": f"<incident-{page.incident.reference.lower()}@{mail.domain()}>",
        "X-Watchbill-Incident": page.incident.reference,
        "X-Watchbill-Page": str(page.pk),
        "Idempotency-Key": str(page.pk),
    }


@dataclass(frozen=True)
class Facts:
    """What a page says and other tables know."""

    alerts: int
    next_in_line: str


def facts_of(incidents: Collection[Incident]) -> dict[int, Facts]:
    """Read them, by incident."""
    alerts = Alert.objects.filter(incident__in=incidents).order_by().values_list("incident")
    counts = dict(alerts.annotate(number=Count("pk")))
    following: dict[int, str] = ask("escalation.next", default={}, incidents=incidents)
    return {
        incident.pk: Facts(counts.get(incident.pk, 0), following.get(incident.pk, ""))
        for incident in incidents
    }


def brief_of(page: Page, facts: Facts, *, attempt: int = 1) -> rules.Briefing:
    """All that a page, its link and its webhook say."""
    incident = page.incident
    return rules.Briefing(
        page_id=str(page.pk),
        reference=incident.reference,
        title=incident.title,
        severity=incident.severity,
        service=incident.service.name if incident.service else "",
        started_at=incident.started_at or incident.opened_at,
        alerts=facts.alerts,
        runbook=incident.service.runbook_url if incident.service else "",
        tier=page.tier,
        attempt=attempt,
        due_at=page.due_at,
        next_in_line=facts.next_in_line,
        ack_url=url_of(page.pk),
        restricted=incident.is_restricted,
    )


def delivered(message: OutboundMessage) -> None:
    """The provider took the page (in the transaction that marks the message done)."""
    delivered_together([message])


def delivered_together(messages: Sequence[OutboundMessage]) -> None:
    """The same for several messages."""
    pages = {str(page.pk): page for page in told().filter(pk__in=map(_page_id, messages))}
    waiting = When(state__in=(PageState.WAITING, PageState.NOT_NEEDED), then=Value(PageState.SENT))
    first = Page.objects.filter(pk__in=pages, sent_at=None)
    first.update(sent_at=clock.now(), state=Case(waiting, default=F("state")))
    system = User.objects.system()
    for message in messages:
        page = pages[_page_id(message)]
        record_on_timeline(
            page.incident,
            "page.sent",
            actor=system,
            text=f"Page to {page.responder} sent by {message.get_channel_display().lower()}",
            page_id=str(page.pk),
            channel=message.channel,
        )


def _page_id(message: OutboundMessage) -> str:
    return str(message.data["page_id"])
