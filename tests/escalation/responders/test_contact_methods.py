"""Contact methods: nothing is paged that wasn't verified."""

import datetime

import pytest

from config import clock
from config.access.rules import Role
from config.due.worker import capture_sends, run_due
from config.errors import Invalid, NotAllowed, Refused
from config.events.models import Event
from config.organisation.models import User
from escalation.responders import operations
from escalation.responders.models import ContactMethod
from escalation.responders.rules import code_for, is_same_code
from tests.config import make as people
from tests.escalation import make
from tests.escalation.make import START

URL = "/api/v1/contact-methods/"


@pytest.fixture
def method(bob: User) -> ContactMethod:
    """A fresh mail address of bob, not verified."""
    with clock.simulated(START):
        return operations.add_contact_method(
            bob, channel="mail", address="bob@example.org", actor=bob
        )


def sent_code(minutes: float = 0) -> str:
    with capture_sends() as caught:
        run_due(START + datetime.timedelta(minutes=minutes))
    return str(caught[-1].send.json["code"]) if caught and caught[-1].send.json else ""


def later(minutes: float) -> datetime.datetime:
    return START + datetime.timedelta(minutes=minutes)


def test_is_verified_over_the_api_by_the_code_that_was_sent(bob: User) -> None:
    client = people.api(bob)
    with capture_sends() as caught:
        made = client.post(URL, {"channel": "mail", "address": "bob@example.org"})
        run_due(clock.now())
    assert (made.status_code, made.data["verified_at"]) == (201, None)
    (message,) = caught
    assert message.message.address == "bob@example.org"
    code = message.send.subject.split()[0]

    wrong = client.post(f"{URL}{made.data['id']}/verify/", {"code": "0000-0000"})
    right = client.post(f"{URL}{made.data['id']}/verify/", {"code": code.lower()})

    assert (wrong.status_code, wrong.data["errors"][0]["pointer"]) == (400, "#/code")
    assert right.status_code == 200
    stored = ContactMethod.objects.get()
    assert stored.is_usable
    assert "code" not in message.message.data
    history = client.get(f"{URL}{made.data['id']}/history/").data["results"]
    assert history[0]["origin"] == "api"


def test_accepts_a_code_once_and_for_half_an_hour(method: ContactMethod, bob: User) -> None:
    code = sent_code()

    with clock.simulated(later(30)), pytest.raises(Invalid) as refusal:
        operations.verify(method, code=code, actor=bob)
    assert refusal.value.field == "code"
    with clock.simulated(later(29)):
        operations.verify(method, code=code, actor=bob)

    assert method.verified_at == later(29)
    assert Event.objects.filter(kind="contact.verified").count() == 1


def test_sends_a_fresh_code_after_a_minute(method: ContactMethod, bob: User) -> None:
    first = sent_code()
    with clock.simulated(later(0.9)), pytest.raises(Refused) as refusal:
        operations.resend_code(method, actor=bob)
    assert refusal.value.public_code == "contact_code_recent"

    with clock.simulated(later(1)):
        operations.resend_code(method, actor=bob)
    second = sent_code(1)

    assert first != second
    with clock.simulated(later(2)), pytest.raises(Invalid):
        operations.verify(method, code=first, actor=bob)
    with clock.simulated(later(2)):
        operations.verify(method, code=second, actor=bob)
    with clock.simulated(later(3)), pytest.raises(Refused) as refusal:
        operations.resend_code(method, actor=bob)
    assert refusal.value.public_code == "contact_verified"


def test_reads_codes_as_people_type_them() -> None:
    code = code_for(b"key", 7, START)

    assert len(code) == 9
    assert code == code_for(b"key", 7, START)
    assert code not in (code_for(b"yek", 7, START), code_for(b"key", 8, START))
    assert is_same_code("oil0 1111", "01L0-I1L1")
    assert is_same_code(f" {code.lower()} ", code)
    assert not is_same_code("ü", code)


def test_sends_a_test_page_to_a_verified_address_only(method: ContactMethod, bob: User) -> None:
    client = people.api(bob)
    refused = client.post(f"{URL}{method.pk}/test/")
    assert (refused.status_code, refused.data["code"]) == (409, "contact_unverified")
    operations.trust_contact_method(method, actor=people.system(), reason="directory")

    with capture_sends() as caught:
        assert client.post(f"{URL}{method.pk}/test/").status_code == 200
        run_due(clock.now())

    assert [each.send.subject for each in caught] == ["[TEST] Watchbill can page you here"]
    assert Event.objects.filter(kind="contact.tested", actor=bob).count() == 1


def test_stops_using_a_removed_address(method: ContactMethod, bob: User) -> None:
    operations.trust_contact_method(method, actor=people.system(), reason="directory")

    operations.remove_contact_method(method, actor=bob)

    assert not ContactMethod.objects.usable().exists()
    for verb in (operations.remove_contact_method, operations.send_test_page):
        with pytest.raises(Refused) as refusal:
            verb(method, actor=bob)
        assert refusal.value.public_code == "contact_removed"
    again = operations.add_contact_method(bob, channel="mail", address="bob@example.org", actor=bob)
    assert not again.is_usable


@pytest.mark.parametrize(
    ("channel", "address", "field"),
    [
        ("mail", "bob", "address"),
        ("mail", "bob@example.org\nBcc: x@example.org", "address"),
        ("webhook", "ftp://example.org", "address"),
        ("webhook", "javascript:alert(1)", "address"),
        ("pigeon", "roof", "channel"),
    ],
)
def test_refuses_what_is_no_address(bob: User, channel: str, address: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        operations.add_contact_method(bob, channel=channel, address=address, actor=bob)

    assert refusal.value.field == field
    assert not ContactMethod.objects.exists()


def test_is_on_the_list_once(method: ContactMethod, bob: User) -> None:
    answer = people.api(bob).post(URL, {"channel": "mail", "address": "bob@example.org"})

    assert answer.status_code in (400, 409), answer.data
    assert ContactMethod.objects.count() == 1


def test_belongs_to_its_person(method: ContactMethod, alice: User) -> None:
    for call in (
        lambda: operations.add_contact_method(
            method.user, channel="mail", address="evil@example.org", actor=alice
        ),
        lambda: operations.remove_contact_method(method, actor=alice),
        lambda: operations.edit_contact_method(method, actor=alice, changes={"position": 9}),
        lambda: operations.resend_code(method, actor=alice),
        lambda: operations.verify(method, code="x", actor=alice),
        lambda: operations.send_test_page(method, actor=alice),
    ):
        with pytest.raises(NotAllowed):
            call()

    assert ContactMethod.objects.get().revision == 1


def test_changes_its_place_but_not_its_address(method: ContactMethod, bob: User) -> None:
    operations.edit_contact_method(method, actor=bob, changes={"position": 3})
    with pytest.raises(Invalid):
        operations.edit_contact_method(method, actor=bob, changes={"address": "x@example.org"})

    assert ContactMethod.objects.get().position == 3


def test_is_seen_by_administrators_of_the_persons_unit(
    method: ContactMethod, retail, freight, carol: User, mallory: User
) -> None:
    near, far = people.user("near"), people.user("far")
    people.role(Role.UNIT_ADMINISTRATOR, to=near, on=retail)
    people.role(Role.UNIT_ADMINISTRATOR, to=far, on=freight)

    seen = [
        ContactMethod.objects.visible_to(each).count()
        for each in (method.user, near, far, carol, mallory)
    ]

    assert seen == [1, 1, 0, 0, 0]


def test_does_not_put_the_address_into_the_event_log(method: ContactMethod) -> None:
    names = Event.objects.filter(kind="contact.added").values_list("subject_name", flat=True)

    assert list(names) == ["Mail of Bob Berg"]


def test_counts_verified_addresses(method: ContactMethod, bob: User, alice: User) -> None:
    make.contact(alice)
    make.contact(alice)

    assert operations.verified_counts([alice, bob]) == {alice.pk: 2, bob.pk: 0}
