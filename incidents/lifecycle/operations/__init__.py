"""Everything that can be done to an incident, one function each; see incidents/README.md."""

from incidents.lifecycle.operations.acknowledging import acknowledge
from incidents.lifecycle.operations.editing import edit
from incidents.lifecycle.operations.key_times import choose_time, claim_time
from incidents.lifecycle.operations.opening import open_incident
from incidents.lifecycle.operations.restricting import let_in, let_in_those_of
from incidents.lifecycle.operations.transitions import (
    cancel,
    close,
    investigate,
    mitigate,
    monitor,
    reopen,
    resolve,
    triage,
)

__all__ = [
    "acknowledge",
    "cancel",
    "choose_time",
    "claim_time",
    "close",
    "edit",
    "investigate",
    "let_in",
    "let_in_those_of",
    "mitigate",
    "monitor",
    "open_incident",
    "reopen",
    "resolve",
    "triage",
]
