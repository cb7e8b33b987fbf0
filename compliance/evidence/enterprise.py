"""The parts of a pack that are not about an incident: people, rights, policies, rotas, the log."""

from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models import Q

from compliance.evidence.models import AuditRequest, Export
from compliance.evidence.rules import Scope
from compliance.governance_reviews.models import FeedbackItem, GovernanceReview
from config.access.models import Delegation, RoleAssignment
from config.access.restricted import tells_of
from config.audit.models import GrantChange, PurgeBatch, Tombstone
from config.breakglass.models import BreakGlass
from config.duties.models import DutyException
from config.events.models import Event, RestrictedRead
from config.governance.models import (
    Approval,
    BackTest,
    ChangeReference,
    Comment,
    Policy,
    PolicyVersion,
    SignOff,
)
from config.organisation.models import BusinessUnit, Membership, Team, User
from escalation.policies.models import PolicyUse
from escalation.rota.models import Layer, Override, Schedule, Turn
from incidents.calendars.models import OperatingCalendar
from incidents.catalog.models import BusinessFunction, Service, ServiceRegion
from incidents.components.models import Component, Dependency
from incidents.importing.models import CatalogueImport
from incidents.intake.models import Conversion, IntakeItem, QualificationDecision, WorkRecord
from incidents.lifecycle.models import Incident
from incidents.responsibility.models import ToolFunction
from incidents.terms.models import TaxonomyValue

type Rows = "models.QuerySet[Any]"
type Pair = tuple[Rows, Rows | None]

MASTER: dict[str, type[models.Model]] = {
    "user_history": User,
    "unit_history": BusinessUnit,
    "team_history": Team,
    "membership_history": Membership,
    "role_history": RoleAssignment,
    "delegation_history": Delegation,
    "duty_exception_history": DutyException,
    "service_history": Service,
    "policy_history": Policy,
    "policy_use_history": PolicyUse,
    "schedule_history": Schedule,
    "layer_history": Layer,
    "turn_history": Turn,
    "override_history": Override,
    "business_function_history": BusinessFunction,
    "calendar_history": OperatingCalendar,
    "service_region_history": ServiceRegion,
    "component_history": Component,
    "dependency_history": Dependency,
    "catalogue_import_history": CatalogueImport,
    "tool_function_history": ToolFunction,
    "taxonomy_value_history": TaxonomyValue,
    "work_record_history": WorkRecord,
    "feedback_history": FeedbackItem,
    "governance_review_history": GovernanceReview,
}
# Sealed like all else, and in no pack: where alerts and pages come from and go to, with the
# digests of secrets; how people arrange their own lists; and the log's own book-keeping, which
# `audit_verify` reads.
LEFT_OUT = frozenset(
    {
        "config.HistoricalApiToken",
        "config.HistoricalPreferences",
        "config.HistoricalSavedView",
        "config.LogOrigin",
        "config.SigningKey",
        "escalation.HistoricalContactMethod",
        "incidents.HistoricalIngestSource",
    }
)


def tables(scope: Scope, secret: "models.QuerySet[Incident]") -> dict[str, Pair]:
    """Name -> the rows to give, and those to withhold as they tell of a secret incident."""
    changed = within("history_date", scope)
    found: dict[str, Pair] = {
        "events": _told_apart(Event.objects.filter(within("recorded_at", scope)), secret),
        "restricted_reads": _told_apart(RestrictedRead.objects.filter(within("at", scope)), secret),
        "grant_changes": _told_apart(GrantChange.objects.filter(within("at", scope)), secret),
        "audit_request_history": _requests(scope, secret),
        "export_history": _exports(scope, secret),
        **_reports(scope, secret),
        "break_glass_history": _broken_glass(scope, secret),
    }
    plain = {name: history(model, changed) for name, model in MASTER.items()}
    plain |= policy_tables(lambda column: changed)
    plain["approvals"] = Approval.objects.filter(within("at", scope))
    plain["sign_offs"] = SignOff.objects.filter(within("at", scope))
    plain["change_references"] = ChangeReference.objects.filter(within("at", scope))
    plain["policy_comments"] = Comment.objects.filter(within("at", scope))
    plain["backtests"] = BackTest.objects.filter(within("at", scope))
    plain["purge_batches"] = PurgeBatch.objects.filter(within("at", scope))
    plain["tombstones"] = Tombstone.objects.filter(within("at", scope))
    return found | {name: (rows, None) for name, rows in plain.items()}


def policy_tables(condition: Callable[[str], Q]) -> dict[str, Rows]:
    """Histories of every kind of policy version and of its lines.

    `condition` is given the column that names the version.
    """
    found: dict[str, Rows] = {}
    for model in (PolicyVersion, *PolicyVersion.__subclasses__()):
        found[f"{model._meta.model_name}_history"] = history(model, condition(_key(model)))
        for name in model.parts:
            relation: Any = model._meta.get_field(name)
            line = relation.related_model
            rows = history(line, condition(relation.field.attname))
            found[f"{line._meta.model_name}_history"] = rows
    return found


def _key(model: type[models.Model]) -> str:
    key: Any = model._meta.pk
    return str(key.attname)


def within(column: str, scope: Scope) -> Q:
    """That lie in the period."""
    return Q(**{f"{column}__gte": scope.period_from, f"{column}__lt": scope.period_until})


def history(model: Any, condition: Q) -> Rows:
    """Rows of a model's history."""
    rows: Rows = model.history.model.objects.filter(condition)
    return rows


def _split(rows: Rows, secret: Q) -> Pair:
    return rows.filter(~secret), rows.filter(secret)


def _told_apart(rows: Rows, secret: "models.QuerySet[Incident]") -> Pair:
    """Of a table of the platform: what the log's readers find there is decided alike."""
    rows = rows.alias(tells_of_secrets=tells_of(rows.model, secret))
    return rows.filter(tells_of_secrets=False), rows.filter(tells_of_secrets=True)


def _requests(scope: Scope, secret: "models.QuerySet[Incident]") -> Pair:
    rows = history(AuditRequest, within("history_date", scope))
    return _split(rows, Q(incident_id__isnull=False, incident_id__in=secret.values("pk")))


def _reports(scope: Scope, secret: "models.QuerySet[Incident]") -> dict[str, Pair]:
    """Reports, what the table made of them, and what they became, but for incidents."""
    told = IntakeItem.objects.filter(duplicate_of__in=secret.values("pk")).values("pk")
    decided = QualificationDecision.objects.filter(within("at", scope))
    became = Conversion.objects.filter(within("at", scope), incident__isnull=True)
    return {
        "report_history": _split(
            history(IntakeItem, within("history_date", scope)), Q(id__in=told)
        ),
        "qualification_decisions": _split(decided, Q(item__in=told)),
        "report_conversions": _split(became, Q(item__in=told)),
    }


def _broken_glass(scope: Scope, secret: "models.QuerySet[Incident]") -> Pair:
    rows = history(BreakGlass, within("history_date", scope))
    about = Q(record_type=Incident._meta.label_lower, record_id__in=secret.values("pk"))
    return _split(rows, about)


def _exports(scope: Scope, secret: "models.QuerySet[Incident]") -> Pair:
    rows = history(Export, within("history_date", scope))
    about = AuditRequest.objects.filter(incident__in=secret.values("pk")).values("pk")
    return _split(rows, Q(request_id__in=about))
