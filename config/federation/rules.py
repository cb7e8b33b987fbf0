"""Which operating model gives which duty to whom. Pure."""

from collections.abc import Mapping

from django.db.models import TextChoices

from config.access.rules import Level
from config.apikit.codes import explain

MODEL_KEY = "default"
MODEL_TITLE = "Operating model"


class OperatingModel(TextChoices):
    """How far a unit runs its incidents by itself."""

    CENTRAL = "central", "Central"
    FEDERATED = "federated", "Federated"
    LOCAL = "local", "Local"


class Duty(TextChoices):
    """What a model gives to the enterprise or to the unit."""

    TRIAGE = "triage", "Triage"
    COMMAND = "command", "Command"
    POLICY = "policy", "Policy"
    REPORTING = "reporting", "Reporting"


# The duties that the unit itself has; the others are the enterprise's.
OF_UNIT: Mapping[str, frozenset[str]] = {
    OperatingModel.CENTRAL: frozenset(),
    OperatingModel.FEDERATED: frozenset({Duty.TRIAGE, Duty.COMMAND, Duty.POLICY}),
    OperatingModel.LOCAL: frozenset(Duty.values),
}
# What one must have on the enterprise to do a duty that a model gives to it.
LEVELS: Mapping[str, Level] = {Duty.TRIAGE: Level.RESPOND, Duty.COMMAND: Level.COMMAND}
# Where no unit has declared one: units customise what the enterprise leaves open to them.
USUAL = OperatingModel.FEDERATED


def is_of_unit(model: str, duty: str) -> bool:
    """Whether the model gives the duty to the unit."""
    return duty in OF_UNIT[model]


explain(
    duty_elsewhere=(
        "The operating model of the unit gives this duty to somebody else",
        "Ask who has it: the record's ownership names them. Or propose another operating model.",
        403,
    ),
)
