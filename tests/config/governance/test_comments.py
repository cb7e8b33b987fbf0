"""Comments on a version before it holds: who said what, kept as it was said."""

import datetime

import pytest
from django.urls import reverse

from compliance.evidence.enterprise import tables
from compliance.evidence.rules import Scope
from config import clock
from config.access.rules import Role
from config.audit.tracking import UntrackedWrite
from config.events.models import Event
from config.governance.models import Comment, SettingVersion
from config.governance.operations import propose
from config.governance.seeding import seed_setting_policies
from incidents.lifecycle.models import Incident
from tests.config import make
from tests.config.governance.conftest import KEY

pytestmark = pytest.mark.django_db
URL = "/api/v1/settings/"


def say(person, version, text="Nine is too many."):
    return make.api(person).post(f"{URL}{version.pk}/comment/", {"text": text})


def verb(version, name):
    return reverse("admin:config_settingversion_verb", args=(version.pk, name))


def page(version):
    return reverse("admin:config_settingversion_change", args=(version.pk,))


def test_keeps_who_said_what_and_when(draft, author, approver):
    first = say(approver, draft, " Nine is too many. ")
    make.browser(author).post(verb(draft, "comment"), {"text": "Customers\n<b>asked</b>"})

    listed = make.api(author).get(f"{URL}{draft.pk}/comments/").json()["results"]
    shown = make.browser(approver).get(page(draft)).content.decode()

    assert first.status_code == 200
    assert [(each["person"], each["text"]) for each in listed] == [
        ("anna", "Customers\n<b>asked</b>"),
        ("paul", "Nine is too many."),
    ]
    assert shown.index("Nine is too many.") < shown.index("Customers<br>&lt;b&gt;asked&lt;/b&gt;")
    rows = Comment.objects.filter(version=draft.pk).order_by("id")
    assert [row.person for row in rows] == [approver, author]
    events = Event.objects.filter(kind="policy.commented", subject_id=draft.pk).order_by("id")
    assert [each.data["comment"] for each in events] == [row.pk for row in rows]


def test_leaves_a_comment_as_it_was(draft, approver):
    say(approver, draft)
    row = Comment.objects.get()
    row.text = "Fine"

    with pytest.raises(UntrackedWrite):
        row.save()
    with pytest.raises(UntrackedWrite):
        Comment.objects.all().delete()


def test_refuses_auditors_tools_and_those_without_a_part(draft, carol):
    robot, nobody = make.service_account("robot"), make.user("nora")
    make.role(Role.POLICY_AUTHOR, to=robot)

    answers = [say(person, draft) for person in (carol, nobody, robot)]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (403, "not_allowed"),
        (403, "not_allowed"),
        (403, "human_required"),
    ]
    assert make.browser(carol).post(verb(draft, "comment"), {"text": "x"}).status_code == 403
    assert not Comment.objects.exists()


def test_hides_comments_with_the_version(retail, freight, mallory, alice):
    seed_setting_policies(make.system())
    writer = make.user("walter")
    make.role(Role.POLICY_AUTHOR, to=writer, on=retail)
    own = propose(
        SettingVersion, KEY, actor=writer, unit=retail, values={"value": 3}, reason="Ours"
    )
    say(writer, own)

    hidden = [
        say(mallory, own).status_code,
        make.api(mallory).get(f"{URL}{own.pk}/comments/").status_code,
    ]

    assert hidden == [404, 404]
    assert not Comment.objects.visible_to(mallory).exists()
    assert Comment.objects.visible_to(alice).count() == 1


@pytest.mark.parametrize(
    ("text", "status"), [("", 400), ("   ", 400), ("x" * 5001, 400), (7, 400), (None, 400)]
)
def test_refuses_what_says_nothing(draft, author, text, status):
    assert say(author, draft, text).status_code == status
    assert not Comment.objects.exists()


def test_closes_with_the_activation(seeded, author):
    answer = say(author, seeded)

    assert (answer.status_code, answer.json()["code"]) == (409, "comments_closed")
    assert verb(seeded, "comment") not in make.browser(author).get(page(seeded)).content.decode()
    assert not Comment.objects.exists()


def test_goes_into_the_evidence(draft, author):
    say(author, draft)
    now, hour = clock.now(), datetime.timedelta(hours=1)

    found = tables(Scope(now - hour, now + hour), Incident.objects.none())

    rows, withheld = found["policy_comments"]
    assert [row.text for row in rows] == ["Nine is too many."]
    assert withheld is None
