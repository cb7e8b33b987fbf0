"""`manage.py rotate_signing_key`: a new key signs from here on; the old one introduces it."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from config.audit import keys
from config.audit.keys import KeyProblem
from config.audit.rotation import rotate
from config.audit.sealing import SealRefused
from config.audit.succession import Succession
from config.embedded import EmbeddedError
from config.events.operations import record
from config.management.reporting import ReportingCommand
from config.organisation.models import User

ROTATED = "signing_key.rotated"


class Command(ReportingCommand):
    """Exit codes: 0 rotated, 1 refused, 2 usage, 3 could not."""

    help = "Replace the key that signs the log. Run it where the key is, as the worker's account."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True, help="why, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = rotate(lambda made: _record(made, options["reason"]))
        except SealRefused as error:
            self.fail(self.REFUSED, f"Not rotated: {error}")
        except (KeyProblem, EmbeddedError, Error, OSError) as error:
            self.fail(self.COULD_NOT, f"Not rotated: {error}".strip())
        self.answer(_as_dict(made), _lines(made))


def _record(made: Succession, reason: str) -> None:
    record(
        ROTATED,
        None,
        actor=User.objects.system(),
        reason=reason,
        key_id=made.newer_id,
        previous_key_id=made.older_id,
        size=made.size,
    )


def _as_dict(made: Succession) -> dict[str, Any]:
    return {
        "ok": True,
        "key_id": made.newer_id,
        "previous_key_id": made.older_id,
        "size": made.size,
        "public_key": str(keys.public_path()),
        "statement": str(keys.statement_path(made.older_id)),
    }


def _lines(made: Succession) -> list[str]:
    return [
        f"{made.newer_id} signs from here on; {made.older_id} has sealed {made.size:,} leaves, and "
        f"signs no more.",
        f"The new public key is {keys.public_path()}: hand it to whoever checks packs.",
        f"Both keys signed the hand-over: {keys.statement_path(made.older_id)}.",
        f"Now copy the folder {keys.private_path().parent} to every machine that runs a worker or "
        f"exports, and to where keys are kept; destroy copies of the old private key.",
    ]
