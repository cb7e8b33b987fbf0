"""What conditions may ask of an incident, such as whether a field is mandatory for it."""

from collections.abc import Iterable
from typing import Any

from config.conditions.attributes import Attribute, register
from config.conditions.kinds import Choice, Flag, Number, Several
from incidents.gates.operations import SUBJECT
from incidents.lifecycle.models import Incident, Source
from incidents.taxonomy.models import DataSensitivity, Exposure, Level, Severity
from incidents.terms.models import TaxonomyValue
from incidents.terms.rules import Kind


def facts_of(incident: Incident) -> dict[str, Any]:
    """An incident's facts by name; what is empty isn't known."""
    service = incident.service
    said = {
        "severity": incident.severity,
        "level": incident.level,
        "type": incident.type and incident.type.key,
        "category": incident.category and incident.category.key,
        "tags": incident.tags,
        "source": incident.source,
        "has_service": service is not None,
        "tier": service and service.tier,
        "is_customer_facing": service and service.is_customer_facing,
        "users_affected": incident.users_affected,
        "exposure": incident.exposure,
        "data_sensitivity": incident.data_sensitivity,
        "is_regulatory": incident.is_regulatory,
        "is_restricted": incident.is_restricted,
    }
    return {name: None if value == "" else value for name, value in said.items()}


def _values(kind: Kind) -> Iterable[tuple[str, str]]:
    rows = TaxonomyValue.objects.filter(kind=kind).order_by("label")
    return rows.values_list("key", "label")


register(
    SUBJECT,
    Attribute("type", "Type", Choice(lambda: _values(Kind.TYPE)), path="type__key"),
    Attribute("category", "Category", Choice(lambda: _values(Kind.CATEGORY)), path="category__key"),
    Attribute("tags", "Tags", Several(lambda: _values(Kind.TAG)), path="tags"),
    Attribute("severity", "Severity", Choice(tuple(Severity.choices)), path="severity"),
    Attribute("level", "Level", Choice(tuple(Level.choices)), path="level"),
    Attribute("source", "Channel", Choice(tuple(Source.choices)), path="source"),
    Attribute("has_service", "Its service is known", Flag()),
    Attribute("tier", "Tier of the service", Number(least=1, most=4), path="service__tier"),
    Attribute(
        "is_customer_facing", "Customer-facing service", Flag(), path="service__is_customer_facing"
    ),
    Attribute("users_affected", "Users affected", Number(most=10**10), path="users_affected"),
    Attribute("exposure", "Exposure", Choice(tuple(Exposure.choices))),
    Attribute(
        "data_sensitivity", "Sensitivity of the data", Choice(tuple(DataSensitivity.choices))
    ),
    Attribute("is_regulatory", "A regulator must be told", Flag(), path="is_regulatory"),
    Attribute("is_restricted", "Restricted", Flag(), path="is_restricted"),
)
