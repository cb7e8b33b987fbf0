"""What verification finds, and which of several findings comes first."""

from dataclasses import dataclass, field
from typing import Any

LAST = 1 << 63  # beyond every sequence number


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken thing. `rank` orders findings: the sequence number at which the log breaks."""

    kind: str
    table: str
    key: str
    seq: int | None
    leaf: int | None
    detail: str
    rank: int = LAST

    def as_dict(self) -> dict[str, Any]:
        """The form of `audit_verify --json`."""
        return {
            "kind": self.kind,
            "table": self.table,
            "key": self.key,
            "seq": self.seq,
            "leaf": self.leaf,
            "detail": self.detail,
        }


@dataclass(slots=True)
class Report:
    """The result. `problems` are protections that are broken, `warnings` are things to know."""

    origin: str = ""
    entries: int = 0
    leaves: int = 0
    checkpoints: int = 0
    root: str = ""
    first_broken: Finding | None = None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing is broken, and the protections are in place."""
        return self.first_broken is None and not self.problems

    def as_dict(self) -> dict[str, Any]:
        """The form of `audit_verify --json`."""
        return {
            "ok": self.ok,
            "entries": self.entries,
            "leaves": self.leaves,
            "checkpoints": self.checkpoints,
            "first_broken": self.first_broken and self.first_broken.as_dict(),
            "origin": self.origin,
            "root": self.root,
            "problems": self.problems,
            "warnings": self.warnings,
        }
