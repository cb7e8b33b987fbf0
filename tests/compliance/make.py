"""Audit requests, exports and opened packs for tests; what isn't named gets a default."""

import datetime
import json
import zipfile
from pathlib import Path
from typing import Any

from compliance.evidence.exporting import run_export
from compliance.evidence.models import AuditRequest, Export
from compliance.evidence.operations import (
    approve_request,
    file_of,
    order_export,
    request_audit,
)
from config.organisation.models import User

SINCE = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


def audit_request(actor: User, **fields: Any) -> AuditRequest:
    """Of everything, by default."""
    fields = {
        "title": "Yearly audit",
        "period_from": SINCE,
        "period_until": UNTIL,
        "reason": "ISAE 3402",
        **fields,
    }
    return request_audit(actor=actor, **fields)


def approved(actor: User, *, by: User, **fields: Any) -> AuditRequest:
    """One that compliance approved."""
    return approve_request(audit_request(actor, **fields), actor=by)


def exported(actor: User, *, by: User, **fields: Any) -> Export:
    """A finished export."""
    export = order_export(approved(actor, by=by, **fields), actor=actor)
    run_export(export.pk)
    export.refresh_from_db()
    return export


class Pack:
    """An evidence pack, read."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as container:
            self.files = {name: container.read(name) for name in container.namelist()}
        self.manifest: dict[str, Any] = json.loads(self.files["manifest.json"])
        self.leaves = self._lines("leaves.jsonl")

    @classmethod
    def of(cls, export: Export) -> "Pack":
        """The pack of a finished export."""
        return cls(file_of(export))

    @property
    def parts(self) -> list[str]:
        """The names of the tables."""
        return [name[5:-6] for name in self.files if name.endswith(".jsonl") and "/" in name]

    def rows(self, part: str) -> list[dict[str, Any]]:
        """One table."""
        return self._lines(f"data/{part}.jsonl")

    def _lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[name].splitlines()]
