"""What lies beside a backup as FILE.json: what it holds, and how to know that it is whole."""

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from config.backup.refusals import Refused

FORMAT = "watchbill-backup-1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Facts of the very snapshot that was dumped, and the dump's checksum."""

    taken_at: str
    version: str
    installation_id: str
    postgresql: int
    pg_dump: int
    origin: str
    checkpoint_size: int
    checkpoint: str
    unsealed: int
    migrations: dict[str, list[str]]
    rows: dict[str, int]
    bytes: int = 0
    sha256: str = ""
    format: str = FORMAT

    def write(self, dump: Path) -> None:
        """Beside the dump, whole or not at all, for nobody else's eyes."""
        path = manifest_path(dump)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    @classmethod
    def read(cls, dump: Path) -> Self:
        """The manifest of a dump. Raises `Refused` where there is none, or another's."""
        path = manifest_path(dump)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Refused(
                f"{path} can't be read ({error.strerror}). It was written beside the backup; "
                f"without it nothing says that the backup is whole."
            ) from error
        except ValueError as error:
            raise Refused(f"{path} is not the manifest of a backup: {error}.") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise Refused(f"{path} is not a manifest of the form {FORMAT}.")
        return cls._from(path, content)

    @classmethod
    def _from(cls, path: Path, content: dict[str, Any]) -> Self:
        plain = {each.name: content.get(each.name) for each in fields(cls)}
        for each in fields(cls):
            kind: Any = each.type if each.type in (str, int) else dict
            if not isinstance(plain[each.name], kind):
                raise Refused(f"{path} is damaged: {each.name} is not what it should be.")
        return cls(**plain)  # type: ignore[arg-type]  # each was just checked


def manifest_path(dump: Path) -> Path:
    """FILE.json for FILE."""
    return dump.with_name(f"{dump.name}.json")


def digest(path: Path) -> str:
    """SHA-256 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
