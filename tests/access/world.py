"""One row of everything: what payments owns, and what the platform keeps for the enterprise.

A new resource, or a new admin, needs a row here: `row_of` fails for a model without one.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, models
from django_q.models import Failure, OrmQ, Success
from django_q.models import Schedule as JobSchedule
from guardian.models import UserObjectPermission

from compliance.evidence.models import Export, ExportProgress, ExportState
from compliance.evidence.operations import approve_request, file_of, request_audit
from compliance.governance_reviews.operations import give_feedback, open_review
from config import clock
from config.access.delegations import delegate
from config.access.models import RoleAssignment
from config.access.rules import Role
from config.agreements.models import AgreementVersion
from config.approvals.models import ApprovalMatrixVersion
from config.approvals.rules import shipped_demands
from config.audit.models import (
    Checkpoint,
    GrantChange,
    LedgerEntry,
    LogOrigin,
    PurgeBatch,
    Tombstone,
)
from config.audit.sealing import seal
from config.breakglass.operations import break_glass
from config.due.models import OutboundMessage, Timer, WorkerHeartbeat
from config.due.worker import run_due
from config.duties.models import DutyException, SegregationVersion
from config.duties.rules import shipped_role_pairs
from config.events.models import Event, EventDelivery, RestrictedRead
from config.events.operations import record
from config.federation.models import FreedomVersion, OperatingModelVersion
from config.governance.models import Policy, SettingVersion
from config.governance.operations import propose
from config.governance.seeding import seed_policy
from config.organisation.models import ApiToken, BusinessUnit, Team, User
from config.workspace.operations import save_view
from escalation.paging.models import Page
from escalation.policies.models import EscalationPolicyVersion
from escalation.policies.operations import use_policy
from escalation.rota.models import Layer
from escalation.rota.operations import add_override
from escalation.runs.models import EscalationRun
from incidents.alerts.models import Alert
from incidents.boundaries.models import BoundaryVersion
from incidents.boundaries.rules import shipped_rules as shipped_boundaries
from incidents.calendars.models import OperatingCalendar
from incidents.catalog.models import BusinessFunction, Service
from incidents.catalog.operations import create_function
from incidents.cmdb.operations import propose_update
from incidents.components.models import Component
from incidents.gates.models import IntakeTemplateVersion
from incidents.importing.operations import preview
from incidents.intake.models import QualificationVersion, WorkRecord
from incidents.intake.operations import convert_incident, report
from incidents.lifecycle.models import (
    AffectedComponent,
    Incident,
    IncidentEngagement,
    IncidentLink,
    ProvisionalSeverity,
    SeverityChange,
    SeverityDecision,
)
from incidents.lifecycle.operations import (
    change_severity,
    decide_severity,
    declare_provisional,
    let_in,
    resolve,
    set_component,
    split_off,
)
from incidents.responsibility.models import RaciVersion
from incidents.responsibility.operations import assign_function
from incidents.responsibility.rules import shipped_rows
from incidents.scoping.models import ScopeRuleVersion
from incidents.scoping.rules import shipped_rules
from incidents.taxonomy.models import Level, SeverityTableVersion
from incidents.taxonomy.rules import shipped_cells
from incidents.terms.models import TaxonomyValue, TaxonomyVersion
from incidents.timeline.models import TimelineEntry
from postmortems.reviews.models import Review
from tests.config import make
from tests.escalation import make as make_escalation
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts

# A word that stands in what payments owns, and in nothing that a stranger may read.
SECRET = "Quokka"
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


@dataclass
class World:
    """The people by name, and one row for each model."""

    people: dict[str, User]
    rows: dict[type[models.Model], models.Model] = field(default_factory=dict)

    def __getitem__(self, model: type[models.Model]) -> Any:
        if model not in self.rows:
            raise LookupError(
                f"{model._meta.label}: make a row of it in tests/access/world.py, "
                "one that mallory may not see"
            )
        return self.rows[model]

    def put(self, *rows: models.Model) -> None:
        """These are the rows of their models."""
        self.rows |= {type(row): row for row in rows}

    def take(self, *kinds: type[models.Model], **filters: Any) -> None:
        """The newest row of each model will do: no stranger may see any."""
        for kind in kinds:
            row: Any = kind._default_manager.filter(**filters).order_by("-pk").first()
            assert row is not None, f"nothing made a {kind._meta.label}"
            self.put(row)


def make_world() -> World:
    """Payments with alice and bob; mallory commands elsewhere, carol audits, lena complies."""
    retail = make.unit("retail", name=f"Retail {SECRET}")
    payments = make.team("payments", unit=retail, name=f"Payments {SECRET}")
    people = _people(payments)
    service = make_incidents.service(
        "checkout", team=payments, tier=1, name=f"Checkout {SECRET}", rpo_minutes=5
    )
    world = World(people)
    world.put(retail, payments, service, people["alice"])
    world.take(RoleAssignment, person=people["alice"])
    _make_catalogue(world)
    _make_rights(world)
    _make_rota(world)
    _make_policies(world)
    _break_glass(world)
    _make_incident(world)
    _make_view(world)
    _make_evidence(world)
    _make_platform(world)
    return world


def _people(payments: Team) -> dict[str, User]:
    names = ("alice", "bob", "carol", "lena", "mallory", "root")
    found = {name: make.user(name, name=name.title()) for name in names if name != "root"}
    found["root"] = make.superuser("root")
    for name, role in (("alice", Role.INCIDENT_COMMANDER), ("bob", Role.ENGINEER)):
        make.join(payments, found[name])
        make.role(role, to=found[name], on=payments)
    make.role(Role.AUDITOR, to=found["carol"])
    make.role(Role.COMPLIANCE_OFFICER, to=found["lena"])
    logistics = make.team("logistics", unit=make.unit("freight"), members=(found["mallory"],))
    make_incidents.service("tracking", team=logistics)
    make.role(Role.INCIDENT_COMMANDER, to=found["mallory"], on=logistics)
    return found


def _make_catalogue(world: World) -> None:
    """Of the unit: what belongs to the enterprise is for everybody to read."""
    unit = world[BusinessUnit]
    world.put(
        make_incidents.calendar("retail-hours", unit=unit, name=f"{SECRET} hours"),
        create_function(actor=make.system(), key="selling", name=SECRET, unit=unit),
    )
    world.take(OperatingCalendar, BusinessFunction)
    world.put(assign_function(actor=make.system(), function="paging", team=world[Team], unit=unit))
    database = make_incidents.component("ledger", team=world[Team], name=f"{SECRET} ledger")
    asked = f"key,name\n{SECRET.lower()},{SECRET}\n"
    world.put(preview(actor=world.people["alice"], what="services", format="csv", content=asked))
    world.put(database, make_incidents.needs(world[Service], database))


def _make_rights(world: World) -> None:
    """alice lets bob stand in, and compliance is asked for an exception for her."""
    alice, bob, root = (world.people[name] for name in ("alice", "bob", "root"))
    seed_policy(
        SegregationVersion, "default", title="Segregation", actor=make.system(),
        parts={"role_pairs": shipped_role_pairs()},
    )  # fmt: skip
    until = clock.now() + DAY
    asked = DutyException(
        person=alice, first=Role.POLICY_AUTHOR, second=Role.POLICY_APPROVER, until=until,
        reason=SECRET, requested_by=root,
    )  # fmt: skip
    world.put(delegate(delegate=bob, until=until, reason=SECRET, actor=alice), asked.save_as(root))


def _break_glass(world: World) -> None:
    """alice opened what bob keeps to himself, an hour and more ago."""
    with clock.simulated(clock.now() - 2 * HOUR):
        secret = make_incidents.incident(
            SECRET, service=world[Service], actor=world.people["bob"], is_restricted=True
        )
        name = secret.reference
        world.put(break_glass(name=name, reason=SECRET, actor=world.people["alice"]))


def _make_rota(world: World) -> None:
    alice, bob = world.people["alice"], world.people["bob"]
    world.put(make_escalation.contact(alice), make_escalation.contact(bob))
    schedule = make_escalation.schedule(world[Team], alice, bob, key="payments-primary")
    now = clock.now()
    override = add_override(
        schedule, user=bob, start=now + DAY, end=now + 2 * DAY, reason=SECRET, actor=alice
    )
    world.put(schedule, override)
    world.take(Layer, schedule=schedule)


def _make_policies(world: World) -> None:
    """Drafts of the unit: those of the enterprise are for everybody to read."""
    alice, unit = world.people["alice"], world[BusinessUnit]
    make_escalation.policy([make_escalation.person_tier(alice)], rounds=1)
    drafts: dict[Any, tuple[str, Any, Any]] = {
        SettingVersion: ("lifecycle.reopen_days", {"value": 5}, None),
        ApprovalMatrixVersion: ("default", None, {"demands": shipped_demands()}),
        AgreementVersion: ("acme", {"counterparty": SECRET}, {"definitions": []}),
        OperatingModelVersion: ("default", {"model": "local"}, None),
        SegregationVersion: ("default", None, {"role_pairs": shipped_role_pairs()}),
        SeverityTableVersion: ("default", None, {"cells": shipped_cells()}),
        RaciVersion: ("default", None, {"assignments": shipped_rows()}),
        BoundaryVersion: ("default", None, {"rules": shipped_boundaries()}),
        IntakeTemplateVersion: ("any--any", None, {"demands": []}),
        QualificationVersion: ("default", None, {"rules": []}),
        TaxonomyVersion: ("default", None, {"entries": []}),
        ScopeRuleVersion: ("default", None, {"rules": shipped_rules()}),
        EscalationPolicyVersion: ("payments", {"rounds": 1}, None),
    }
    for model, (key, values, parts) in drafts.items():
        version: Any = propose(
            model, key, actor=alice, unit=unit, values=values, parts=parts, title=SECRET
        )
        world.put(version)
    outage = TaxonomyValue(kind="category", key="outage", label="Outage")
    outage.save_as(alice)
    till = TaxonomyValue(
        kind="category", key="till-down", label=f"{SECRET} down", unit=unit, parent=outage
    )
    world.put(till.save_as(alice))
    policy: Policy = world[EscalationPolicyVersion].policy
    opened = {"about": policy, "freedom": "locked"}
    world.put(
        propose(FreedomVersion, "policy", actor=alice, unit=unit, values=opened, title=SECRET)
    )
    world.put(policy, use_policy(policy, actor=alice, service=world[Service]))


def _make_incident(world: World) -> None:
    """A SEV1 that was resolved and owes a review, then one that an alert opens and that pages."""
    service, bob = world[Service], world.people["bob"]
    with clock.simulated(clock.now() - 3 * HOUR):
        ended = make_incidents.incident(
            f"{SECRET} is over", service=service, actor=bob, level=Level.CRITICAL
        )
    with clock.simulated(clock.now() - 2 * HOUR):
        resolve(ended, actor=bob)
    run_due(clock.now() - HOUR)
    world.take(Review, incident=ended)
    was_none = make_incidents.incident(f"{SECRET} was none", service=service, level=Level.INFO)
    made = convert_incident(was_none, actor=bob, outcome="problem", reason=SECRET)
    item = report(title=f"{SECRET} wanted", actor=bob, service=service)
    world.put(item, made)
    world.take(WorkRecord)
    source = make_alerts.source(team=world[Team], service=service, name=f"{SECRET} monitor")
    payload = make_alerts.received(source, make_alerts.firing(SECRET, level="critical"))
    run_due(clock.now())
    world.put(source, payload)
    world.take(Alert, Incident, EscalationRun, Page, TimelineEntry)
    proposed = propose_update(
        world[Incident], actor=bob, kind="retired", item=world[Component], note=SECRET
    )
    world.put(proposed)
    _make_severity(world)


def _make_severity(world: World) -> None:
    """A downgrade that a second person approved, then a provisional SEV1."""
    alice, bob = world.people["alice"], world.people["bob"]
    major: Incident = world[Incident]
    asked = change_severity(
        major, actor=bob, to="SEV2", reason_code="misjudged", justification=SECRET
    )
    decide_severity(major, actor=alice, change=asked.pk, approve=True)
    declare_provisional(major, actor=alice, justification=SECRET)
    world.take(IncidentEngagement, SeverityChange, SeverityDecision, ProvisionalSeverity)
    set_component(major, actor=bob, name=SECRET, state="down")
    split_off(major, actor=bob, owner=bob, reason=SECRET)
    world.take(IncidentLink)
    world.take(AffectedComponent, incident=major)


def _make_view(world: World) -> None:
    """Of alice, shared with her team."""
    world.put(
        save_view(
            model="incidents.incident",
            name=f"{SECRET} queue",
            query="attention=open",
            team=world[Team],
            actor=world.people["alice"],
        )
    )


def _make_evidence(world: World) -> None:
    carol = world.people["carol"]
    asked = request_audit(
        title=f"{SECRET} evidence",
        period_from=clock.now() - DAY,
        period_until=clock.now(),
        reason="The yearly audit",
        actor=carol,
    )
    approve_request(asked, actor=world.people["lena"])
    world.put(
        give_feedback(text=f"{SECRET} feedback", actor=world.people["alice"]),
        open_review(clock.now()),
    )
    pack = Export(request=asked, ordered_by=carol, state=ExportState.READY, size=1, sha256="0" * 64)
    pack.save_as(carol)
    ExportProgress.objects.create(export=pack)
    file_of(pack).parent.mkdir(parents=True, exist_ok=True)
    file_of(pack).write_bytes(b"x")
    world.put(asked, pack)


def _make_platform(world: World) -> None:
    """What only overseers read."""
    system, now = make.system(), clock.now()
    tool = make.service_account("tool")
    make.token(tool)
    world.take(ApiToken, owner=tool)
    task = {"func": "f", "started": now, "stopped": now}
    world.put(
        JobSchedule.objects.create(func="f", name="nightly"),
        Success.objects.create(id="1", name="a", success=True, **task),
        Failure.objects.create(id="2", name="b", success=False, **task),
        OrmQ.objects.create(key="watchbill", payload="", lock=now),
        WorkerHeartbeat.objects.create(name="w", pid=1, started_at=now, seen_at=now),
        RestrictedRead.objects.create(
            actor=system, subject_type="x", subject_ids=[1], origin="api", what=SECRET
        ),
    )
    let_in(world[Incident], world.people["lena"], actor=system)
    world.take(Group, UserObjectPermission, Timer, OutboundMessage, Event, EventDelivery)
    seal()
    _purge(record("access.tested", None, actor=system), system, tool)
    world.take(Checkpoint, LogOrigin, LedgerEntry, GrantChange, PurgeBatch, Tombstone)


def _purge(event: Event, *by: User) -> None:
    batch = PurgeBatch.objects.create(
        reason="age", legal_basis="policy", requested_by=by[0], approved_by=by[1],
        scope={"config_event": [str(event.pk)]},
    )  # fmt: skip
    with connection.cursor() as cursor:
        arguments: list[Any] = [batch.pk, "config_event", [str(event.pk)]]
        cursor.execute("SELECT audit_purge(%s, %s, %s::text[])", arguments)
