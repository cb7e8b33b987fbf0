"""Delivering pages: re-reading, retries, the next contact method, the next tier."""

import datetime
import json
import uuid

import pytest

from config import clock
from config.audit.tracking import lock
from config.due.answers import failed, refused, sent
from config.due.leases import lease_one
from config.due.mail import domain
from config.due.models import Channel, OutboundMessage, Timer
from config.due.performing import perform_strictly
from config.due.queues import queues
from config.due.sending import _transports, attempt
from config.due.worker import capture_sends, run_due
from config.organisation.models import User
from escalation.paging.links import url_of
from escalation.paging.models import Page, PageState, new_page_id
from escalation.responders.operations import add_contact_method
from escalation.runs.models import EscalationRecord, EscalationRun
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, edit, resolve
from incidents.timeline.models import TimelineEntry
from tests.config import make as people
from tests.config.due.servers import mail_server, web_server
from tests.escalation import make
from tests.escalation.make import START, after, kinds, lines
from tests.incidents import make as make_incidents


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every provider is down; the addresses that were tried."""
    tried: list[str] = []

    def refuse(message, send):
        tried.append(message.address)

        return failed("connection refused")

    for channel in Channel.values:
        monkeypatch.setitem(_transports, channel, refuse)
    return tried


def messages() -> list[OutboundMessage]:
    return list(OutboundMessage.objects.filter(purpose="page").order_by("created_at", "pk"))


def try_all(now: datetime.datetime) -> None:
    """As a worker would: every message that is due is really tried, each retry at its time."""
    with clock.simulated(now):
        while row := OutboundMessage.objects.open().filter(next_at__lte=clock.now()).first():
            attempt(lease_one(row))


def retry_until_dead(minutes: float) -> None:
    for step in range(1, 13):
        try_all(after(minutes) + datetime.timedelta(seconds=30 * step))


def start_paging() -> None:
    """Run what is due at the start, and stop before anything is sent."""
    with clock.simulated(START):
        queue = next(each for each in queues() if each.model is Timer)

        for row in Timer.objects.open().filter(next_at__lte=clock.now()):
            perform_strictly(queue, lease_one(row))


def test_says_all_that_matters_in_subject_text_and_headers(
    incident: Incident, checkout: Service
) -> None:
    checkout.runbook_url = "https://runbooks.example.org/checkout"
    checkout.save_as(people.system(), "runbook_url")

    with capture_sends() as caught:
        run_due(after(0))

    page = Page.objects.get()
    (captured,) = [each for each in caught if each.message.purpose == "page"]
    assert captured.message.address == "bob@example.org"
    assert captured.send.subject == f"[SEV2] Checkout: Checkout is slow ({incident.reference})"
    assert captured.send.text == (
        f"Acknowledge: {url_of(page.pk)}\n\n"
        "Checkout is slow\nService: Checkout\nSeverity: SEV2\nSince: 2026-03-02 09:00 UTC\n"
        "Alerts: 0\nRunbook: https://runbooks.example.org/checkout\n"
        f"Reference: {incident.reference}\nTier: 1\n"
        "If nobody acknowledges: Alice Abel at 09:05 UTC\n"
    )
    assert captured.send.headers == {
        "References": f"<incident-{incident.reference.lower()}@{domain()}>",
        "X-Watchbill-Incident": incident.reference,
        "X-Watchbill-Page": str(page.pk),
        "Idempotency-Key": str(page.pk),
    }
    assert (page.state, page.sent_at) == (PageState.SENT, START)


def test_leaves_the_house_as_mail_in_one_thread(incident: Incident, settings) -> None:
    with mail_server() as server:
        settings.SMTP_URL = f"smtp://127.0.0.1:{server.port}"
        start_paging()
        try_all(START)

    (mail,) = [each for each in server.mails if "X-Watchbill-Page" in each]
    assert mail["Subject"] == f"[SEV2] Checkout: Checkout is slow ({incident.reference})"
    assert mail["References"] == f"<incident-{incident.reference.lower()}@{domain()}>"
    assert mail["Message-ID"] == f"<{messages()[0].pk}@{domain()}>"
    assert mail["X-Watchbill-Page"] == str(Page.objects.get().pk)


def test_leaves_the_house_as_json(incident: Incident, bob: User, settings) -> None:
    with web_server() as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.port}"]
        make.contact(bob, server.url, channel=Channel.WEBHOOK, position=0)
        start_paging()
        try_all(START)

    page = Page.objects.get()
    (_, headers, body) = server.requests[-1]
    said = json.loads(body)
    assert {name: said[name] for name in ("page", "incident", "tier", "attempt", "due_at")} == {
        "page": str(page.pk),
        "incident": incident.reference,
        "tier": 1,
        "attempt": 1,
        "due_at": "2026-03-02T09:00:00+00:00",
    }
    assert said["ack_url"] == url_of(page.pk)
    assert headers["Idempotency-Key"] == str(page.pk)


def test_keeps_a_title_with_line_breaks_on_one_line(policy, checkout: Service) -> None:
    with clock.simulated(START):
        make_incidents.incident("Disk full\r\nBcc: all@example.org\x07", service=checkout)

    with capture_sends() as caught:
        run_due(after(0))

    (captured,) = [each for each in caught if each.message.purpose == "page"]
    assert "Checkout: Disk full Bcc: all@example.org (" in captured.send.subject
    assert "\n" not in captured.send.subject


def test_tells_of_a_restricted_incident_reference_and_link_only(
    incident: Incident, alice: User
) -> None:
    with clock.simulated(START):
        edit(incident, actor=alice, changes={"is_restricted": True})

    with capture_sends() as caught:
        run_due(after(0))

    page = Page.objects.get()
    (captured,) = [each for each in caught if each.message.purpose == "page"]
    assert captured.send.subject == f"{incident.reference}: you are needed"
    assert captured.send.text == (
        f"Acknowledge: {url_of(page.pk)}\n\nReference: {incident.reference}\n"
    )
    assert captured.send.json == {
        "page": str(page.pk),
        "incident": incident.reference,
        "tier": 1,
        "attempt": 1,
        "due_at": "2026-03-02T09:00:00+00:00",
        "ack_url": url_of(page.pk),
    }


def test_is_not_sent_when_somebody_acknowledges_between_claim_and_send(
    incident: Incident, alice: User, refusing: list[str]
) -> None:
    start_paging()
    (message,) = messages()
    lease = lease_one(message)
    with clock.simulated(after(1)):
        acknowledge(incident, actor=alice)

        attempt(lease)

    assert refusing == []
    message.refresh_from_db()
    assert (message.outcome, message.done_at) == ("skipped", after(1))
    assert Page.objects.get().state == PageState.NOT_NEEDED


def test_is_not_sent_again_when_it_was_acknowledged_and_armed_again(
    incident: Incident, alice: User, refusing: list[str]
) -> None:
    start_paging()
    (message,) = messages()
    Page.objects.update(state=PageState.SENT)
    with clock.simulated(after(1)):
        acknowledge(incident, actor=alice)
    run = EscalationRun.objects.get()
    lock(run)
    run.state = "active"
    run.save_as(people.system(), "state")

    attempt(lease_one(message))

    assert refusing == []


@pytest.mark.parametrize("what", ["resolved", "reassigned", "person gone"])
def test_is_not_sent_to_whom_it_does_not_concern_any_more(
    incident: Incident, tracking, alice, bob, refusing: list[str], what: str
) -> None:
    start_paging()
    (message,) = messages()
    with clock.simulated(after(0.1)):
        if what == "resolved":
            resolve(incident, actor=alice)
        elif what == "reassigned":
            edit(incident, actor=alice, changes={"service": tracking}, reason="theirs")
        else:
            bob.is_active = False
            bob.save_as(people.system(), "is_active")

        attempt(lease_one(message))

    assert refusing == []


def test_is_still_sent_when_the_tiers_are_exhausted(
    checkout: Service, reachable, bob, refusing: list[str]
) -> None:
    with clock.simulated(START):
        make.policy([make.person_tier(bob, 1)])
        make_incidents.incident(service=checkout)
    start_paging()
    EscalationRun.objects.get()
    run = EscalationRun.objects.get()
    run.state = "exhausted"
    run.save_as(people.system(), "state")

    try_all(after(0))

    assert refusing == ["bob@example.org"]


def test_falls_back_to_the_next_contact_method_and_says_so(
    incident: Incident, bob: User, refusing: list[str], monkeypatch
) -> None:
    make.contact(bob, "https://phone.example.org/bob", channel=Channel.WEBHOOK, position=2)
    start_paging()

    retry_until_dead(0)

    assert refusing.count("bob@example.org") == 4
    assert refusing.count("https://phone.example.org/bob") == 4
    assert refusing.index("https://phone.example.org/bob") == 4
    assert "Bob Berg could not be reached by mail: trying webhook" in lines(incident)
    assert "Bob Berg could not be reached by any contact method" in lines(incident)


def test_asks_the_next_tier_at_once_when_a_person_cannot_be_reached(
    incident: Incident, bob: User, refusing: list[str]
) -> None:
    start_paging()

    retry_until_dead(0)

    assert Page.objects.get().state == PageState.FAILED
    died = TimelineEntry.objects.latest("id").at
    assert EscalationRun.objects.get().next_tier_at == died < after(5)
    record = EscalationRecord.objects.get(kind="unreachable")
    assert (record.person, record.tier) == (bob, 1)


def test_asks_the_next_tier_at_once_when_nobody_has_an_address(
    policy, checkout: Service, bob: User, alice: User
) -> None:
    for person in (bob, alice):
        for method in person.contact_methods.all():
            method.removed_at = clock.now()
            method.save_as(people.system(), "removed_at")
    with clock.simulated(START):
        incident = make_incidents.incident(service=checkout)

    with capture_sends() as caught:
        run_due(after(0))

    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1), ("dora", 3, 1)]
    assert [each.message.address for each in caught if each.message.purpose == "page"] == [
        "dora@example.org"
    ]
    assert "unreachable 1/1" in kinds(incident)
    assert "Bob Berg has no verified contact method" in lines(incident)


def test_waits_for_those_of_a_tier_who_can_be_reached(
    checkout: Service, payments, reachable, alice, bob, dora
) -> None:
    silent = people.user("aaron")
    make.schedule(payments, silent)
    make.schedule(payments, bob)
    with clock.simulated(START):
        make.policy([{"target": "team_on_call", "wait_minutes": 5}, make.person_tier(dora)])
        make_incidents.incident(service=checkout)

    run_due(after(4))

    assert make.paged() == [("aaron", 1, 1), ("bob", 1, 1)]
    assert EscalationRun.objects.get().next_tier_at == after(5)


def test_uses_two_channels_at_once_for_sev1(policy, checkout: Service, bob: User) -> None:
    make.contact(bob, "second@example.org", position=2)
    make.contact(bob, "https://phone.example.org/bob", channel=Channel.WEBHOOK, position=3)
    with clock.simulated(START):
        incident = make_incidents.incident(service=checkout, level="critical")

    with capture_sends() as caught:
        run_due(after(0))

    assert incident.severity == "SEV1"
    assert {each.message.address for each in caught if each.message.purpose == "page"} == {
        "bob@example.org", "https://phone.example.org/bob",
    }  # fmt: skip


def test_is_not_failed_while_another_channel_may_reach(
    policy, checkout: Service, bob: User, monkeypatch
) -> None:
    make.contact(bob, "https://phone.example.org/bob", channel=Channel.WEBHOOK, position=3)
    with clock.simulated(START):
        make_incidents.incident(service=checkout, level="critical")

    monkeypatch.setitem(_transports, Channel.MAIL, lambda message, send: refused("550 no"))
    monkeypatch.setitem(_transports, Channel.WEBHOOK, lambda message, send: sent("ok"))
    start_paging()

    try_all(after(0))

    page = Page.objects.get()
    assert page.state == PageState.SENT
    assert not EscalationRecord.objects.filter(kind="unreachable").exists()


def test_does_not_hurry_anybody_after_an_acknowledgement(
    incident: Incident, alice: User, refusing: list[str]
) -> None:
    start_paging()
    (message,) = messages()
    with clock.simulated(after(0)):
        attempt(lease_one(message))
    with clock.simulated(after(0.1)):
        acknowledge(incident, actor=alice)

    retry_until_dead(1)

    assert Page.objects.get().state == PageState.NOT_NEEDED
    assert EscalationRun.objects.get().state == "acknowledged"
    assert len(refusing) == 1


@pytest.mark.check("ESC-08.2")
def test_goes_to_verified_addresses_only(policy, checkout: Service, bob: User) -> None:
    add_contact_method(bob, channel="mail", address="new@example.org", actor=bob, position=0)
    with clock.simulated(START):
        make_incidents.incident(service=checkout, level="critical")

    with capture_sends() as caught:
        run_due(after(0))

    assert [each.message.address for each in caught if each.message.purpose == "page"] == [
        "bob@example.org"
    ]


def test_has_keys_that_sort_by_time() -> None:
    ids = []
    for minute in range(5):
        with clock.simulated(after(minute)):
            ids.append(new_page_id())

    assert sorted(ids) == ids
    assert {(each.version, each.variant) for each in ids} == {(7, uuid.RFC_4122)}
