"""What a signed agreement binds changes only by three sign-offs and a change record (CMP-01.2)."""

import datetime

import pytest
from django.urls import reverse

from config import clock
from config.access.delegations import delegate
from config.access.rules import Role
from config.agreements.models import AgreementVersion
from config.due.worker import run_due
from config.errors import Blocked
from config.events.models import Event
from config.governance.activation import activate, activate_in_emergency
from config.governance.models import ChangeReference, SignOff, VersionState
from config.governance.operations import approve, propose, save_draft, send_back, submit
from config.governance.rules import Capacity
from config.governance.signing import missing
from incidents.taxonomy.models import SeverityTableVersion
from tests.config import make
from tests.config.agreements.conftest import SIDES, TABLES, conclude, signed_by
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
NOT_SIGNED = [
    "ACME: service owner has not signed off.",
    "ACME: business unit has not signed off.",
    "ACME: legal has not signed off.",
    "No change record is named, and what is signed changes only by one.",
]


def verb(version, name):
    return reverse("admin:incidents_severitytableversion_verb", args=(version.pk, name))


def page(version):
    return reverse("admin:incidents_severitytableversion_change", args=(version.pk,))


def sign(client, version, capacity, **body):
    return client.post(f"{TABLES}{version.pk}/sign-off/", {"capacity": capacity, **body})


def stored(version):
    return SeverityTableVersion.objects.get(pk=version.pk)


@pytest.mark.check("CMP-01.2")
def test_refuses_an_activation_over_the_api_naming_what_is_missing(approved, people, matrix):
    client = make.api(people.author)
    texts = []

    for step in (None, *SIDES):
        if step is not None:
            answer = sign(make.api(people.signers[step]), approved, step, comment="Agreed")
            assert (answer.status_code, answer.json()["state"]) == (200, "approved")
        refused = client.post(f"{TABLES}{approved.pk}/activate/", {})
        assert (refused.status_code, refused.json()["code"]) == (409, "blocked")
        texts.append([each["text"] for each in refused.json()["blockers"]])
        assert stored(approved).state == VersionState.APPROVED
        assert stored(matrix).in_force.upper is None
    named = client.post(f"{TABLES}{approved.pk}/name-change/", {"reference": "CHG0031337"})
    done = client.post(f"{TABLES}{approved.pk}/activate/", {})

    assert texts == [NOT_SIGNED, NOT_SIGNED[1:], NOT_SIGNED[2:], NOT_SIGNED[3:]]
    assert [named.status_code, done.status_code] == [200, 200]
    assert stored(approved).state == VersionState.ACTIVE
    rows = SignOff.objects.filter(version=approved.pk).order_by("id")
    assert [(row.capacity, row.person, row.comment) for row in rows] == [
        (capacity, people.signers[capacity], "Agreed") for capacity in SIDES
    ]
    assert {row.content_hash for row in rows} == {approved.content_hash}
    assert ChangeReference.objects.get().reference == "CHG0031337"
    events = Event.objects.filter(kind="policy.signed_off", subject_id=approved.pk).order_by("id")
    assert [(each.actor, each.data["capacity"], each.data["agreements"]) for each in events] == [
        (people.signers[capacity], capacity.value, ["acme"]) for capacity in SIDES
    ]


@pytest.mark.check("CMP-01.2")
def test_refuses_an_activation_in_the_admin_naming_what_is_missing(approved, people):
    writer = make.browser(people.author)

    refused = writer.post(verb(approved, "activate"), {"at_0": "", "at_1": ""})
    shown = writer.get(page(approved)).content.decode()

    for text in NOT_SIGNED:
        assert text in refused.content.decode()
    assert shown.count('<span class="wb-badge wb-danger">missing</span>') == 4
    assert stored(approved).state == VersionState.APPROVED
    for capacity, person in people.signers.items():
        hand = make.browser(person)
        assert verb(approved, "sign_off") in hand.get(page(approved)).content.decode()
        form = {"capacity": capacity, "content_hash": approved.content_hash, "comment": "Fine"}
        assert hand.post(verb(approved, "sign_off"), form).status_code == 302
        assert verb(approved, "sign_off") not in hand.get(page(approved)).content.decode()
    writer.post(verb(approved, "name_change"), {"reference": "CHG0031337"})
    shown = writer.get(page(approved)).content.decode()
    assert "CHG0031337" in shown
    assert "Uwe" in shown
    writer.post(verb(approved, "activate"), {"at_0": "", "at_1": ""})

    assert stored(approved).state == VersionState.ACTIVE


@pytest.mark.check("CMP-01.2")
def test_leaves_incidents_with_the_version_they_were_classified_under(
    draft, matrix, people, checkout
):
    before = make_incidents.incident(service=checkout)
    make.api(people.author).post(f"{TABLES}{draft.pk}/name-change/", {"reference": "CHG0031337"})
    conclude(draft, people)
    after = make_incidents.incident(service=checkout)

    before.refresh_from_db()
    assert [before.severity_version_id, after.severity_version_id] == [matrix.pk, draft.pk]
    assert before.severity != after.severity == "SEV1"


def test_asks_for_no_change_record_before_anything_is_signed(people, matrix):
    agreement = propose(
        AgreementVersion,
        "acme",
        actor=people.author,
        title="ACME",
        values={"service": "checkout", "signed_on": clock.now().date()},
        reason="Signed",
    )
    submit(agreement, actor=people.author)

    assert [each.text for each in missing(agreement)] == NOT_SIGNED[:3]


def test_takes_sign_offs_away_when_the_content_changes(approved, people):
    for capacity in SIDES:
        signed_by(people, approved, capacity)
    assert [each.code for each in missing(approved)] == ["change_reference_missing"]

    send_back(approved, actor=people.approver, reason="Not this")
    cells = [dict(row) for row in approved.cells.values("line", "level", "tier", "severity")]
    changed = next(cell for cell in cells if cell["severity"] != "SEV4")
    changed["severity"] = "SEV4"
    save_draft(approved, actor=people.author, parts={"cells": cells})
    submit(approved, actor=people.author)
    approve(approved, actor=people.approver, content_hash=approved.content_hash)

    assert [each.text for each in missing(approved)] == NOT_SIGNED
    assert SignOff.objects.filter(version=approved.pk).count() == 3
    signed_by(people, approved, Capacity.LEGAL)
    assert [each.text for each in missing(approved)] == [
        NOT_SIGNED[0],
        NOT_SIGNED[1],
        NOT_SIGNED[3],
    ]


def test_refuses_whoever_wrote_it_or_signed_for_another_side(approved, people):
    make.role(Role.LEGAL, to=people.author)
    make.role(Role.LEGAL, to=people.signers[Capacity.BUSINESS_UNIT])
    signed_by(people, approved, Capacity.BUSINESS_UNIT)

    own = sign(make.api(people.author), approved, "legal")
    twice = sign(make.api(people.signers[Capacity.BUSINESS_UNIT]), approved, "legal")

    assert [(each.status_code, each.json()["code"]) for each in (own, twice)] == [
        (409, "four_eyes"),
        (409, "four_eyes"),
    ]
    assert SignOff.objects.filter(version=approved.pk).count() == 1
    refused = Event.objects.filter(kind="access.refused")
    assert refused.count() == 2


def test_refuses_who_speaks_for_nobody_there(approved, people, mallory, tracking, root):
    olga = make.user("otto")
    make.role(Role.SERVICE_OWNER, to=olga, on=tracking)
    robot = make.service_account("robot")
    make.role(Role.LEGAL, to=robot)

    answers = [
        sign(make.api(mallory), approved, "legal"),
        sign(make.api(olga), approved, "service_owner"),
        sign(make.api(people.signers[Capacity.LEGAL]), approved, "service_owner"),
        sign(make.api(root), approved, "legal"),
        sign(make.api(robot), approved, "legal"),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        *[(403, "not_allowed")] * 4,
        (403, "human_required"),
    ]
    assert SignOff.objects.filter(version=approved.pk).count() == 0
    assert make.browser(mallory).post(verb(approved, "sign_off"), {}).status_code == 403


def test_refuses_another_content_a_second_signature_and_the_wrong_time(draft, people):
    client = make.api(people.signers[Capacity.LEGAL])
    early = sign(client, draft, "legal")
    submit(draft, actor=people.author)

    other = sign(client, draft, "legal", content_hash="0" * 64)
    nonsense = sign(client, draft, "janitor")
    first = sign(client, draft, "legal")
    again = sign(client, draft, "legal")

    assert [(each.status_code, each.json()["code"]) for each in (early, other, nonsense)] == [
        (409, "sign_off_not_now"),
        (409, "content_changed"),
        (400, "invalid"),
    ]
    assert (first.status_code, again.status_code, again.json()["code"]) == (
        200, 409, "sign_off_given",
    )  # fmt: skip
    assert SignOff.objects.filter(version=draft.pk).count() == 1


def test_needs_no_sign_off_where_nothing_binds(matrix, people):
    free = propose(SeverityTableVersion, matrix.policy.key, actor=people.author, reason="Words")
    submit(free, actor=people.author)

    answer = sign(make.api(people.signers[Capacity.LEGAL]), free, "legal")

    assert (answer.status_code, answer.json()["code"]) == (409, "sign_off_not_needed")
    assert missing(free) == []
    shown = make.browser(people.author).get(page(free)).content.decode()
    assert "No signed agreement binds this version" in shown


def test_binds_a_timed_activation_and_an_emergency(approved, people):
    with pytest.raises(Blocked):
        activate(approved, actor=people.author, at=clock.now() + datetime.timedelta(hours=1))
    with pytest.raises(Blocked):
        activate_in_emergency(approved, actor=people.approver, reason="Storm")

    run_due(clock.now() + datetime.timedelta(hours=2))
    assert stored(approved).state == VersionState.APPROVED
    assert not stored(approved).is_emergency


def test_binds_what_a_unit_has_in_its_place(agreement, matrix, people, retail):
    own = propose(
        SeverityTableVersion, matrix.policy.key, actor=people.author, unit=retail, reason="Ours"
    )
    submit(own, actor=people.author)

    assert [each.text for each in missing(own)] == NOT_SIGNED


def test_binds_only_until_the_last_day(agreement, people, draft):
    changed = propose(
        AgreementVersion,
        "acme",
        actor=people.author,
        values={"ends_on": clock.now().date()},
        reason="It ends",
    )
    make.api(people.author).post(
        f"/api/v1/agreements/{changed.pk}/name-change/", {"reference": "CHG1"}
    )
    conclude(changed, people)

    assert missing(draft)
    with clock.simulated(clock.now() + datetime.timedelta(days=1)):
        assert missing(draft) == []


def test_changes_an_agreement_only_by_its_own_sign_offs(agreement, people):
    freed = propose(
        AgreementVersion, "acme", actor=people.author, parts={"definitions": []}, reason="Free it"
    )
    submit(freed, actor=people.author)
    approve(freed, actor=people.approver, content_hash=freed.content_hash)
    client = make.api(people.approver)

    activated = client.post(f"/api/v1/agreements/{freed.pk}/activate/", {})
    retired = client.post(f"/api/v1/agreements/{agreement.pk}/retire/", {"reason": "Free it"})

    assert [each["text"] for each in activated.json()["blockers"]] == NOT_SIGNED
    assert (retired.status_code, retired.json()["blockers"][0]["code"]) == (409, "agreement_needed")
    agreement.refresh_from_db()
    assert agreement.state == VersionState.ACTIVE


def test_shows_what_is_signed_in_the_review(approved, people, mallory):
    signed_by(people, approved, Capacity.LEGAL)

    read = make.api(mallory).get(f"{TABLES}{approved.pk}/review/").json()

    assert [
        (each["agreement"], each["capacity"], each["person"]) for each in read["sign_offs"]
    ] == [
        ("acme", "service_owner", None),
        ("acme", "business_unit", None),
        ("acme", "legal", "lee"),
    ]
    assert read["change_reference"] == ""
    assert [each["text"] for each in read["blockers"]] == [
        NOT_SIGNED[0], NOT_SIGNED[1], NOT_SIGNED[3],
    ]  # fmt: skip


def test_names_a_change_record_only_before_it_holds(draft, matrix, people, mallory):
    path = f"{TABLES}{{}}/name-change/"
    writer = make.api(people.author)

    answers = [
        writer.post(path.format(draft.pk), {"reference": "  "}),
        writer.post(path.format(draft.pk), {"reference": "x" * 101}),
        writer.post(path.format(matrix.pk), {"reference": "CHG1"}),
        make.api(mallory).post(path.format(draft.pk), {"reference": "CHG1"}),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (400, "invalid"),
        (400, "invalid"),
        (409, "change_named_too_late"),
        (403, "not_allowed"),
    ]
    assert not ChangeReference.objects.exists()


def test_tells_on_the_home_page_what_to_sign(approved, people, mallory):
    home = reverse("admin:index")

    assert page(approved) in make.browser(people.signers[Capacity.LEGAL]).get(home).content.decode()
    signed_by(people, approved, Capacity.LEGAL)

    after = make.browser(people.signers[Capacity.LEGAL]).get(home).content.decode()
    assert "Awaiting my signature" not in after
    assert "Awaiting my signature" not in make.browser(mallory).get(home).content.decode()


def test_refuses_a_service_that_the_catalogue_does_not_have(people):
    answer = make.api(people.author).post(
        "/api/v1/agreements/", {"key": "acme", "service": "nowhere"}
    )

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/service")


def test_counts_a_delegate_as_the_one_they_stand_in_for(approved, people):
    uwe = people.signers[Capacity.BUSINESS_UNIT]
    day = datetime.timedelta(days=1)
    delegate(
        principal=people.signers[Capacity.LEGAL],
        delegate=uwe,
        until=clock.now() + day,
        reason="On leave",
        actor=people.signers[Capacity.LEGAL],
    )
    signed_by(people, approved, Capacity.LEGAL)

    answer = sign(make.api(uwe), approved, "business_unit")

    assert (answer.status_code, answer.json()["code"]) == (409, "four_eyes")
