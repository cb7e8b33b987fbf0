"""Creating pages, and following what became of each attempt to deliver them."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from config import clock
from config.audit.tracking import append, lock
from config.due.models import Channel, OutboundMessage
from config.due.operations import draft
from config.errors import DomainError
from config.events.operations import ask
from config.governance.in_force import setting
from config.organisation.models import User
from escalation.paging import rules
from escalation.paging.links import page_id_of
from escalation.paging.models import Page, PageState
from escalation.paging.telling import needless, told
from escalation.responders.models import ContactMethod
from escalation.responders.operations import usable_methods
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge
from incidents.taxonomy.models import Severity
from incidents.timeline.operations import record as record_on_timeline

PURPOSE = "page"


class PageGone(DomainError):
    """The link is older than a page's lifetime, or its person has left."""

    code = "page_expired"
    status = 410


@dataclass(frozen=True)
class PagePlan:
    """Whom to page for which step of an escalation."""

    run_id: int
    incident: Incident
    responder: User
    tier: int
    round: int
    due_at: datetime.datetime

    @property
    def step(self) -> tuple[int, int, int, int]:
        """What there is one page for."""
        return self.run_id, self.round, self.tier, self.responder.pk


def create_pages(plans: Sequence[PagePlan], *, actor: User) -> None:
    """Page each person once for a step, by as many methods at once as the severity asks.

    A page that exists already stays alone (a timer that ran twice). Somebody without a verified
    contact method gets a failed page, so that the next in line is asked at once.
    """
    methods = usable_methods(plan.responder for plan in plans)
    # All pages before the first fails: only then is it known whether anybody can be reached.
    fresh = [_create(plan, methods[plan.responder.pk], actor=actor) for plan in _unpaged(plans)]
    for page in fresh:
        if page.contact is None:
            _fail(page, "has no verified contact method")


def _unpaged(plans: Sequence[PagePlan]) -> list[PagePlan]:
    rows = Page.objects.filter(run__in={plan.run_id for plan in plans})
    paged = set(rows.values_list("run", "round", "tier", "responder"))
    return [plan for plan in plans if plan.step not in paged]


def _create(plan: PagePlan, usable: Sequence[ContactMethod], *, actor: User) -> Page:
    """The page, its line, and its first messages, by one statement."""
    by_channel = [(method.channel, method) for method in usable]
    methods = rules.at_once(by_channel, _channels_at_once(plan.incident))
    page = Page(
        run_id=plan.run_id,
        round=plan.round,
        tier=plan.tier,
        responder=plan.responder,
        incident=plan.incident,
        contact=methods[-1] if methods else None,
        due_at=plan.due_at,
        created_at=clock.now(),
        expires_at=clock.now() + rules.PAGE_LIFETIME,
    )
    record_on_timeline(
        plan.incident,
        "page.created",
        actor=actor,
        text=f"Paged {plan.responder} (tier {plan.tier})",
        along=[page, *(_message(page, method) for method in methods)],
        page_id=str(page.pk),
        tier=plan.tier,
        responder_id=plan.responder.pk,
    )
    return page


def _channels_at_once(incident: Incident) -> int:
    if incident.severity != Severity.SEV1:
        return 1
    return int(setting("notify.sev1_min_channels", unit=incident.unit))


def _send_by(page: Page, method: ContactMethod) -> None:
    page.contact = method
    page.save(update_fields=["contact"])
    append(_message(page, method))


def _message(page: Page, method: ContactMethod) -> OutboundMessage:
    return draft(
        PURPOSE,
        page.incident,
        channel=Channel(method.channel),
        address=method.address,
        page_id=str(page.pk),
        contact_id=method.pk,
    )


def undeliverable(message: OutboundMessage) -> None:
    """All attempts failed: try the person's next contact method, else ask the next in line."""
    page = told().get(pk=message.data["page_id"])
    if page.state not in (PageState.WAITING, PageState.SENT) or needless(page):
        return
    about = OutboundMessage.objects.filter(root_type=message.root_type, root_id=message.root_id)
    tried = list(about.filter(purpose=PURPOSE, data__page_id=str(page.pk)))
    used = {row.data["contact_id"] for row in tried}
    following = page.responder.contact_methods.usable().exclude(pk__in=used).first()
    if following is not None:
        _record_fallback(page, message, following)
        _send_by(page, following)
    elif all(row.dead_at is not None for row in tried if row.pk != message.pk):
        _fail(page, "could not be reached by any contact method")


def _record_fallback(page: Page, message: OutboundMessage, following: ContactMethod) -> None:
    failed, trying = message.get_channel_display(), following.get_channel_display()
    record_on_timeline(
        page.incident,
        "page.fallback",
        actor=User.objects.system(),
        text=f"{page.responder} could not be reached by {failed.lower()}: trying {trying.lower()}",
        page_id=str(page.pk),
        contact_id=following.pk,
    )


def _fail(page: Page, why: str) -> None:
    page.state = PageState.FAILED
    page.save(update_fields=["state"])
    record_on_timeline(
        page.incident,
        "page.failed",
        actor=User.objects.system(),
        text=f"{page.responder} {why}",
        page_id=str(page.pk),
        run_id=page.run_id,
        tier=page.tier,
        round=page.round,
        responder_id=page.responder_id,
    )


def page_for_token(token: str) -> Page | None:
    """The page that a link opens; None when the token isn't one of ours."""
    page_id = page_id_of(token)
    rows = Page.objects.select_related(
        "incident__service", "incident__acknowledged_by", "responder", "run"
    )
    return rows.filter(pk=page_id).first() if page_id else None


def is_expired(page: Page) -> bool:
    """Older than a page's lifetime, or its person has left."""
    return page.expires_at <= clock.now() or not page.responder.is_active


def awaits_acknowledgement(incident: Incident) -> bool:
    """Nobody has acknowledged yet, or not since the escalation was armed again."""
    again: bool = ask("incident.awaits_acknowledgement", default=False, incident=incident)
    return incident.is_open and (incident.acknowledged_at is None or again)


def acknowledge_by_link(page: Page) -> None:
    """Acknowledge as the page's person. Repeating it is fine; an expired page raises `PageGone`."""
    if is_expired(page):
        raise PageGone("This page has expired. Sign in to act on the incident.")
    with transaction.atomic():
        lock(page.incident)
        if not page.incident.is_open:
            return
        acknowledge(page.incident, actor=page.responder)
        Page.objects.filter(pk=page.pk, acknowledged_at=None).update(
            state=PageState.ACKNOWLEDGED, acknowledged_at=clock.now()
        )


def answer_pages(incident: Incident, *, by: User) -> None:
    """The acknowledging person's pages are answered; those that wait for others are not sent."""
    mine = Page.objects.filter(incident=incident, responder=by, acknowledged_at__isnull=True)
    mine.filter(state__in=(PageState.WAITING, PageState.SENT)).update(
        state=PageState.ACKNOWLEDGED, acknowledged_at=clock.now()
    )
    mark_not_needed(incident)


def mark_not_needed(incident: Incident) -> None:
    """Pages that wait are not needed any more; those that were sent keep their record."""
    waiting = Page.objects.filter(incident=incident, state=PageState.WAITING)
    waiting.update(state=PageState.NOT_NEEDED)
