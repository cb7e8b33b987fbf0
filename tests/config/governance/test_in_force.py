"""What holds for a unit at a time."""

import dataclasses
import datetime

import pytest

from config import clock
from config.errors import Blocked, Invalid, Refused
from config.events.models import Event
from config.governance import registry
from config.governance.activation import activate, retire
from config.governance.in_force import active, setting, setting_version, settings_in_force
from config.governance.models import Freedom, SettingVersion
from config.governance.operations import approve, create_policy, propose, submit
from config.governance.registry import UnknownSetting
from config.governance.seeding import seed_setting_policies
from tests.config import make
from tests.config.governance.conftest import KEY

pytestmark = pytest.mark.django_db


def put_in_force(value, *, key=KEY, unit=None, author, approver):
    version = propose(
        SettingVersion, key, unit=unit, actor=author, values={"value": value}, reason="Because"
    )
    submit(version, actor=author)
    approve(version, actor=approver, content_hash=version.content_hash)
    return activate(version, actor=author)


@pytest.fixture
def people(author, approvers):
    return {"author": author, "approver": approvers[0]}


def test_is_the_shipped_default_in_an_empty_database():
    assert setting(KEY) == 7
    assert setting_version(KEY) is None


def test_lists_the_shipped_defaults_before_any_version(mallory):
    answer = make.api(mallory).get("/api/v1/settings/")

    found = {row["key"]: row for row in answer.data["results"]}
    assert (found[KEY]["id"], found[KEY]["value"], found[KEY]["allowed"]) == (None, 7, [])


def test_refuses_keys_that_nobody_registered():
    with pytest.raises(UnknownSetting):
        setting("made.up")


def test_takes_the_nearest_unit(seeded, people):
    retail = make.unit("retail")
    shops = make.unit("shops", parent=retail)
    freight = make.unit("freight")
    put_in_force(5, unit=retail, **people)

    assert [setting(KEY, unit) for unit in (shops, retail, freight, None)] == [5, 5, 7, 7]
    put_in_force(3, unit=shops, **people)
    assert [setting(KEY, unit) for unit in (shops, retail, freight)] == [3, 5, 7]
    assert settings_in_force(shops)[KEY].value == 3
    assert settings_in_force()[KEY].value == 7


def test_reads_as_of_a_time(seeded, people):
    before = clock.now()
    with clock.simulated(before + datetime.timedelta(days=1)):
        put_in_force(5, **people)

    assert setting(KEY, at=before) == 7
    assert setting(KEY, at=before + datetime.timedelta(days=2)) == 5
    assert setting_version(KEY, at=before - datetime.timedelta(days=9)) is None


def test_costs_one_query(seeded, django_assert_num_queries):
    retail = make.unit("retail")

    with django_assert_num_queries(1):
        setting(KEY, retail)


def test_counts_the_root_unit_as_the_enterprise(seeded, people):
    root = make.unit("retail").parent

    version = put_in_force(5, unit=root, **people)

    assert version.policy.unit is None
    assert version.number == 2


def test_lets_a_locked_policy_hold_everywhere(people):
    retail = make.unit("retail")
    create_policy(
        SettingVersion,
        KEY,
        title="Reopen",
        actor=people["author"],
        freedom=Freedom.LOCKED,
        values={"value": 4},
    )

    with pytest.raises(Refused) as refusal:
        propose(SettingVersion, KEY, unit=retail, actor=people["author"], values={"value": 5})

    assert refusal.value.public_code == "policy_locked"


def test_keeps_units_from_settings_that_are_locked(people):
    retail = make.unit("retail")

    with pytest.raises(Invalid) as refusal:
        propose(
            SettingVersion,
            "ingest.rate_per_minute",
            unit=retail,
            actor=people["author"],
            values={"value": 5},
        )

    assert refusal.value.field == "unit"


def test_lets_a_unit_only_tighten(seeded, people):
    retail = make.unit("retail")

    with pytest.raises(Blocked) as refusal:
        put_in_force(45, key="escalation.max_deferral_minutes", unit=retail, **people)

    assert refusal.value.extra["blockers"][0]["code"] == "setting_not_tighter"
    assert setting("escalation.max_deferral_minutes", retail) == 30


def test_names_the_units_that_a_tighter_enterprise_value_leaves_behind(seeded, people):
    retail = make.unit("retail", name="Retail")
    put_in_force(25, key="escalation.max_deferral_minutes", unit=retail, **people)

    with pytest.raises(Blocked) as refusal:
        put_in_force(20, key="escalation.max_deferral_minutes", **people)

    assert refusal.value.extra["blockers"][0]["text"].startswith("Retail: ")


def test_seeds_once(seeded):
    count = SettingVersion.objects.count()

    assert seed_setting_policies(make.system()) == []
    assert SettingVersion.objects.count() == count
    event = Event.objects.get(kind="policy.activated", subject_id=seeded.pk)
    assert (event.data["mode"], event.reason) == ("installation", "Shipped default")
    assert active("setting", KEY) == seeded


@pytest.fixture
def new_default(monkeypatch):
    """The next release ships ten days."""
    known = registry.registered(KEY)
    monkeypatch.setitem(registry._settings, KEY, dataclasses.replace(known, default=10))


def test_proposes_a_new_shipped_default(seeded, new_default):
    made = seed_setting_policies(make.system())

    assert [(each.policy.key, each.state, each.value) for each in made] == [(KEY, "draft", 10)]
    assert setting(KEY) == 7
    assert seed_setting_policies(make.system()) == []


def test_overwrites_nothing_that_the_company_decided(seeded, people, new_default):
    put_in_force(5, **people)

    seed_setting_policies(make.system())

    assert setting(KEY) == 5


def test_does_not_propose_again_what_was_discarded(seeded, author, new_default):
    (proposal,) = seed_setting_policies(make.system())
    retire(proposal, actor=author, reason="We keep seven days")

    assert seed_setting_policies(make.system()) == []
