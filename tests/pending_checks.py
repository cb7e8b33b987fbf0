"""Checks that wait for another capability: check -> the capability (or issue) that it waits for."""

PENDING: dict[str, str] = {
    "CMP-02.3": "INC-38",
    "CMP-22.2": "CMP-21",
}
