"""All models of escalation, collected for Django."""

from escalation.paging.models import Page
from escalation.policies.models import EscalationPolicyVersion, PolicyUse, Tier
from escalation.responders.models import ContactMethod
from escalation.rota.models import Layer, Override, Schedule, Turn
from escalation.runs.models import EscalationRecord, EscalationRun

__all__ = [
    "ContactMethod",
    "EscalationPolicyVersion",
    "EscalationRecord",
    "EscalationRun",
    "Layer",
    "Override",
    "Page",
    "PolicyUse",
    "Schedule",
    "Tier",
    "Turn",
]
