"""The log's signing key: a file outside the database, its public half, and those before it.

`config.audit.succession` says how one key hands over to the next.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from config.files import sync_folder


class KeyProblem(RuntimeError):
    """The key can't be used as it is; the text says what to do."""


def private_path() -> Path:
    """The file of WATCHBILL_SIGNING_KEY."""
    return Path(settings.SIGNING_KEY)


def public_path() -> Path:
    """The public key, for whoever checks exports and checkpoints."""
    return private_path().with_suffix(".pub.pem")


def signing_key() -> Ed25519PrivateKey:
    """The key that signs, made on first use: mode 0600, its public half as PEM beside it."""
    path = private_path()
    if not path.exists():
        if public_path().exists():
            raise KeyProblem(f"{path} is gone, and {public_path().name} still there. Put it back.")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(path, _private_pem(Ed25519PrivateKey.generate()))
    key = _load_private(path)
    if not public_path().exists():
        # Without it verification would have nothing to trust; never overwritten here.
        with contextlib.suppress(PermissionError):
            _write_once(public_path(), public_pem(key.public_key()), mode=0o644)
    return key


def public_key() -> Ed25519PublicKey:
    """The key that this installation is known by. Never makes one. Raises `KeyProblem`."""
    if public_path().exists():
        return load_public(public_path())
    if private_path().exists():
        return _load_private(private_path()).public_key()
    raise KeyProblem(
        f"There is no key at {public_path()}. Set WATCHBILL_SIGNING_KEY to the key's file, or put "
        f"the public key there."
    )


def load_public(path: Path) -> Ed25519PublicKey:
    """Read a public key in PEM form. Raises `KeyProblem`."""
    try:
        return parse_public(path.read_bytes())
    except OSError as error:
        raise KeyProblem(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise KeyProblem(f"{path} is not an Ed25519 public key in PEM form") from error


def parse_public(pem: bytes) -> Ed25519PublicKey:
    """Raises `ValueError` where it is no Ed25519 public key."""
    try:
        key = serialization.load_pem_public_key(pem)
    except UnsupportedAlgorithm as error:
        raise ValueError("unknown algorithm") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not Ed25519")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The form that openssl reads."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Nobody else on this machine changes the key files meanwhile."""
    folder = os.open(private_path().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def next_path() -> Path:
    """The key that is about to succeed the present one, until it has taken its place."""
    return private_path().with_suffix(".next.pem")


def make_next() -> Ed25519PrivateKey:
    """A fresh key in `next_path`, safe from a power cut; one that was never introduced goes."""
    next_path().unlink(missing_ok=True)
    key = Ed25519PrivateKey.generate()
    _write_once(next_path(), _private_pem(key))
    sync_folder(next_path().parent)
    return key


def next_key() -> Ed25519PrivateKey | None:
    """The key that waits in `next_path`."""
    return _load_private(next_path()) if next_path().exists() else None


def install_next(old: Ed25519PublicKey, old_id: str, statement: str) -> None:
    """Put the next key in place; of the old one the public half and the statement are kept.

    At no moment is a file missing, and killed in between it can be done again.
    """
    key = next_key()
    if key is None:
        raise KeyProblem(f"There is no key at {next_path()}.")
    _replace(statement_path(old_id), statement.encode())
    _replace(private_path().with_suffix(f".{old_id}.pub.pem"), public_pem(old))
    _replace(public_path(), public_pem(key.public_key()))
    next_path().replace(private_path())
    sync_folder(private_path().parent)


def statement_path(old_id: str) -> Path:
    """Where the statement is kept by which the key of that id was succeeded."""
    return private_path().with_suffix(f".{old_id}.succession.txt")


def kept_statements() -> list[str]:
    """The statements of successions that are kept beside the key."""
    found = private_path().parent.glob(f"{private_path().stem}.*.succession.txt")
    return [path.read_text(encoding="utf-8", errors="replace") for path in sorted(found)]


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _load_private(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyProblem(f"{path} can't be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyProblem(f"{path} is not a private key in PEM form without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{path} is no Ed25519 key: openssl genpkey -algorithm ed25519 makes one")
    return key


def _write_once(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Whole or not at all; of two processes that race, the first one's content stands."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=mode)
    try:
        _write(fresh, content)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
    finally:
        fresh.unlink()


def _replace(path: Path, content: bytes) -> None:
    """A public file, whole: readers see the old one or the new one."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o644)
    _write(fresh, content)
    fresh.replace(path)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
