"""The sealed ledger in the admin: read, and checked by `manage.py audit_verify`."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from config.adminkit.base import OversightAdmin, display, register
from config.adminkit.platform import last_check
from config.audit.models import (
    Checkpoint,
    GrantChange,
    LedgerEntry,
    LogOrigin,
    PurgeBatch,
    Tombstone,
)


@register(Checkpoint)
class CheckpointAdmin(OversightAdmin):
    """Signed statements of what the ledger held at a moment."""

    icon = "approval"
    empty_text = "Nothing is sealed yet. The worker seals within ten seconds of the first change."
    nav_order = 30
    list_display = ["id", "sealed_at", "size", "root_hex", "key_id", "origin"]
    search_fields = ["note"]
    readonly_fields = ["root_hex"]
    fields = ["id", "sealed_at", "size", "root_hex", "key_id", "origin", "note"]
    list_before_template = "audit/last_check.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With what the last verification found."""
        found = {"check": last_check(), **(extra_context or {})}
        return super().changelist_view(request, found)

    @display(description="Root")
    def root_hex(self, obj: Checkpoint) -> str:
        """The root of the tree."""
        return bytes(obj.root).hex()[:16] + "…"


@register(LedgerEntry)
class LedgerEntryAdmin(OversightAdmin):
    """One sealed row each; `hash` covers its salt and its canonical text."""

    icon = "receipt_long"
    empty_text = "The ledger is empty. Every change writes to it."
    nav_order = 40
    list_display = ["seq", "at", "table_name", "row_key", "hash_hex"]
    search_fields = ["table_name", "row_key"]
    fields = ["seq", "at", "table_name", "row_key", "column_set", "hash_hex"]
    readonly_fields = ["hash_hex"]

    @display(description="SHA-256")
    def hash_hex(self, obj: LedgerEntry) -> str:
        """In hex."""
        return bytes(obj.hash).hex()


@register(GrantChange)
class GrantChangeAdmin(OversightAdmin):
    """Every change of guardian's tables, written by their triggers."""

    icon = "key"
    empty_text = "No right has been granted or taken back yet."
    nav_order = 50
    list_display = ["at", "table_name", "op"]
    search_fields = ["table_name"]
    fields = ["at", "table_name", "op", "row"]


@register(LogOrigin)
class LogOriginAdmin(OversightAdmin):
    """Where the log began, and after which restore it began anew."""

    icon = "flag"
    empty_text = "The log has not begun. The first start of the worker writes its origin."
    nav_order = 60
    list_display = ["name", "at", "began_at_size"]
    fields = ["name", "at", "began_at_size", "previous_note"]


@register(PurgeBatch)
class PurgeBatchAdmin(OversightAdmin):
    """Approved purges."""

    icon = "delete_sweep"
    empty_text = "Nothing has been purged. Records leave only by an approved purge."
    nav_order = 70
    list_display = ["at", "reason", "legal_basis", "requested_by", "approved_by"]
    list_select_related = ["requested_by", "approved_by"]
    fields = ["at", "reason", "legal_basis", "requested_by", "approved_by", "scope"]


@register(Tombstone)
class TombstoneAdmin(OversightAdmin):
    """What remains of purged rows."""

    icon = "deceased"
    empty_text = "Nothing has been purged, so nothing is missing."
    nav_order = 80
    list_display = ["at", "table_name", "row_key", "batch_id"]
    search_fields = ["table_name", "row_key"]
    fields = ["at", "table_name", "row_key", "batch_id", "seq"]
