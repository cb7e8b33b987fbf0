"""What a page says: its subject, its text, its JSON; and by which addresses it goes. Pure."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

from config.apikit.codes import explain

PAGE_LIFETIME = datetime.timedelta(hours=72)
# Seconds between attempts on one contact method; after the last, the next method is tried.
RETRIES = (5, 15, 40)


@dataclass(frozen=True)
class Briefing:
    """All that a page says about its incident, read when it is sent."""

    page_id: str
    reference: str
    title: str
    severity: str
    service: str
    started_at: datetime.datetime
    alerts: int
    runbook: str
    tier: int
    attempt: int
    due_at: datetime.datetime
    next_in_line: str
    ack_url: str
    restricted: bool


def subject(brief: Briefing) -> str:
    """Severity, service and what; a restricted incident's page gives the reference alone."""
    if brief.restricted:
        return f"{brief.reference}: you are needed"
    what = f"{brief.service}: {brief.title}" if brief.service else brief.title
    return one_line(f"[{brief.severity}] {what} ({brief.reference})")


def one_line(text: str) -> str:
    """A title from a tool may hold line breaks and control characters: no header can."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())


def text(brief: Briefing) -> str:
    """The mail: one tap first, then what one needs to know."""
    lines = [f"Acknowledge: {brief.ack_url}", ""]
    if brief.restricted:
        return "\n".join([*lines, f"Reference: {brief.reference}"]) + "\n"
    lines += [
        one_line(brief.title),
        f"Service: {brief.service or 'not known yet (triage queue)'}",
        f"Severity: {brief.severity}",
        f"Since: {brief.started_at:%Y-%m-%d %H:%M} UTC",
        f"Alerts: {brief.alerts}",
    ]
    if brief.runbook:
        lines.append(f"Runbook: {brief.runbook}")
    lines += [f"Reference: {brief.reference}", f"Tier: {brief.tier}"]
    if brief.next_in_line:
        lines.append(f"If nobody acknowledges: {brief.next_in_line}")
    return "\n".join(lines) + "\n"


def payload(brief: Briefing) -> dict[str, object]:
    """The webhook's JSON (contract: page, incident, tier, attempt, due_at, ack_url)."""
    said: dict[str, object] = {
        "page": brief.page_id,
        "incident": brief.reference,
        "tier": brief.tier,
        "attempt": brief.attempt,
        "due_at": brief.due_at.isoformat(),
        "ack_url": brief.ack_url,
    }
    if brief.restricted:
        return said
    return said | {
        "title": brief.title,
        "severity": brief.severity,
        "service": brief.service,
        "started_at": brief.started_at.isoformat(),
        "alerts": brief.alerts,
        "runbook": brief.runbook,
        "next": brief.next_in_line,
    }


def at_once[M](methods: Sequence[tuple[str, M]], count: int) -> list[M]:
    """The addresses for the first attempt: on as many channels as asked, in the person's order.

    `methods` are pairs of channel and address; with fewer channels, a second address of one.
    """
    seen: set[str] = set()
    order = []
    for place, (channel, method) in enumerate(methods):
        order.append((channel in seen, place, method))
        seen.add(channel)
    chosen = sorted(order, key=lambda each: each[:2])[:count]
    return [method for _, _, method in sorted(chosen, key=lambda each: each[1])]


def ago(at: datetime.datetime, now: datetime.datetime) -> str:
    """'just now', '2 min ago', '3 h ago', '2 days ago'."""
    minutes = max(0, int((now - at).total_seconds() // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // (24 * 60)} days ago"


explain(
    page_expired=(
        "The link of this page has expired",
        "Sign in to act on the incident; links work for 72 hours.",
        410,
    ),
)
