"""Copies of a database send nothing until somebody has looked."""

import datetime
import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from config import clock
from config.due import installation
from config.due.leases import claim
from config.due.models import Channel, Installation, OutboundMessage, WorkerHeartbeat
from config.due.operations import send_later
from config.due.outbox import CONDITION
from config.events.models import Event
from config.organisation.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def var(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def running(var):
    """An installation whose worker ran until just now."""
    installation.confirm()
    installation.beat("a worker", clock.now())


def paused() -> str:
    row = Installation.objects.get()
    return row.paused_because if row.outbound_paused_at else ""


def claimed() -> int:
    return len(claim(OutboundMessage, 10, CONDITION, (False, [])))


def test_knows_itself_again(running, var):
    assert installation.confirm().outbound_paused_at is None
    known = (var / "installation").read_text().strip()
    assert known == str(Installation.objects.get().installation_id)


def test_trusts_a_brand_new_database(var):
    (var / "installation").write_text(str(uuid.uuid4()))

    installation.confirm()

    assert paused() == ""
    known = (var / "installation").read_text().strip()
    assert known == str(Installation.objects.get().installation_id)


def test_pauses_on_a_machine_of_another_installation(running, var):
    (var / "installation").write_text(str(uuid.uuid4()))

    installation.confirm()

    assert "another installation" in paused()
    assert Event.objects.get(kind="outbound.paused").reason == paused()


def test_pauses_on_a_machine_that_does_not_know_it(running, var):
    (var / "installation").unlink()
    WorkerHeartbeat.objects.update(seen_at=clock.now() - datetime.timedelta(minutes=1))

    installation.confirm()

    assert "does not know" in paused()


def test_welcomes_a_further_node_of_a_living_installation(running, var):
    (var / "installation").unlink()

    installation.confirm()

    assert paused() == ""
    assert (var / "installation").exists()


def test_pauses_after_a_long_silence(running):
    Installation.objects.update(heartbeat_at=clock.now() - datetime.timedelta(minutes=16))

    installation.confirm()

    assert paused() == "No worker has run for 16 minutes."


def test_pauses_in_a_restored_database(running):
    Installation.objects.update(facts={"database": "123/456"})

    installation.confirm()

    assert "restored" in paused()


def test_keeps_the_first_reason(running):
    installation.pause(Installation.objects.get(), "because")
    Installation.objects.update(facts={"database": "123/456"})

    installation.confirm()

    assert paused() == "because"


def test_claims_no_message_while_paused(running):
    for address in ("a@example.org", "b@example.org", "b@example.org"):
        send_later("test.message", User.objects.system(), channel=Channel.MAIL, address=address)
    installation.pause(Installation.objects.get(), "because")
    assert claimed() == 0

    call_command("resume_outbound", "--yes")

    assert paused() == ""
    assert claimed() == 3
    event = Event.objects.get(kind="outbound.resumed")
    assert event.data == {"paused_because": "because"}


def test_lists_what_would_go_and_changes_nothing_unasked(running, capsys):
    send_later("test.message", User.objects.system(), channel=Channel.MAIL, address="a@example.org")
    installation.pause(Installation.objects.get(), "because")

    with pytest.raises(CommandError, match="--yes"):
        call_command("resume_outbound", "--json")

    found = json.loads(capsys.readouterr().out)
    assert (found["resumed"], found["count"]) == (False, 1)
    assert (found["purposes"], found["addresses"]) == ({"test.message": 1}, {"a@example.org": 1})
    assert paused() == "because"
    assert not Event.objects.filter(kind="outbound.resumed").exists()
