"""Checks that wait for another capability: check -> the capability (or issue) that it waits for."""

PENDING: dict[str, str] = {
    "INC-05.2": "INC-24",  # command roles; that an incident converts once is shown already
}
