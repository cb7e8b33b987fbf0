"""Checkpoints outside the database: a folder that whoever holds the database should not hold."""

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

KEPT = 1000  # of the newest; of those before, the last of each day is enough
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
_NAME = re.compile(r"(?P<log>.+)-(?P<size>[0-9]{12,})\.txt")


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint file and the size that its name says."""

    path: Path
    size: int

    def note(self) -> str:
        """Its text; undecodable bytes become marks that no signature covers."""
        return self.path.read_text(encoding="utf-8", errors="replace")


def folder() -> Path:
    """The folder of WATCHBILL_CHECKPOINT_DIR."""
    return Path(settings.CHECKPOINT_DIR)


def publish(origin: str, size: int, note: str) -> Path:
    """Write the checkpoint whole, or not at all."""
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{_log(origin)}-{size:012d}.txt"
    fresh = target / f".{path.name}.{secrets.token_hex(4)}"
    fresh.write_text(note, encoding="utf-8")
    fresh.replace(path)
    _thin(origin)
    return path


def published(origin: str) -> list[Published]:
    """This log's checkpoints, by size."""
    return sorted(_files(origin), key=lambda each: each.size)


def newest(origin: str) -> Published | None:
    """The one with the largest tree."""
    return max(_files(origin), key=lambda each: each.size, default=None)


def _files(origin: str) -> Iterator[Published]:
    if not folder().is_dir():
        return
    log = _log(origin)
    for path in folder().iterdir():
        if (match := _NAME.fullmatch(path.name)) and match["log"] == log:
            yield Published(path, int(match["size"]))


def _thin(origin: str) -> None:
    """A newer checkpoint vouches for all that the older ones do: the folder need not grow on."""
    files = published(origin)
    if len(files) < 2 * KEPT:
        return
    old = files[:-KEPT]
    for each, following in zip(old, files[1:], strict=False):
        with contextlib.suppress(FileNotFoundError):
            if _day(each) == _day(following):
                each.path.unlink()


def _day(each: Published) -> int:
    return int(each.path.stat().st_mtime) // 86_400


def _log(origin: str) -> str:
    return _UNSAFE.sub("-", origin)
