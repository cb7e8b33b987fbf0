"""Checks that wait for another capability: check -> the capability (or issue) that it waits for."""

PENDING: dict[str, str] = {"INC-03.3": "INC-34"}
