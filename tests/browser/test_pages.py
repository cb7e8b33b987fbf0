"""Every page that people work on, in Chromium: readable, accessible, and as wide as the window."""

import datetime
from typing import Any

import pytest

from compliance.evidence.models import AuditRequest
from compliance.evidence.operations import request_audit
from compliance.governance_reviews.operations import give_feedback, open_review
from config import clock
from config.agreements.models import AgreementVersion
from config.approvals.operations import seed_approval_matrix
from config.due.worker import run_due
from config.duties.operations import seed_matrix
from config.federation.operations import propose_freedom
from config.governance.models import Policy, PolicyVersion
from config.governance.operations import new_draft, propose, submit
from config.organisation.models import Team, User
from config.organisation.operations import edit_team
from config.workspace.operations import save_view
from escalation.rota.operations import add_override
from incidents.alerts.models import Alert
from incidents.boundaries.operations import seed_boundaries
from incidents.catalog.models import Service
from incidents.catalog.operations import set_region
from incidents.cmdb.operations import propose_update
from incidents.gates.operations import seed_intake_template
from incidents.importing.operations import preview
from incidents.intake.operations import report, seed_qualification
from incidents.lifecycle import operations
from incidents.lifecycle.models import Incident
from incidents.responsibility.operations import seed_raci
from incidents.scoping.operations import seed_scope_rule
from incidents.taxonomy.operations import seed_severity_table
from incidents.terms.operations import seed_taxonomy
from incidents.timeline.operations import add_note
from tests.browser.conftest import Opener
from tests.browser.looking import look_at, sideways
from tests.escalation import make
from tests.harness.kept import kept
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts

PAGES: dict[str, dict[str, str]] = {
    "daily": {
        "home": "/admin/",
        "incidents": "/admin/incidents/incident/",
        "incidents-narrowed": "/admin/incidents/incident/?attention=open&q=title",
        "incident": "/admin/incidents/incident/{incident}/change/",
        "resolve": "/admin/incidents/incident/{incident}/do/resolve/",
        "nothing-found": "/admin/incidents/incident/?q=nosuchword",
        "saved-views": "/admin/config/savedview/",
        "saved-view": "/admin/config/savedview/{view}/change/",
        "preferences": "/admin/preferences/",
    },
    "around": {
        "integrations": "/admin/incidents/ingestsource/",
        "integration": "/admin/incidents/ingestsource/{source}/change/",
        "inbox": "/admin/incidents/rawpayload/",
        "schedules": "/admin/escalation/schedule/",
        "schedule": "/admin/escalation/schedule/{schedule}/change/",
        "escalations": "/admin/escalation/escalationrun/",
        "escalation-policy": "/admin/escalation/escalationpolicyversion/{policy}/change/",
        "reviews": "/admin/postmortems/review/",
    },
    "evidence": {
        "audit-request": "/admin/compliance/auditrequest/{request}/change/",
        "checkpoints": "/admin/config/checkpoint/",
        "events": "/admin/config/event/",
        "people": "/admin/config/user/",
        "person": "/admin/config/user/{user}/change/",
        "deactivate": "/admin/config/user/{user}/do/deactivate/",
        "team": "/admin/config/team/{team}/change/",
        "history": "/admin/config/team/{team}/history/",
        "give-a-role": "/admin/config/roleassignment/add/",
    },
}
PAGES["catalogue"] = {
    "service": "/admin/incidents/service/{service}/change/",
    "calendar": "/admin/incidents/operatingcalendar/{calendar}/change/",
    "component": "/admin/incidents/component/{component}/change/",
    "dependencies": "/admin/incidents/dependency/",
    "proposal": "/admin/incidents/updateproposal/{proposal}/change/",
    "import": "/admin/incidents/catalogueimport/{import}/change/",
    "import-add": "/admin/incidents/catalogueimport/add/",
    "scope-rule": "/admin/incidents/scoperuleversion/{scope}/change/",
    "raci": "/admin/incidents/raciversion/{raci}/change/",
}
PAGES["policies"] = {
    "policies": "/admin/config/policy/",
    "policy": "/admin/config/policy/{policy-of-severity}/change/",
    "severity-matrix": "/admin/incidents/severitytableversion/{severity}/change/",
    "severity-draft": "/admin/incidents/severitytableversion/{severity-draft}/change/",
    "severity-compare": "/admin/incidents/severitytableversion/{severity-draft}/compare/",
    "taxonomy": "/admin/incidents/taxonomyversion/{taxonomy}/change/",
    "intake-template": "/admin/incidents/intaketemplateversion/{template}/change/",
    "qualification": "/admin/incidents/qualificationversion/{qualification}/change/",
    "segregation": "/admin/config/segregationversion/{segregation}/change/",
    "divergence": "/admin/config/operatingmodelversion/divergence/",
    "as-of": "/admin/config/policy/as-of/",
    "comment": "/admin/incidents/severitytableversion/{severity-draft}/do/comment/",
    "agreements": "/admin/config/agreementversion/",
    "agreement": "/admin/config/agreementversion/{agreement}/change/",
    "approval-matrix": "/admin/config/approvalmatrixversion/{approvals}/change/",
    "freedom": "/admin/config/freedomversion/{freedom}/change/",
    "boundaries": "/admin/incidents/boundaryversion/{boundaries}/change/",
    "governance-review": "/admin/compliance/governancereview/{governance}/change/",
}
PAGES["access"] = {
    "rights": "/admin/config/user/{user}/rights/",
    "stand-in": "/admin/config/delegation/add/",
    "exception": "/admin/config/dutyexception/add/",
    "break-glass": "/admin/config/breakglass/add/",
    "report": "/admin/incidents/intakeitem/{report}/change/",
    "alert": "/admin/incidents/alert/{alert}/change/",
    "timers": "/admin/config/timer/",
}
OPEN_PAGES = {"problems": "/problems/", "problem": "/problems/four_eyes"}
CROWDED = "A title with averylongwordwithoutanyspaceinitthatmustwrapsomewhereonaphone"
DAY = datetime.timedelta(days=1)

pytestmark = pytest.mark.slow


@kept(heavy=True)
def world(checkout: Service, payments: Team, alice: User, bob: User, root: User) -> dict[str, int]:
    """Something on every page; the keys by name."""
    for person in (alice, bob):
        make.contact(person)
    policy = make.policy([make.person_tier(bob), make.person_tier(alice)])
    schedule = make.schedule(payments, alice, bob, key="payments-primary")
    now = clock.now()
    add_override(schedule, user=bob, start=now, end=now + DAY, actor=alice)
    incident = make_incidents.incident(CROWDED, service=checkout, level="critical")
    add_note(incident, actor=alice, text="Zone b answers *slowly*.", kind="observation")
    operations.acknowledge(incident, actor=alice)
    source = make_alerts.source(team=payments, service=checkout)
    make_alerts.received(source, make_alerts.firing("disk", title="Disk full"))
    make_alerts.received(source, b"broken")
    edit_team(payments, changes={"name": "Payments and refunds"}, actor=root)
    view = save_view(
        model="incidents.incident", name="Disks", query="q=disk", team=payments, actor=root
    )
    run_due(clock.now())
    catalogue = _catalogue(checkout, incident, root)
    found = {
        **catalogue, **_governed(root),
        "report": report(title=CROWDED, service=checkout, actor=bob), "alert": Alert.objects.get(),
        "incident": incident, "source": source, "schedule": schedule, "policy": policy,
        "team": payments, "user": bob, "view": view, "request": _request(root),
    }  # fmt: skip
    return {name: row.pk for name, row in found.items()}


def _catalogue(service: Service, incident: Incident, person: User) -> dict[str, Any]:
    """A graph with a circle, a calendar, a proposal, an import, and drafts of the rules."""
    database = make_incidents.component("ledger", team=service.team, name="Ledger database")
    network = make_incidents.component("edge", team=service.team, kind="network", name="Edge")
    for source, target in ((service, database), (database, network), (network, service)):
        make_incidents.needs(source, target, "soft")
    calendar = make_incidents.calendar("tokyo", zone="Asia/Tokyo", holiday_country="JP")
    set_region(service, actor=person, region="jp", calendar=calendar)
    rows = "key,name,team,tier\nwallet,Wallet,payments,3\nbroken,Broken,payments,9\n"
    imported = preview(actor=person, what="services", format="csv", content=rows)
    proposal = propose_update(incident, actor=person, kind="retired", item=network, note="Gone")
    scope, raci = in_force(seed_scope_rule(person)), in_force(seed_raci(person))
    return {
        "service": service, "calendar": calendar, "component": database, "proposal": proposal,
        "import": imported, "scope": new_draft(scope.policy, actor=person),
        "raci": new_draft(raci.policy, actor=person),
    }  # fmt: skip


def _governed(person: User) -> dict[str, Any]:
    """A version in force of each kind, drafts, and a review that waits for an answer."""
    severity = in_force(seed_severity_table(person))
    give_feedback(text=CROWDED, actor=person, policy=severity.policy)
    return {
        "severity": severity, "severity-draft": new_draft(severity.policy, actor=person),
        "policy-of-severity": severity.policy, "taxonomy": in_force(seed_taxonomy(person)),
        "template": in_force(seed_intake_template(person)),
        "qualification": in_force(seed_qualification(person)),
        "segregation": in_force(seed_matrix(person)), "governance": open_review(clock.now()),
        "agreement": _agreement(severity.policy, person),
        "freedom": propose_freedom(severity.policy, freedom="locked", actor=person, reason="One"),
        "boundaries": in_force(seed_boundaries(person)),
        "approvals": new_draft(in_force(seed_approval_matrix(person)).policy, actor=person),
    }  # fmt: skip


def _agreement(policy: Policy, person: User) -> AgreementVersion:
    """About to be signed; its word is asked of three sides."""
    draft = propose(
        AgreementVersion, "acme", actor=person, title="ACME", reason="Negotiated",
        values={"counterparty": CROWDED, "signed_on": clock.now().date()},
        parts={"definitions": [{"line": "matrix", "policy": policy}]},
    )  # fmt: skip
    submit(draft, actor=person)
    return draft


def in_force(version: PolicyVersion | None) -> PolicyVersion:
    """What a seed has put in force."""
    assert version is not None
    return version


def _request(person: User) -> AuditRequest:
    now = clock.now()
    return request_audit(
        title="Access of the quarter", period_from=now - DAY, period_until=now,
        reason="The yearly audit", actor=person,
    )  # fmt: skip


@pytest.mark.parametrize("group", PAGES)
def test_reads_well_on_every_page(
    world: dict[str, int], root: User, open_page: Opener, group: str
) -> None:
    broken = []
    for name, path in PAGES[group].items():
        page = open_page(path.format(**world), as_=root)
        frame = name == "home"
        broken += look_at(page, name, widths=(1400,), schemes=("light",), frame=frame)
        broken += look_at(page, name, widths=(390,), schemes=("dark",), frame=frame)
        for width in (768, 320):
            page.set_viewport_size({"width": width, "height": 800})
            broken += [f"{name} scrolls sideways at {width} px"] if sideways(page) else []
        page.close()

    assert broken == []


def test_reads_well_without_an_account(fresh_db: Any, open_page: Opener) -> None:
    broken = []
    for name, path in OPEN_PAGES.items():
        broken += look_at(open_page(path), name, widths=(1400, 320))

    assert broken == []


def test_acknowledges_in_one_tap_on_a_phone(
    fresh_db: Any, checkout: Service, root: User, open_page: Opener
) -> None:
    incident = make_incidents.incident(CROWDED, service=checkout, level="critical")
    page = open_page(f"/admin/incidents/incident/{incident.pk}/change/", as_=root, width=390)

    button = page.get_by_role("button", name="Acknowledge")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["y"] + box["height"] < 700
    button.click()

    page.get_by_text("Acknowledge: done.").wait_for()
    assert Incident.objects.get().acknowledged_by == root


def test_copies_what_is_there_to_be_copied(
    world: dict[str, int], root: User, open_page: Opener
) -> None:
    page = open_page(f"/admin/incidents/ingestsource/{world['source']}/change/", as_=root)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_text("Connect ").first.click()
    page.get_by_role("button", name="Copy").first.click()

    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("[data-copyable]").first.inner_text().strip()


def test_draws_as_many_incidents_as_the_visitor_may_see(
    world: dict[str, int], root: User, mallory: User, open_page: Opener
) -> None:
    seen = {}
    for visitor in (root, mallory):
        page = open_page("/admin/", as_=visitor)
        page.get_by_text("The numbers").click()
        rows = page.locator(".wb-chart tbody tr").all_inner_texts()
        seen[visitor] = (len(rows), sum(int(row.split()[-1]) for row in rows))

    assert seen == {root: (12, Incident.objects.count()), mallory: (12, 0)}


def test_walks_the_dependency_graph_by_the_keyboard(
    world: dict[str, int], root: User, open_page: Opener
) -> None:
    page = open_page(f"/admin/incidents/component/{world['component']}/change/", as_=root)
    box = page.locator(".inc-graph svg a", has_text="Checkout").first

    box.focus()
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/admin/incidents/service/{world['service']}/change/")
