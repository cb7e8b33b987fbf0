"""What the scope rule may ask of a service, and the same as facts of one."""

from typing import Any

from django.db.models import F, Value
from django.db.models.functions import NullIf

from config.conditions.attributes import Attribute, register
from config.conditions.kinds import Choice, Flag, Number, Several
from incidents.catalog.models import Service
from incidents.catalog.rules import BusinessImpact, DataClass, ServiceStatus
from incidents.scoping.rules import SUBJECT

MOST_MINUTES = 2**31 - 1
NAMES = (
    *("tier", "rto_minutes", "rpo_minutes", "business_impact", "status", "is_customer_facing"),
    *("is_key_workflow", "is_sla_governed", "is_regulated", "data_classes"),
)


def facts_of(service: Service) -> dict[str, Any]:
    """For conditions: what is empty isn't known."""
    said = {name: getattr(service, name) for name in NAMES}
    return {name: None if value == "" else value for name, value in said.items()}


register(
    SUBJECT,
    Attribute("tier", "Tier", Number(least=1, most=4), "tier", "1 is the most critical."),
    Attribute("rto_minutes", "RTO", Number("minutes", most=MOST_MINUTES), "rto_minutes"),
    Attribute("rpo_minutes", "RPO", Number("minutes", most=MOST_MINUTES), "rpo_minutes"),
    Attribute(
        "business_impact",
        "Business impact",
        Choice(tuple(BusinessImpact.choices)),
        lambda: NullIf(F("business_impact"), Value("")),
    ),
    Attribute("status", "Status", Choice(tuple(ServiceStatus.choices)), "status"),
    Attribute("is_customer_facing", "Customer-facing", Flag(), "is_customer_facing"),
    Attribute("is_key_workflow", "Key workflow", Flag(), "is_key_workflow"),
    Attribute("is_sla_governed", "SLA-governed", Flag(), "is_sla_governed"),
    Attribute("is_regulated", "Regulated", Flag(), "is_regulated"),
    Attribute("data_classes", "Data classes", Several(tuple(DataClass.choices)), "data_classes"),
)
