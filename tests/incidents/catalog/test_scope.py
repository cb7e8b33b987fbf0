"""Whether a service is in scope: by the governed rule, or for a time by a person's word."""

import datetime

import pytest

from config import clock
from config.access.rules import Role
from config.due.worker import run_due
from config.errors import Blocked
from config.events.models import Event
from config.governance.activation import activate
from config.governance.backtest import run_backtest
from config.governance.operations import approve, new_draft, save_draft, submit
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.catalog.scope import facts_of
from incidents.scoping.models import ScopeRuleVersion
from incidents.scoping.operations import in_sql, judge, seed_scope_rule
from tests.config import make as people
from tests.incidents import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/services/"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def rule(db: None) -> ScopeRuleVersion:
    made = seed_scope_rule(people.system())
    assert made is not None
    return made


@pytest.fixture
def dora(payments: Team) -> User:
    person = people.user("dora")
    people.role(Role.SERVICE_OWNER, to=person, on=payments)
    return person


@pytest.fixture
def wallet(rule: ScopeRuleVersion, payments: Team) -> Service:
    return make.service("wallet", team=payments, tier=3)


def new_version(rule: ScopeRuleVersion, rows: list[dict]) -> ScopeRuleVersion:
    """A version with these rows, in force."""
    anna, paul = people.user(), people.user()
    people.role(Role.POLICY_AUTHOR, to=anna)
    people.role(Role.POLICY_APPROVER, to=paul)
    draft = new_draft(rule.policy, actor=anna)
    save_draft(draft, actor=anna, parts={"rules": rows}, reason="Narrower")
    submit(draft, actor=anna)
    approve(draft, actor=paul, content_hash=draft.content_hash)
    activate(draft, actor=anna)
    found: ScopeRuleVersion = ScopeRuleVersion.objects.get(pk=draft.pk)
    return found


def tier_rule(least: int) -> dict:
    condition = {"field": "tier", "operator": "at_most", "value": least}
    groups = [{"match": "all", "conditions": [condition]}]
    return {
        "line": "tier", "position": 1, "in_scope": True, "sla_reportable": False, "note": "",
        "conditions": {"match": "all", "groups": groups},
    }  # fmt: skip


@pytest.mark.check("INC-01.2")
def test_comes_into_scope_as_tier_1_by_a_version_that_the_history_names(
    wallet: Service, rule: ScopeRuleVersion, dora: User
) -> None:
    assert not wallet.in_scope

    answer = people.api(dora).patch(
        f"{URL}wallet/", {"tier": 1, "rto_minutes": 60}, HTTP_IF_MATCH='"v1"'
    )

    assert (answer.data["in_scope"], answer.data["scope_rule"]) == (True, rule.pk)
    row = Service.objects.get(key="wallet").history.first()
    assert (row.in_scope, row.scope_version_id, row.scope_line) == (True, rule.pk, "critical")
    assert row.history_user == dora


@pytest.mark.parametrize(
    ("fields", "in_scope", "reportable", "line"),
    [
        ({}, False, False, ""),
        ({"rto_minutes": 240}, True, False, "critical"),
        ({"rto_minutes": 241}, False, False, ""),
        ({"business_impact": "high"}, True, False, "critical"),
        ({"is_regulated": True}, True, False, "critical"),
        ({"is_sla_governed": True}, True, True, "sla-governed"),
        ({"is_sla_governed": True, "status": "retired"}, False, False, "retired"),
    ],
)
def test_goes_by_the_first_row_that_matches(
    rule: ScopeRuleVersion, payments: Team, fields: dict, in_scope, reportable, line: str
) -> None:
    made = make.service(team=payments, **fields)

    assert (made.in_scope, made.is_sla_reportable, made.scope_line) == (in_scope, reportable, line)


def test_decides_the_same_in_sql(rule: ScopeRuleVersion, payments: Team) -> None:
    for fields in ({}, {"tier": 1}, {"is_sla_governed": True}, {"status": "retired", "tier": 2}):
        make.service(team=payments, **fields)

    found = Service.objects.annotate(judged=in_sql(rule))

    words = {"in scope, SLA-reportable": (True, True), "in scope": (True, False)}
    for each in found:
        said = judge(facts_of(each))
        assert words.get(each.judged, (False, False)) == (said.in_scope, said.sla_reportable)


def test_is_decided_anew_by_a_new_version(wallet: Service, rule: ScopeRuleVersion) -> None:
    version = new_version(rule, [tier_rule(3)])
    run_due(clock.now())

    wallet.refresh_from_db()
    assert (wallet.in_scope, wallet.scope_version_id) == (True, version.pk)
    event = Event.objects.get(kind="service.scope_derived")
    assert event.data["changes"] == [{"field": "in_scope", "old": False, "new": True}]


def test_tries_a_version_on_the_services_there_are(wallet: Service, rule: ScopeRuleVersion) -> None:
    anna = people.user()
    draft = new_draft(rule.policy, actor=anna)
    save_draft(draft, actor=anna, parts={"rules": [tier_rule(3)]})

    found = run_backtest(draft, actor=anna)

    assert (found.looked_at, found.differing) == (1, 1)


def test_refuses_to_activate_a_rule_that_brings_nothing_in(rule: ScopeRuleVersion) -> None:
    with pytest.raises(Blocked) as refusal:
        new_version(rule, [{**tier_rule(3), "in_scope": False}])

    assert refusal.value.extra["blockers"][0]["code"] == "scope_rule_empty"


def test_is_overridden_until_the_override_ends(wallet: Service, dora: User) -> None:
    until = clock.now() + DAY
    body = {"to": "reportable", "reason": "The launch", "until": until.isoformat()}

    answer = people.api(dora).post(f"{URL}wallet/override-scope/", body)

    assert (answer.status_code, answer.data["in_scope"]) == (200, True), answer.data
    assert answer.data["sla_reportable"] is True
    people.api(dora).patch(f"{URL}wallet/", {"tier": 4}, HTTP_IF_MATCH="*")
    assert Service.objects.get(key="wallet").in_scope
    with clock.simulated(until + DAY):
        run_due(clock.now())
    wallet.refresh_from_db()
    assert (wallet.in_scope, wallet.scope_override) == (False, "")
    assert wallet.history.first().history_change_reason == "The override ended"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"reason": ""}, "#/reason"),
        ({"until": None}, "#/until"),
        ({"until": "2020-01-01T00:00:00Z"}, "#/until"),
        ({"until": "2099-01-01T00:00:00Z"}, "#/until"),
        ({"to": "perhaps"}, "#/to"),
    ],
)
def test_needs_a_reason_and_an_end_to_be_overridden(
    wallet: Service, dora: User, wrong: dict, pointer: str
) -> None:
    good = {"to": "in", "reason": "why", "until": (clock.now() + DAY).isoformat()}

    answer = people.api(dora).post(f"{URL}wallet/override-scope/", {**good, **wrong})

    assert answer.status_code == 400
    assert answer.data["errors"][0]["pointer"] == pointer
    assert Service.objects.get(key="wallet").scope_override == ""


def test_is_overridden_and_left_to_the_rule_in_the_admin(wallet: Service, dora: User) -> None:
    page = f"/admin/incidents/service/{wallet.pk}"
    until = clock.now() + DAY
    form = {"to": "in", "reason": "why", "until_0": f"{until:%Y-%m-%d}", "until_1": "12:00"}
    browser = people.browser(dora)

    done = browser.post(f"{page}/do/override_scope/", form)
    shown = browser.get(f"{page}/change/").content.decode()
    ended = browser.post(f"{page}/do/end_scope_override/", {"reason": "over"})
    again = browser.post(f"{page}/do/end_scope_override/", {"reason": "over"})

    assert (done.status_code, ended.status_code) == (302, 302)
    assert "Overridden until" in shown
    assert again.status_code == 200
    assert not Service.objects.get(key="wallet").in_scope


def test_is_not_overridden_by_who_only_responds(wallet: Service, bob: User, mallory: User) -> None:
    for person, status in ((bob, 403), (mallory, 404)):
        answer = people.api(person).post(f"{URL}wallet/override-scope/", {})
        assert answer.status_code == status
