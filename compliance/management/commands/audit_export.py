"""`manage.py audit_export`: write an evidence pack by hand; itself recorded."""

import datetime
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error, transaction
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive

from compliance.evidence.exporting import Written, operator, sha256_of, write_pack
from compliance.evidence.rules import Scope
from config.audit.keys import KeyProblem
from config.audit.packing import PackRefused
from config.audit.sealing import SealRefused
from config.events.operations import record
from config.management.reporting import ReportingCommand
from config.organisation.models import User
from incidents.lifecycle.models import Incident


class Command(ReportingCommand):
    """Exit codes: 0 written, 1 refused, 2 usage, 3 could not."""

    help = (
        "Write an evidence pack (zip) of a period, of everything or of one incident. Restricted "
        "incidents are withheld, unless --incident names one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The scope and the file."""
        super().add_arguments(parser)
        parser.add_argument("--from", dest="since", required=True, help="ISO date or time, UTC")
        parser.add_argument("--to", dest="until", required=True, help="ISO date or time, exclusive")
        parser.add_argument("--incident", metavar="REF", help="only this incident")
        parser.add_argument("--out", required=True, type=Path, metavar="FILE.zip")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the pack, record it, and only then let the file appear under its name."""
        path: Path = options["out"]
        if path.is_dir():
            self.fail(self.USAGE, f"{path} is a folder; name a file.")
        try:
            scope = self._scope(options)
            written, digest = self._write(path, scope)
        except (PackRefused, SealRefused) as refusal:
            self.fail(self.REFUSED, str(refusal))
        except (OSError, Error, KeyProblem) as error:
            self.fail(self.COULD_NOT, f"Could not write the pack: {error}")
        found = {"ok": True, "file": str(path), "rows": written.rows, "sha256": digest}
        self.answer(found, [f"{written.rows} rows, SHA-256 {digest}"])

    def _write(self, path: Path, scope: Scope) -> tuple[Written, str]:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            written = write_pack(
                draft,
                scope,
                about={"requested_by": operator(), "reason": "manage.py audit_export"},
                progress=self._progress,
            )
            digest = sha256_of(draft)
            self._record(scope, digest, written)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return written, digest

    def _scope(self, options: dict[str, Any]) -> Scope:
        since, until = self._instant(options["since"]), self._instant(options["until"])
        if until <= since:
            self.fail(self.USAGE, "--to must be later than --from.")
        incident_id = None
        if options["incident"]:
            found = Incident.objects.for_references([options["incident"]]).first()
            if found is None:
                self.fail(self.REFUSED, f"There is no incident {options['incident']}.")
            incident_id = found.pk
        return Scope(period_from=since, period_until=until, incident_id=incident_id)

    def _instant(self, text: str) -> datetime.datetime:
        try:
            moment = parse_datetime(text)
            day = None if moment else parse_date(text)
        except ValueError:
            moment = day = None
        if day is not None:
            moment = datetime.datetime.combine(day, datetime.time())
        if moment is None:
            self.fail(self.USAGE, f"'{text}' is no ISO date or time, such as 2026-11-21T14:00:00Z.")
        return moment.replace(tzinfo=datetime.UTC) if is_naive(moment) else moment

    @transaction.atomic
    def _record(self, scope: Scope, digest: str, written: Written) -> None:
        record(
            "export.created",
            None,
            actor=User.objects.system(),
            reason=f"manage.py audit_export by {operator()}",
            scope=scope.as_dict(),
            sha256=digest,
            rows=written.rows,
        )

    def _progress(self, done: int, total: int) -> None:
        self.tell(f"{done:,} of {total:,} rows ...")
