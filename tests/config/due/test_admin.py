"""Dead letters in the admin: seen by overseers, tried again by who runs the platform."""

import datetime

import pytest
from django.urls import reverse

from config.access.rules import Role
from config.due.models import Channel, Timer
from config.due.operations import schedule, send_later
from config.due.worker import run_due
from config.events.models import Event
from config.origin import Origin
from tests.config import make

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture
def dead() -> Timer:
    found = schedule("test.unknown", make.system(), NOON, key="parked")
    run_due(NOON)
    found.refresh_from_db()
    return found


@pytest.fixture
def administrator():
    found = make.user("pat")
    make.role(Role.PLATFORM_ADMINISTRATOR, to=found)
    return found


def retry_url(row: Timer) -> str:
    return reverse("admin:config_timer_verb", args=(row.pk, "retry"))


def test_tries_a_dead_letter_again_with_a_reason(dead, administrator):
    answer = make.browser(administrator).post(retry_url(dead), {"reason": "code deployed"})

    assert answer.status_code == 302
    dead.refresh_from_db()
    assert (dead.dead_at, dead.attempts, dead.last_error) == (None, 0, "")
    event = Event.objects.get(kind="due.retried")
    assert (event.actor, event.origin, event.reason) == (
        *(administrator, Origin.ADMIN),
        "code deployed",
    )


def test_tries_selected_dead_letters_again(dead, administrator):
    url = reverse("admin:config_timer_changelist")
    chosen = {"action": "retry", "_selected_action": [dead.pk], "reason": "code deployed"}

    make.browser(administrator).post(url, chosen)

    dead.refresh_from_db()
    assert dead.dead_at is None


def test_lets_an_auditor_read_and_nobody_below(dead):
    carol, mallory = make.user("carol"), make.user("mallory")
    make.role(Role.AUDITOR, to=carol)
    page = reverse("admin:config_timer_change", args=(dead.pk,))

    assert make.browser(carol).get(page).status_code == 200
    assert make.browser(carol).post(retry_url(dead), {"reason": "x"}).status_code == 403
    assert make.browser(mallory).get(page).status_code in (302, 403, 404)
    dead.refresh_from_db()
    assert dead.dead_at is not None


@pytest.mark.parametrize(("stand", "count"), [("dead", 1), ("open", 1), ("done", 1), ("", 3)])
def test_filters_by_how_rows_stand(dead, administrator, stand, count):
    Timer.objects.exclude(pk=dead.pk).delete()
    schedule("test.bump", make.system(), NOON, key="done")
    run_due(NOON)
    schedule("test.bump", make.system(), NOON, key="open")

    answer = make.browser(administrator).get(
        reverse("admin:config_timer_changelist"), {"stand": stand} if stand else {}
    )

    assert len(answer.context["cl"].result_list) == count


def test_shows_a_messages_attempts(administrator):
    message = send_later(
        "test.message",
        make.system(),
        channel=Channel.MAIL,
        address="alice@example.org",
        due_at=NOON,
    )
    run_due(NOON)

    answer = make.browser(administrator).get(
        reverse("admin:config_outboundmessage_change", args=(message.pk,))
    )

    assert answer.status_code == 200
    assert "captured" in answer.content.decode()


@pytest.mark.parametrize("model", ["timer", "outboundmessage", "eventdelivery", "workerheartbeat"])
def test_opens_every_list(administrator, model):
    answer = make.browser(administrator).get(reverse(f"admin:config_{model}_changelist"))

    assert answer.status_code == 200
