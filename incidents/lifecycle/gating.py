"""What an incident lacks for its next stage, by the intake template that holds for it."""

from django.core.exceptions import ValidationError
from django.urls import reverse

from config.errors import Blocker
from config.events.operations import guard
from incidents.gates.operations import lacks_of, template_for
from incidents.gates.rules import FIELDS, Lack, Stage
from incidents.lifecycle.facts import facts_of
from incidents.lifecycle.models import Incident
from incidents.terms.operations import tree_for
from incidents.terms.rules import Kind


def lacking(incident: Incident, stage: Stage) -> list[Lack]:
    """By the template that was in force when it was opened, for the type that it has now."""
    template = template_for(_types(incident), incident.source, incident.unit, incident.opened_at)
    if template is None:
        return []
    values = {name: getattr(incident, name) for name in FIELDS}
    return lacks_of(template, stage, values, facts_of(incident))


def _types(incident: Incident) -> list[str]:
    """The key of its type, then of those above it."""
    if incident.type is None:
        return []
    tree = tree_for(incident.unit)
    term = tree.find(Kind.TYPE, incident.type.key)
    above = [] if term is None else tree.above(term)
    return [incident.type.key, *(each.key for each in above)]


def check_open(incident: Incident) -> None:
    """Raise `ValidationError` by field for what the template demands at the opening.

    Admin, API and alert intake answer with the same fields, codes and texts.
    """
    if found := lacking(incident, Stage.OPEN):
        raise ValidationError(
            {lack.field: ValidationError(lack.text, code=lack.code) for lack in found}
        )


def _blockers(incident: Incident, stage: Stage) -> list[Blocker]:
    link = reverse("admin:incidents_incident_change", args=(incident.pk,))
    return [
        Blocker(lack.code, lack.text, link, field=lack.field) for lack in lacking(incident, stage)
    ]


@guard("incident.triage")
def triage_has_its_fields(incident: Incident) -> list[Blocker]:
    """Every field that is missing to triage it."""
    return _blockers(incident, Stage.TRIAGE)


@guard("incident.resolve")
def resolve_has_its_fields(incident: Incident) -> list[Blocker]:
    """Every field that is missing to resolve it."""
    return _blockers(incident, Stage.RESOLVE)


@guard("incident.close")
def close_has_its_fields(incident: Incident) -> list[Blocker]:
    """Every field that is missing to close it."""
    return _blockers(incident, Stage.CLOSE)
