"""When an agreement binds. Pure."""

import datetime

from config.apikit.codes import explain


def binds_on(
    day: datetime.date, *, signed_on: datetime.date | None, ends_on: datetime.date | None
) -> bool:
    """From the day of the signature to the last day, both included; an unsigned one never does."""
    return signed_on is not None and signed_on <= day and (ends_on is None or day <= ends_on)


explain(
    agreement_needed=(
        "An agreement ends by a version that says so",
        "Begin a new draft, name its last day there, and have it signed off.",
    ),
    agreement_definition_unique=(
        "The agreement names this policy already",
        "Leave one of the two rows out.",
    ),
    agreement_ends_after_signature=(
        "The agreement ends before it was signed",
        "Correct one of the two days.",
    ),
    agreement_service_unknown=(
        "The service of the agreement is not in the catalogue",
        "Name a service of the catalogue, or none.",
    ),
)
