"""Checks an export pack as the zip that it is, without trusting any of its bytes."""

import hashlib
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.audit import pack_format as form
from config.audit.verify_pack_template import Bad, Result, check

MEMBERS = 2000
BOMB_SIZE = 64 * 1024 * 1024
BOMB_RATIO = 300  # evidence compresses 5 to 60 times
CHUNK = 1 << 20
END, END_LENGTH = b"PK\x05\x06", 22  # the record at a zip's end
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def check_pack(path: Path, trusted: Mapping[bytes, int | None]) -> Result:
    """Everything in the pack, against its manifest, its checkpoint, and the raw public keys.

    Each key comes with the size of the log up to which it may have signed; None: any.
    """
    try:
        with zipfile.ZipFile(path) as container:
            if problems := list(_container(container)):
                result = Result()
                result.problems += problems
                return result
            result = check(_Zip(container), list(trusted))
            intact = _is_whole(path, container.comment)
            if (until := trusted.get(result.key)) is not None and result.size > until:
                text = f"was succeeded at size {until}, and signed a log of size {result.size}"
                result.add(Bad("public_key.pem", text))
    except (*UNREADABLE, ValueError) as error:
        result = Result()
        result.add(Bad(path.name, f"is no readable zip: {error}"))
        return result
    if not intact and not result.problems:
        result.add(Bad(path.name, "was altered, though not within one of its files"))
    return result


class _Zip:
    """The pack's files in the zip."""

    def __init__(self, container: zipfile.ZipFile) -> None:
        self._container = container

    def names(self) -> list[str]:
        return sorted(self._container.namelist())

    def open(self, name: str) -> Any:
        return _Member(self._container, name)


class _Member:
    """One file, whose read errors name it."""

    def __init__(self, container: zipfile.ZipFile, name: str) -> None:
        self._name = name
        with _named(name):
            self._file = container.open(name)

    def __enter__(self) -> "_Member":
        return self

    def __exit__(self, *failed: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        with _named(self._name):
            return self._file.read(size)

    def readline(self, limit: int) -> bytes:
        with _named(self._name):
            return self._file.readline(limit)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise Bad(name, f"was altered: {error}") from error


def _container(container: zipfile.ZipFile) -> Iterator[Bad]:
    """What is wrong with the list of files, before any is unpacked."""
    members = container.infolist()
    if len(members) > MEMBERS:
        yield Bad("the zip", f"has {len(members)} files")
        return
    for name, count in Counter(each.filename for each in members).items():
        if count > 1:
            yield Bad(name, "is in the zip twice")
        if name not in form.FIXED and not form.DATA.fullmatch(name):
            yield Bad(name, "doesn't belong in an export pack")
    names = {each.filename for each in members}
    yield from (Bad(name, "is missing") for name in form.FIXED if name not in names)
    for each in members:
        if each.flag_bits & 1:
            yield Bad(each.filename, "is encrypted")
        if each.file_size > BOMB_SIZE and each.file_size > BOMB_RATIO * each.compress_size:
            yield Bad(each.filename, "unpacks to far more than evidence would")


def _is_whole(path: Path, comment: bytes) -> bool:
    """The zip ends with the SHA-256 of all before it; one packed again by hand, with nothing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if not comment:
            file.seek(-END_LENGTH, io.SEEK_END)
            return file.read(4) == END
        digest = hashlib.sha256()
        remaining = size - 64
        while remaining > 0 and (chunk := file.read(min(CHUNK, remaining))):
            digest.update(chunk)
            remaining -= len(chunk)
        expected = form.COMMENT + digest.hexdigest().encode()
        return comment == expected and file.read() == expected[-64:]
