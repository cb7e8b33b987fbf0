"""Checks that wait for another capability: check -> the capability (or issue) that it waits for."""

PENDING: dict[str, str] = {
    "INC-03.3": "INC-34",  # the status page
    "INC-18.2": "CMP-06",  # the SLA measurement that another start recomputes
    "INC-18.3": "CMP-06",  # the clock that a reopening restarts, and the metric of early closures
    "INC-05.2": "INC-24",  # command roles; that an incident converts once is shown already
    "CMP-02.3": "INC-38",
    "CMP-22.2": "CMP-21",
}
