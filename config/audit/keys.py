"""The log's signing key: a file outside the database, its public half, and its successors."""

import base64
import contextlib
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import transaction

from config.audit import notes
from config.audit.models import SigningKey

SUCCESSION = "watchbill signing key succession"


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


def own_keys() -> list[Ed25519PublicKey]:
    """The present public key and those that it succeeded, as far as their files are kept."""
    kept = sorted(private_path().parent.glob(f"{private_path().stem}.*.pub.pem"))
    return [public_key(), *(load_public(path) for path in kept)]


def rotate(origin: str, *, using: str = "default") -> Ed25519PublicKey:
    """Make a new key, have the old one and itself sign the succession, and put it in place.

    The statement is a ledgered row. The old private key is removed, its public half kept.
    """
    path = private_path()
    old, new = signing_key(), Ed25519PrivateKey.generate()
    old_id = notes.key_id(origin, old.public_key()).hex()
    waiting = path.with_suffix(".next.pem")
    waiting.unlink(missing_ok=True)
    _write_once(waiting, _private_pem(new))
    with transaction.atomic(using=using):
        _record_succession(origin, old, new, using)
    # After the commit. Killed in between: the sealer says to move signing.next.pem into place.
    public_path().replace(path.with_suffix(f".{old_id}.pub.pem"))
    waiting.replace(path)
    _write_once(public_path(), public_pem(new.public_key()), mode=0o644)
    return new.public_key()


def _record_succession(
    origin: str, old: Ed25519PrivateKey, new: Ed25519PrivateKey, using: str
) -> None:
    publics = [old.public_key(), new.public_key()]
    lines = [SUCCESSION, origin, *(_text(key) for key in publics)]
    SigningKey.objects.using(using).create(
        key_id=notes.key_id(origin, publics[1]).hex(),
        public_key=publics[1].public_bytes_raw(),
        statement=notes.sign("\n".join(lines) + "\n", origin, old, new),
    )


def trusted(present: Ed25519PublicKey, *, using: str = "default") -> list[Ed25519PublicKey]:
    """The present key, and each older one whose succession leads to it, newest first."""
    keys = [present]
    statements = SigningKey.objects.using(using).order_by("-id").values_list("statement", flat=True)
    for statement in statements.iterator():
        older = _predecessor(statement, keys[-1])
        if older is not None:
            keys.append(older)
    return keys


def _predecessor(statement: str, key: Ed25519PublicKey) -> Ed25519PublicKey | None:
    """The key before, if this is the statement that both signed."""
    try:
        note = notes.parse(statement)
        heading, origin, old, new = note.text.splitlines()
        older = Ed25519PublicKey.from_public_bytes(base64.b64decode(old))
    except ValueError:
        return None
    if heading != SUCCESSION or new != _text(key):
        return None
    signed = note.verified_by(origin, key) and note.verified_by(origin, older)
    return older if signed else None


def _text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()


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
        fresh.write_bytes(content)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
    finally:
        fresh.unlink()
