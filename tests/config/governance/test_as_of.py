"""What held at an instant, of every kind: the page and the API, as decisions read it."""

import datetime

import pytest
from django.urls import reverse

from config import clock
from config.access.rules import Role
from config.governance.activation import activate
from config.governance.in_force import active, all_in_force
from config.governance.models import Policy, PolicyVersion, SettingVersion
from config.governance.operations import approve, propose, submit
from incidents.taxonomy.operations import seed_severity_table
from incidents.terms.operations import seed_taxonomy
from tests.config import make
from tests.config.governance.conftest import KEY

pytestmark = pytest.mark.django_db
URL = "/api/v1/policies/in-force/"
PAGE = "admin:config_policy_as_of"
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def changed(draft, author, approvers):
    """Nine days from now on, instead of seven."""
    submit(draft, actor=author)
    approve(draft, actor=approvers[0], content_hash=draft.content_hash)
    return activate(draft, actor=author)


def value_of(rows, key=KEY):
    return next((row["number"] for row in rows if row["key"] == key), None)


def asked(reader, **query):
    return make.api(reader).get(URL, query)


def test_says_what_held_then_and_holds_now(seeded, changed, alice):
    before = (changed.in_force.lower - datetime.timedelta(microseconds=1)).isoformat()
    answers = [
        asked(alice),
        asked(alice, at=changed.in_force.lower.isoformat()),
        asked(alice, at=before),
        asked(alice, at="2020-01-01"),
    ]

    assert [each.status_code for each in answers] == [200] * 4
    assert [value_of(each.json()["results"]) for each in answers] == [2, 2, 1, None]
    assert answers[3].json()["results"] == []
    row = next(each for each in answers[0].json()["results"] if each["key"] == KEY)
    assert (row["kind"], row["version"], row["unit"], row["author"]) == (
        "setting", changed.pk, None, "anna",
    )  # fmt: skip
    assert row["link"] == reverse("admin:config_settingversion_change", args=(changed.pk,))


def test_agrees_with_what_decisions_read(seeded, changed, author, approvers, retail):
    seed_severity_table(make.system())
    own = propose(
        SettingVersion, KEY, actor=author, unit=retail, values={"value": 3}, reason="Ours"
    )
    submit(own, actor=author)
    approve(own, actor=approvers[0], content_hash=own.content_hash)
    activate(own, actor=author)

    for unit in (None, retail):
        for at in (clock.now(), own.in_force.lower - datetime.timedelta(microseconds=1)):
            found = all_in_force(unit, at)
            for version in found:
                policy = version.policy
                assert active(policy.kind, policy.key, unit, at).pk == version.pk
            keys = {(each.policy.kind, each.policy.key) for each in found}
            rows = PolicyVersion.objects.in_force_at(at).filter(policy__unit=None)
            assert keys == set(rows.values_list("policy__kind", "policy__key"))
    assert value_of(asked(author, unit="retail").json()["results"]) == 1
    assert {row["unit"] for row in asked(author, unit="retail").json()["results"]} == {
        None, "retail",
    }  # fmt: skip


def test_shows_all_that_add_up(retail, author, approvers):
    enterprise = seed_taxonomy(make.system())
    assert enterprise is not None
    own = propose(type(enterprise), enterprise.policy.key, actor=author, unit=retail, reason="x")
    submit(own, actor=author)
    approve(own, actor=approvers[0], content_hash=own.content_hash)
    activate(own, actor=author)

    found = asked(author, unit="retail").json()["results"]

    taxonomy = [row["version"] for row in found if row["kind"] == "taxonomy"]
    assert taxonomy == [enterprise.pk, own.pk]


def test_shows_a_page_with_links(seeded, changed, author, alice, retail):
    reader = make.browser(alice)
    url = reverse(PAGE)

    now = reader.get(url).content.decode()
    before = reader.get(url, {"at": "2020-01-01T00:00"}).content.decode()

    link = reverse("admin:config_settingversion_change", args=(changed.pk,))
    assert f'<a href="{link}">v2' in now
    assert "No policy was in force then." in before
    assert url in reader.get(reverse("admin:config_policy_changelist")).content.decode()
    theirs = make.browser(author).get(url, {"unit": "retail"}).content.decode()
    assert "for Retail" in theirs


@pytest.mark.parametrize(
    "at", ["", "yesterday", "2026-13-01", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59", "1"]
)
def test_refuses_what_is_no_time(seeded, alice, at):
    answer = asked(alice, at=at)

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "at")
    if at:
        shown = make.browser(alice).get(reverse(PAGE), {"at": at})
        assert shown.status_code == 200
        assert "Write a time such as" in shown.content.decode()


def test_refuses_units_that_one_may_not_see(seeded, retail, mallory):
    hidden = asked(mallory, unit="retail")

    assert (hidden.status_code, hidden.json()["errors"][0]["parameter"]) == (400, "unit")
    assert asked(mallory, unit="a\0b").status_code == 400
    shown = make.browser(mallory).get(reverse(PAGE), {"unit": "retail"}).content.decode()
    assert "There is no such unit" in shown


def test_leaves_out_what_a_reader_may_not_see(seeded, author, approvers, retail):
    """A unit below inherits; who sees only the one below isn't shown the other's version."""
    shops = make.unit("shops", parent=retail)
    clerk = make.user("clark")
    make.role(Role.ANALYST, to=clerk, on=shops)
    own = propose(
        SettingVersion, KEY, actor=author, unit=retail, values={"value": 3}, reason="Ours"
    )
    submit(own, actor=author)
    approve(own, actor=approvers[0], content_hash=own.content_hash)
    activate(own, actor=author)

    assert value_of(asked(clerk, unit="shops").json()["results"]) is None
    assert Policy.objects.get(pk=own.policy_id) not in Policy.objects.visible_to(clerk)
