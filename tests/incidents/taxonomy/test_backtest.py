"""What a new severity matrix would have made of past incidents, for those who may ask."""

import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from config.access.rules import Role
from config.governance.models import BackTest
from config.governance.operations import new_draft, save_draft
from incidents.taxonomy.operations import seed_severity_table
from tests.config import make as config_make
from tests.harness.kept import kept
from tests.incidents import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/severity-tables/"


@kept
def table():
    return seed_severity_table(config_make.system())


@kept
def author():
    person = config_make.user("anna")
    config_make.role(Role.POLICY_AUTHOR, to=person)
    return person


@kept
def draft(table, author):
    """Tightened: 5,000 users make a SEV1 already."""
    made = new_draft(table.policy, actor=author)
    rows = [_said(rule) for rule in made.rules.order_by("position")]
    for row in rows:
        if row["line"] == "mass-outage":
            row["conditions"]["groups"][0]["conditions"][0]["value"] = 5_000
    save_draft(made, actor=author, parts={"rules": rows}, reason="Learnt from last quarter")
    return made


def _said(rule):
    names = ("line", "position", "severity", "conditions", "note")
    return {name: getattr(rule, name) for name in names}


def measured(users, **fields):
    found = make.incident(service=make.service(tier=2), level="info", **fields)
    found.users_affected = users
    found.save_as(config_make.system(), reason="as measured")
    return found


def test_counts_and_names_what_would_differ(draft, author):
    raised = measured(6_000)
    for users in (None, 10, 2_000, 20_000):
        measured(users)
    measured(7_000, is_restricted=True)
    client = config_make.api(author)

    answer = client.post(f"{URL}{draft.pk}/backtest/", {})

    assert answer.status_code == 200, answer.data
    kept = BackTest.objects.get()
    assert (kept.looked_at, kept.differing, kept.by) == (5, 1, author)
    assert sorted((r["was"], r["would"], r["count"]) for r in kept.outcomes) == [
        ("SEV1", "SEV1", 1),
        ("SEV2", "SEV1", 1),
        ("SEV2", "SEV2", 1),
        ("SEV4", "SEV4", 2),
    ]
    shown = client.get(f"{URL}{draft.pk}/review/").data["backtests"][0]
    assert (shown["is_current"], shown["noun"], shown["against"]) == (True, "incidents", 1)
    assert kept.examples == [{"pk": raised.pk, "was": "SEV2", "would": "SEV1"}]
    assert [row["name"] for row in shown["examples"]] == [str(raised)]


def test_shows_examples_only_to_who_may_see_them(draft, author):
    raised = measured(6_000)
    config_make.api(author).post(f"{URL}{draft.pk}/backtest/", {})
    approver = config_make.user("paul")
    config_make.role(Role.POLICY_APPROVER, to=approver, on=config_make.unit("elsewhere"))

    answer = config_make.api(approver).get(f"{URL}{draft.pk}/review/")

    assert raised.reference not in answer.content.decode()
    assert answer.data["backtests"][0]["differing"] == 1


def test_says_when_the_draft_has_changed_since(draft, author):
    client = config_make.api(author)
    client.post(f"{URL}{draft.pk}/backtest/", {})
    save_draft(draft, actor=author, parts={"rules": []})

    assert client.get(f"{URL}{draft.pk}/review/").data["backtests"][0]["is_current"] is False


def test_shows_the_answer_on_the_page(draft, author):
    measured(6_000)
    browser = config_make.browser(author)
    page = reverse("admin:incidents_severitytableversion_verb", args=(draft.pk, "backtest"))

    done = browser.post(page, {"last": "100"}, follow=True)

    assert "1 of 1 incidents" in done.content.decode()
    assert BackTest.objects.count() == 1


@pytest.mark.parametrize("last", [0, -1, 100_001, "all"])
def test_refuses_a_wrong_number(draft, author, last):
    answer = config_make.api(author).post(f"{URL}{draft.pk}/backtest/", {"last": last})

    assert (answer.status_code, BackTest.objects.count()) == (400, 0)


def test_has_nothing_to_try_a_setting_on(author):
    made = config_make.api(author).post(
        "/api/v1/settings/", {"key": "lifecycle.reopen_days", "value": 9, "change_reason": "Try"}
    )

    answer = config_make.api(author).post(f"/api/v1/settings/{made.data['id']}/backtest/", {})

    assert (answer.status_code, answer.data["code"]) == (409, "nothing_to_replay")


def test_refuses_strangers(draft, mallory):
    answer = config_make.api(mallory).post(f"{URL}{draft.pk}/backtest/", {})

    assert answer.status_code in (403, 404)
    assert not BackTest.objects.exists()


def simulate(*words):
    output = io.StringIO()
    try:
        call_command("simulate", "policy", "--json", *words, stdout=output)
    except SystemExit as end:
        return int(str(end.code)), json.loads(output.getvalue())
    return 0, json.loads(output.getvalue())


def test_is_tried_by_a_command_that_keeps_nothing(draft):
    measured(6_000)
    measured(10)

    code, answer = simulate("severity_table", "default")

    assert code == 0
    assert answer == {
        "ok": True, "version": 2, "against": 1, "looked_at": 2, "differing": 1,
        "changes": [{"was": "SEV2", "would": "SEV1", "count": 1}],
    }  # fmt: skip
    assert not BackTest.objects.exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nonsense", "default"), 2),
        (("severity_table", "nothing"), 1),
        (("severity_table", "default", "--version", "9"), 1),
        (("severity_table", "default", "--unit", "nowhere"), 1),
        (("setting", "lifecycle.reopen_days"), 1),
    ],
)
def test_tells_the_command_what_cannot_be_tried(draft, words, code):
    found, answer = simulate(*words)

    assert found == code
    assert not answer["ok"]
    assert answer["error"]
