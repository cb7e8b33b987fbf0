"""Sources: made, edited, given new tokens, tried out; and payloads: replayed from quarantine."""

import datetime
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from config import clock
from config.audit.tracking import lock
from config.due.queues import wake
from config.errors import Invalid, Refused, Stale
from config.events.operations import record
from config.governance.in_force import setting
from config.organisation.models import Team, User, UserKind
from incidents.alerts.models import (
    Adapter,
    IngestSource,
    PayloadKind,
    PayloadState,
    RawPayload,
)
from incidents.catalog.models import Service

INBOX = "alerts.inbox"
EDITABLE = ("name", "team", "service", "is_active", "rate_per_minute")
LONGEST_OVERLAP = 7 * 24
TEST_KEY = "watchbill-test"
PURGED_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Issued:
    """A source with its token, which nobody can read again."""

    source: IngestSource
    token: str


@transaction.atomic
def create_source(
    *,
    name: str,
    adapter: str,
    team: Team,
    actor: User,
    service: Service | None = None,
    is_active: bool = True,
    rate_per_minute: int | None = None,
    token: str | None = None,
) -> Issued:
    """A source with an account of its own, in whose name its alerts act.

    `token` is for seeding; it has the form of `IngestSource.new_token`.
    """
    if adapter not in Adapter.values:
        raise Invalid(f"Choose one of {', '.join(Adapter.values)}.", field="adapter")
    issued = token or IngestSource.new_token()
    source = IngestSource(
        name=name.strip(),
        adapter=adapter,
        team=team,
        service=service,
        is_active=is_active,
        rate_per_minute=rate_per_minute,
        hint=issued[:4],
        token_digest=IngestSource.digest_of(issued),
    )
    source.full_clean(exclude=["account"])
    source.account = _new_account(source.name, actor)
    source.save_as(actor)
    record("ingest_source.created", source, actor=actor, adapter=adapter, team_id=team.pk)
    return Issued(source, issued)


def _new_account(name: str, actor: User) -> User:
    account = User(
        username=f"ingest-{secrets.token_hex(6)}",
        name=f"{name} (integration)"[:150],
        kind=UserKind.SERVICE_ACCOUNT,
    )
    account.set_unusable_password()
    return account.save_as(actor)


@transaction.atomic
def edit_source(
    source: IngestSource,
    *,
    actor: User,
    changes: Mapping[str, Any],
    reason: str = "",
    revision: int | None = None,
) -> IngestSource:
    """Change what may change; the adapter and the token have ways of their own."""
    lock(source)
    if revision is not None and revision != source.revision:
        raise Stale(f"{source} has changed since you read it; read it again.")
    for name in changes:
        if name not in EDITABLE:
            raise Invalid(f"'{name}' can't be edited.", field=name)
    changed = [name for name, value in changes.items() if getattr(source, name) != value]
    if not changed:
        return source
    for name in changed:
        setattr(source, name, changes[name])
    source.full_clean()
    source.save_as(actor, *changed, reason=reason)
    record("ingest_source.edited", source, actor=actor, reason=reason, fields=changed)
    return source


@transaction.atomic
def rotate(source: IngestSource, *, actor: User, hours: int = 24, reason: str = "") -> Issued:
    """A new token; the present one stays valid for so many hours, 0 for none.

    A token that was still valid from an earlier rotation ends at once.
    """
    lock(source)
    if not 0 <= hours <= LONGEST_OVERLAP:
        raise Invalid(f"The old token may stay 0 to {LONGEST_OVERLAP} hours.", field="hours")
    token = IngestSource.new_token()
    until = clock.now() + datetime.timedelta(hours=hours)
    source.previous_digest = source.token_digest if hours else ""
    source.previous_until = until if hours else None
    source.token_digest = IngestSource.digest_of(token)
    source.hint = token[:4]
    source.save_as(
        actor, "previous_digest", "previous_until", "token_digest", "hint", reason=reason
    )
    record("ingest_source.token_rotated", source, actor=actor, reason=reason, hours=hours)
    return Issued(source, token)


@transaction.atomic
def send_test(source: IngestSource, *, actor: User) -> RawPayload:
    """Put a test alert and its end into the inbox: it goes the whole way of a real one."""
    if not source.is_active:
        raise Refused("The source is switched off: switch it on first.", code="source_inactive")
    alert = {
        "dedup_key": TEST_KEY,
        "title": f"Test alert of {source.name}",
        "level": "info",
        "description": f"Sent by {actor} to try out the source. Nothing is wrong.",
        "labels": {"test": True},
    }
    body = [alert, {**alert, "status": "resolved"}]
    payload = RawPayload.objects.create(
        source=source,
        adapter=Adapter.GENERIC,
        kind=PayloadKind.TEST,
        content_type="application/json",
        body=json.dumps(body).encode(),
    )
    record("ingest_source.tested", source, actor=actor, payload_id=payload.pk)
    wake(INBOX)
    return payload


@transaction.atomic
def replay(payload: RawPayload, *, actor: User, reason: str = "") -> RawPayload:
    """Read a quarantined payload once more: what counted the first time doesn't count again."""
    lock(payload)
    if payload.state != PayloadState.QUARANTINED:
        raise Refused(
            f"This payload is {payload.state}; only quarantined ones are replayed.",
            code="payload_not_quarantined",
        )
    # `processed_at` stays: whoever has read it already may see how it fares.
    payload.state, payload.error = PayloadState.NEW, ""
    payload.attempts = 0
    payload.save(update_fields=["state", "error", "attempts"])
    record("payload.replayed", payload, actor=actor, reason=reason, source_id=payload.source_id)
    wake(INBOX)
    return payload


def purge_inbox(as_of: datetime.datetime) -> int:
    """Remove payloads older than `alerts.inbox_retention_days`; those still to be read stay."""
    days = setting("alerts.inbox_retention_days")
    old = RawPayload.objects.filter(received_at__lt=as_of - datetime.timedelta(days=days))
    rows = old.exclude(state=PayloadState.NEW)
    count = 0
    while names := list(rows.values_list("pk", flat=True)[:PURGED_AT_ONCE]):
        count += RawPayload.objects.filter(pk__in=names).delete()[0]
    return count
