"""Making an evidence pack: in the background with progress, or by command."""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from compliance.evidence.collecting import Collection, admitted
from compliance.evidence.models import UNDER_WAY, Export, ExportProgress, ExportState
from compliance.evidence.operations import file_of
from compliance.evidence.pulse import Pulse, TakenOver
from compliance.evidence.rules import MOST_RUNS, WITHHELD, Scope
from config import clock
from config.audit.packing import PackWriter
from config.audit.tracking import lock
from config.due.faults import reach
from config.events.operations import record
from config.organisation.models import User
from config.origin import Origin, acting
from config.sqlstates import is_away

log = structlog.get_logger(__name__)

STEP = 500
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """What a pack holds: its rows, and whether restricted incidents are among them."""

    rows: int
    holds_restricted: bool


def run_export(export_id: int) -> None:
    """The background job. Idempotent: an export that is finished, or has a living run, stays.

    A job that died half-way, or whose connection to the database was cut, is started over by the
    watchman (`resume_exports`): the pack appears whole or not at all.
    """
    with acting(Origin.JOB):
        token = uuid.uuid4()
        export = _begin(export_id, token)
        if export is None:
            return
        draft = _draft(export, token)
        try:
            with Pulse(export.pk, token) as pulse:
                people = (export.request.requested_by, export.ordered_by)
                about = _about(export)
                written = write_pack(
                    draft, export.request.scope, about=about, seen_by=people, progress=pulse.report
                )
            _finish(export, token, draft, written)
        except TakenOver:
            return
        except Exception as error:
            if is_away(error):
                log.warning("export cut off, to be begun again", export=export.pk, error=str(error))
                return
            if _fail(export, token, f"{type(error).__name__}: {error}"):
                raise
        finally:
            draft.unlink(missing_ok=True)


@transaction.atomic
def _begin(export_id: int, token: uuid.UUID) -> Export | None:
    export = Export.objects.select_related("request", "ordered_by").filter(pk=export_id).first()
    if export is None or lock(export).state not in UNDER_WAY:
        return None
    progress = ExportProgress.objects.select_for_update().get(export=export)
    export.progress = progress
    if export.state == ExportState.RUNNING and not export.is_stalled:
        return None
    if progress.runs >= MOST_RUNS:
        _save_failure(export, f"Its job was stopped half-way {MOST_RUNS} times")
        return None
    progress.token, progress.runs, progress.done = token, progress.runs + 1, 0
    progress.seen_at = clock.now()
    progress.save()
    _clear_drafts(export)
    if export.state != ExportState.RUNNING:
        export.state = ExportState.RUNNING
        export.save_as(User.objects.system(), "state")
    return export


def _draft(export: Export, token: uuid.UUID) -> Path:
    return file_of(export).with_name(f"{export.key}.{token.hex}.draft")


def _clear_drafts(export: Export) -> None:
    """What a killed run left behind."""
    root = Path(settings.EXPORT_ROOT)
    for left in (*root.glob(f"{export.key}.*.draft"), *root.glob(f".{export.key}.*.draft.*")):
        left.unlink(missing_ok=True)


@transaction.atomic
def _finish(export: Export, token: uuid.UUID, draft: Path, written: Written) -> None:
    digest, size = sha256_of(draft), draft.stat().st_size
    _require_mine(export, token)
    export.state = ExportState.READY
    export.finished_at = clock.now()
    export.sha256 = digest
    export.size = size
    export.rows = written.rows
    export.holds_restricted = written.holds_restricted
    system = User.objects.system()
    export.save_as(
        system, "state", "finished_at", "sha256", "size", "rows", "holds_restricted"
    )  # fmt: skip
    record(
        "export.created",
        export.request,
        actor=system,
        export_id=export.pk,
        ordered_by_id=export.ordered_by_id,
        sha256=digest,
        rows=written.rows,
    )
    # Before the commit: a row that says ready has its file, whatever dies in between.
    draft.replace(file_of(export))
    reach("export_before_ready")


@transaction.atomic
def _fail(export: Export, token: uuid.UUID, error: str) -> bool:
    """False where another run took over, which clears away the drafts of this one."""
    try:
        _require_mine(export, token)
    except TakenOver:
        return False
    _save_failure(export, error)
    return True


def _save_failure(export: Export, error: str) -> None:
    system = User.objects.system()
    export.state = ExportState.FAILED
    export.finished_at = clock.now()
    export.error = error[:500]
    export.save_as(system, "state", "finished_at", "error")
    record("export.failed", export.request, actor=system, export_id=export.pk)


def _require_mine(export: Export, token: uuid.UUID) -> None:
    lock(export)
    mine = ExportProgress.objects.filter(export=export, token=token).exists()
    if not mine or export.state != ExportState.RUNNING:
        raise TakenOver


def write_pack(
    path: Path,
    scope: Scope,
    *,
    about: dict[str, Any],
    seen_by: tuple[User, ...] = (),
    progress: Progress | None = None,
) -> Written:
    """Write the pack of a scope, streamed. Restricted incidents: those that all of these see."""
    with PackWriter(path, about={**about, "scope": scope.as_dict()}) as pack, _snapshot():
        found = Collection(scope, admitted(scope, seen_by))
        total = sum(part.rows.count() for part in found.parts)
        done = 0
        for part in found.parts:
            rows = _counted(part.given(pack), done, total, progress)
            done += pack.add_table(part.name, part.columns, rows)
            part.withhold(pack)
        pack.about["withheld"] = {"incidents": found.hidden.count(), "why": WITHHELD}
        written = Written(done, found.holds_restricted)
    path.chmod(0o600)
    return written


@contextmanager
def _snapshot() -> Iterator[None]:
    """One state of the database for all parts, though others go on writing."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _counted(
    rows: Iterator[dict[str, Any]], before: int, total: int, progress: Progress | None
) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows, start=1):
        if progress and number % STEP == 0:
            progress(before + number, max(total, before + number))
        yield row


def _about(export: Export) -> dict[str, Any]:
    request = export.request
    return {
        "request": request.pk,
        "title": request.title,
        "reason": request.reason,
        "legal_basis": request.legal_basis,
        "requested_by": request.requested_by.username,
        "approved_by": request.decided_by.username if request.decided_by else "",
        "ordered_by": export.ordered_by.username,
        "ordered_at": export.ordered_at.isoformat(),
    }


def sha256_of(path: Path) -> str:
    """Of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def operator() -> str:
    """Who runs a command, as the operating system knows it: for the record of an export."""
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or f"uid {os.getuid()}"
