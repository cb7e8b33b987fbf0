"""The taxonomy as shipped. Types are those of DORA's reporting standard (ITS 3.23). Pure."""

from collections.abc import Iterator
from typing import Any

from incidents.terms.rules import Kind, name_of

type Entry = dict[str, Any]

_TYPES: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("cyber", "Cyber security", (), ("security",)),
    ("process-failure", "Process failure", (), ()),
    (
        "system-failure",
        "System failure",
        ("application", "database", "network", "cloud_resource"),
        (),
    ),
    ("external-event", "External event", ("third_party_api", "network", "cloud_resource"), ()),
    ("payment", "Payment", ("application", "third_party_api"), ("payments",)),
    ("other", "Other", (), ()),
)
_CATEGORIES: tuple[tuple[str, str, str], ...] = (
    ("malware", "Malware", "cyber"),
    ("unauthorised-access", "Unauthorised access", "cyber"),
    ("data-exposure", "Data exposure", "cyber"),
    ("denial-of-service", "Denial of service", "cyber"),
    ("failed-change", "Failed change", "process-failure"),
    ("missed-procedure", "Missed procedure", "process-failure"),
    ("outage", "Outage", "system-failure"),
    ("degradation", "Degradation", "system-failure"),
    ("data-loss", "Data loss or corruption", "system-failure"),
    ("vendor-outage", "Outage of a supplier", "external-event"),
    ("facility", "Power, cooling or building", "external-event"),
    ("payment-rejected", "Payments rejected", "payment"),
    ("payment-delayed", "Payments delayed", "payment"),
)
_CLOSURE_CODES: tuple[tuple[str, str], ...] = (
    ("fixed", "Fixed for good"),
    ("workaround", "Worked around"),
    ("no-fault-found", "No fault found"),
    ("gone-by-itself", "Gone by itself"),
    ("fixed-by-vendor", "Fixed by a supplier"),
    ("accepted", "Accepted as it is"),
)
# The list of PM-05; a review confirms what the incident was closed with.
_CAUSE_CODES: tuple[tuple[str, str], ...] = (
    ("change-failure", "Change failure"),
    ("capacity", "Capacity"),
    ("configuration-drift", "Configuration drift"),
    ("code-defect", "Code defect"),
    ("dependency", "Dependency or third party"),
    ("hardware", "Hardware"),
    ("security", "Security"),
    ("process", "Process"),
    ("unknown", "Unknown"),
)
_TAGS: tuple[tuple[str, str], ...] = (
    ("security", "Security"),
    ("payments", "Payments"),
    ("customer-reported", "Reported by a customer"),
    ("vendor", "Supplier involved"),
)


def entries() -> list[Entry]:
    """The shipped tree as child rows of version 1."""
    return list(_entries())


def _entries() -> Iterator[Entry]:
    for key, label, kinds, tags in _TYPES:
        yield _entry(Kind.TYPE, key, label, component_kinds=list(kinds), default_tags=list(tags))
    for key, label, kind in _CATEGORIES:
        yield _entry(Kind.CATEGORY, key, label, parent=name_of(Kind.TYPE, kind))
    for kind, listed in (
        (Kind.CLOSURE_CODE, _CLOSURE_CODES),
        (Kind.CAUSE_CODE, _CAUSE_CODES),
        (Kind.TAG, _TAGS),
    ):
        yield from (_entry(kind, key, label) for key, label in listed)


def _entry(kind: str, key: str, label: str, **more: Any) -> Entry:
    return {"line": name_of(kind, key), "kind": str(kind), "key": key, "label": label, **more}
