"""Policies in the admin: the whole life by forms and buttons, and what it refuses."""

import datetime

import pytest
from django.urls import reverse

from config import clock
from config.access.rules import Role
from config.governance.in_force import setting
from config.governance.models import Approval, SettingVersion, VersionState
from config.governance.operations import propose, submit
from tests.config import make
from tests.config.governance.conftest import KEY

pytestmark = pytest.mark.django_db
LIST = "admin:config_settingversion_changelist"


def page(version):
    return reverse("admin:config_settingversion_change", args=(version.pk,))


def verb(version, name):
    return reverse("admin:config_settingversion_verb", args=(version.pk, name))


def form_of(version, value, **fields):
    return {"value": value, "change_reason": "Late", "seen_revision": version.revision, **fields}


def test_takes_a_setting_through_its_life(seeded, author, approvers):
    writer, reviewer = make.browser(author), make.browser(approvers[0])
    add = reverse("admin:config_settingversion_add")
    assert writer.get(add).status_code == 200

    made = writer.post(add, {"key": KEY, "unit": ""})
    draft = SettingVersion.objects.get(policy__key=KEY, state=VersionState.DRAFT)
    assert made.headers["Location"] == page(draft)
    saved = writer.post(page(draft), form_of(draft, 9))
    assert saved.status_code == 302, saved.context["errors"]
    assert SettingVersion.objects.get(pk=draft.pk).value == 9
    writer.post(verb(draft, "submit"))
    draft.refresh_from_db()
    assert draft.state == VersionState.IN_REVIEW
    shown = reviewer.get(verb(draft, "approve")).content.decode()
    assert draft.content_hash in shown
    reviewer.post(verb(draft, "approve"), {"content_hash": draft.content_hash, "comment": "Good"})
    writer.post(verb(draft, "activate"), {"at_0": "", "at_1": ""})

    assert setting(KEY) == 9
    stored = SettingVersion.objects.get(pk=draft.pk)
    assert stored.state == VersionState.ACTIVE
    assert set(stored.history.values_list("origin", flat=True)) == {"admin"}
    said = Approval.objects.get(version_id=draft.pk)
    assert (said.reviewer, said.comment) == (approvers[0], "Good")


@pytest.mark.check("CMP-01.1")
def test_refuses_approval_by_the_author(seeded, approvers):
    make.role(Role.POLICY_AUTHOR, to=approvers[0])
    own = propose(SettingVersion, KEY, actor=approvers[0], values={"value": 9}, reason="Late")
    submit(own, actor=approvers[0])

    answer = make.browser(approvers[0]).post(
        verb(own, "approve"), {"content_hash": own.content_hash}
    )

    assert "somebody else must approve" in answer.content.decode()
    assert SettingVersion.objects.get(pk=own.pk).state == VersionState.IN_REVIEW
    assert not Approval.objects.exists()


@pytest.mark.check("CMP-01.1")
def test_refuses_to_edit_a_version_in_force_and_offers_a_new_draft(seeded, author):
    writer = make.browser(author)
    shown = writer.get(page(seeded)).content.decode()

    refused = writer.post(page(seeded), form_of(seeded, 9))

    assert refused.status_code == 403
    assert SettingVersion.objects.get(pk=seeded.pk).value == 7
    assert verb(seeded, "new_draft") in shown
    opened = writer.post(verb(seeded, "new_draft"))
    draft = SettingVersion.objects.get(policy__key=KEY, state=VersionState.DRAFT)
    assert opened.headers["Location"] == page(draft)


def test_refuses_a_stale_form(draft, author):
    writer = make.browser(author)
    form = form_of(draft, 10)
    writer.post(page(draft), form)

    answer = writer.post(page(draft), {**form, "value": 11})

    assert "saved this draft after you opened it" in answer.content.decode()
    assert SettingVersion.objects.get(pk=draft.pk).value == 10


def test_shows_errors_beside_the_field(draft, author):
    answer = make.browser(author).post(page(draft), form_of(draft, 1000))

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["value"]
    assert SettingVersion.objects.get(pk=draft.pk).value == 9


def test_takes_a_number_for_each_severity(seeded, author):
    key = "ack.target_minutes"
    draft = propose(SettingVersion, key, actor=author)
    numbers = {"value_SEV1": 4, "value_SEV2": 9, "value_SEV3": 25, "value_SEV4": 200}
    form = {"change_reason": "Faster", "seen_revision": draft.revision, **numbers}
    shown = make.browser(author).get(page(draft)).content.decode()
    for name in numbers:
        assert f'name="{name}"' in shown

    make.browser(author).post(page(draft), form)

    assert SettingVersion.objects.get(pk=draft.pk).value == {
        "SEV1": 4, "SEV2": 9, "SEV3": 25, "SEV4": 200,
    }  # fmt: skip


def test_takes_a_list_of_severities(seeded, author):
    draft = propose(SettingVersion, "alerts.auto_resolve", actor=author)
    for chosen in (["SEV4"], []):
        draft.refresh_from_db()
        make.browser(author).post(page(draft), form_of(draft, chosen))

        assert SettingVersion.objects.get(pk=draft.pk).value == chosen


def test_shows_what_changes_field_by_field(draft, approver):
    shown = make.browser(approver).get(page(draft)).content.decode()

    assert '<th scope="row">Value</th><td class="wb-old">7 days</td><td>9 days</td>' in shown


def test_tells_the_story_of_all_versions(seeded, draft, approver):
    shown = make.browser(approver).get(page(draft)).content.decode()

    assert "v2 (this one)" in shown
    assert f'<a href="{page(seeded)}">v1</a>' in shown
    assert "Customers come back late" in shown


def test_compares_any_two_versions(seeded, draft, author, mallory):
    compare = reverse("admin:config_settingversion_compare", args=(draft.pk,))
    reader = make.browser(author)

    with_first = reader.get(compare, {"with": "1"}).content.decode()

    assert "From v1 to v2" in with_first
    assert '<td class="wb-old">7 days</td><td>9 days</td>' in with_first
    backwards = reverse("admin:config_settingversion_compare", args=(seeded.pk,))
    assert "From v1 to v2" in reader.get(backwards, {"with": "2"}).content.decode()
    for nonsense in ("3", "x", "²", "9" * 400):
        assert reader.get(compare, {"with": nonsense}).status_code == 404


def test_activates_at_a_time(draft, author, approvers):
    submit(draft, actor=author)
    make.browser(approvers[0]).post(verb(draft, "approve"), {"content_hash": draft.content_hash})
    at = (clock.now() + datetime.timedelta(days=2)).replace(second=0, microsecond=0)

    make.browser(author).post(
        verb(draft, "activate"), {"at_0": f"{at:%Y-%m-%d}", "at_1": f"{at:%H:%M:%S}"}
    )

    assert SettingVersion.objects.get(pk=draft.pk).activates_at == at


def test_lists_versions_as_of_a_time(seeded, draft, author):
    writer = make.browser(author)
    url = reverse(LIST)

    now = writer.get(url, {"in_force": "now"}).context["cl"].queryset
    before = writer.get(url, {"in_force": "2020-01-01"}).context["cl"].queryset
    nonsense = writer.get(url, {"in_force": "yesterday"}).context["cl"].queryset

    assert seeded in now
    assert draft not in now
    assert (before.count(), nonsense.count()) == (0, 0)


def test_hides_verbs_and_forms_from_strangers(draft, mallory):
    visitor = make.browser(mallory)

    assert visitor.post(verb(draft, "submit")).status_code == 403
    assert visitor.post(page(draft), form_of(draft, 10)).status_code == 403
    assert verb(draft, "submit") not in visitor.get(page(draft)).content.decode()
    assert SettingVersion.objects.get(pk=draft.pk).state == VersionState.DRAFT


def test_refuses_drafts_for_units_where_one_is_no_author(seeded, retail, freight):
    writer = make.user("walter")
    make.role(Role.POLICY_AUTHOR, to=writer, on=retail)
    add = reverse("admin:config_settingversion_add")

    for unit in ("", freight.pk):
        assert make.browser(writer).post(add, {"key": KEY, "unit": unit}).status_code == 200
    made = make.browser(writer).post(add, {"key": KEY, "unit": retail.pk})

    assert made.status_code == 302
    drafts = SettingVersion.objects.filter(state=VersionState.DRAFT)
    assert [each.policy.unit for each in drafts] == [retail]


def test_shows_a_policy_with_who_when_and_why(draft, carol):
    url = reverse("admin:config_policy_change", args=(draft.policy_id,))
    shown = make.browser(carol).get(url).content.decode()

    assert "Customers come back late" in shown
    assert page(draft) in shown


def test_tells_on_the_home_page_what_waits(draft, author, approvers):
    home = reverse("admin:index")
    assert "My drafts" in make.browser(author).get(home).content.decode()
    submit(draft, actor=author)

    shown = make.browser(approvers[0]).get(home).content.decode()

    assert "Awaiting my approval" in shown
    assert page(draft) in shown


def test_shows_the_history_of_a_version(draft, author):
    url = reverse("admin:config_settingversion_history", args=(draft.pk,))

    assert "Customers come back late" in make.browser(author).get(url).content.decode()


def test_warns_while_set_up_mode_lasts(seeded):
    first = make.superuser("first")
    home = reverse("admin:index")
    assert "Set-up mode" in make.browser(first).get(home).content.decode()

    make.role(Role.POLICY_APPROVER, to=make.user("second"))

    assert "Set-up mode" not in make.browser(first).get(home).content.decode()
