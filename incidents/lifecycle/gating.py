"""What an incident lacks for its next stage, by the intake template that holds for it."""

from django.core.exceptions import ValidationError
from django.urls import reverse

from config.errors import Blocker
from config.events.operations import guard
from incidents.gates.operations import lacks_of, templates_for, types_above
from incidents.gates.rules import FIELDS, Lack, Stage
from incidents.lifecycle.facts import facts_of
from incidents.lifecycle.models import Incident


def lacking(incident: Incident, stage: Stage) -> list[Lack]:
    """By the templates that were in force when it was opened, for the type that it has now."""
    kinds = [] if incident.type is None else types_above(incident.type.key, incident.unit)
    templates = templates_for(kinds, incident.source, incident.unit, incident.opened_at)
    if not templates:
        return []
    values = {name: getattr(incident, name) for name in FIELDS}
    return lacks_of(templates, stage, values, facts_of(incident))


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
