"""Everything that can be done to an incident, one function each; see incidents/README.md."""

from incidents.lifecycle.operations.acknowledging import acknowledge
from incidents.lifecycle.operations.components import set_component, split_off
from incidents.lifecycle.operations.editing import edit
from incidents.lifecycle.operations.key_times import choose_time, claim_time
from incidents.lifecycle.operations.opening import check_alert, open_incident
from incidents.lifecycle.operations.provisional import (
    confirm_provisional,
    declare_provisional,
    extend_provisional,
    lower_provisional,
)
from incidents.lifecycle.operations.reassessing import revise_impact
from incidents.lifecycle.operations.restricting import let_in, let_in_those_of
from incidents.lifecycle.operations.severity import (
    change_severity,
    decide_severity,
    withdraw_severity,
)
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
    "change_severity",
    "check_alert",
    "choose_time",
    "claim_time",
    "close",
    "confirm_provisional",
    "decide_severity",
    "declare_provisional",
    "edit",
    "extend_provisional",
    "investigate",
    "let_in",
    "let_in_those_of",
    "lower_provisional",
    "mitigate",
    "monitor",
    "open_incident",
    "reopen",
    "resolve",
    "revise_impact",
    "set_component",
    "split_off",
    "triage",
    "withdraw_severity",
]
