"""Signed notes and tlog checkpoints (C2SP signed-note and tlog-checkpoint), with Ed25519."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
DASH = "— "  # the em dash that begins a signature line


class NoteError(ValueError):
    """The text is no signed note, or no checkpoint."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who signed, with which key."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text with its signatures; nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def verified_by(self, name: str, key: Ed25519PublicKey) -> bool:
        """Whether one of the signatures is this key's, and holds."""
        wanted = key_id(name, key)
        for each in self.signatures:
            if each.name == name and each.key_id == wanted:
                return holds(key, each.signature, self.text.encode())
        return False


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint's text says: the log's origin, the tree's size and root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def raw_key(key: Ed25519PublicKey) -> bytes:
    """The 32 bytes of a public key."""
    return key.public_bytes_raw()


def key_id(name: str, key: Ed25519PublicKey) -> bytes:
    """The first four bytes of SHA-256 over name, newline, algorithm and key."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + raw_key(key)).digest()[:4]


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """The public key in the text form that other tools of this format read."""
    encoded = base64.b64encode(ED25519 + raw_key(key)).decode()
    return f"{name}+{key_id(name, key).hex()}+{encoded}"


def holds(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether the raw signature over the message is the key's."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def sign(text: str, name: str, *keys: Ed25519PrivateKey) -> str:
    """The signed note: text, blank line, one signature line a key."""
    if not text.endswith("\n") or "\n" in name or " " in name or "+" in name or not name:
        raise NoteError("a note ends in a newline, and a key's name has no spaces and no plus")
    blobs = [key_id(name, key.public_key()) + key.sign(text.encode()) for key in keys]
    lines = [f"{DASH}{name} {base64.b64encode(blob).decode()}\n" for blob in blobs]
    return f"{text}\n{''.join(lines)}"


def parse(note: str) -> SignedNote:
    """Take a signed note apart. Raises `NoteError`."""
    text, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise NoteError("not a signed note: it needs a text, an empty line and signature lines")
    return SignedNote(f"{text}\n", tuple(_signature(line) for line in tail[:-1].split("\n")))


def tree_head(text: str) -> TreeHead:
    """Read a checkpoint's text, without its extension lines. Raises `NoteError`."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0]:
        raise NoteError("not a checkpoint: it needs origin, size and root")
    size = lines[1]
    if not (size.isascii() and size.isdigit()) or size != str(int(size[:20])):
        raise NoteError("not a checkpoint: the size is no decimal number")
    root = _decode(lines[2])
    if len(root) != 32:
        raise NoteError("not a checkpoint: the root is no SHA-256")
    return TreeHead(lines[0], int(size), root)


def _signature(line: str) -> Signature:
    parts = line.removeprefix(DASH).split(" ")
    if not line.startswith(DASH) or len(parts) != 2 or not parts[0]:
        raise NoteError("not a signed note: a signature line is malformed")
    blob = _decode(parts[1])
    if len(blob) < 5:
        raise NoteError("not a signed note: a signature is too short")
    return Signature(parts[0], blob[:4], blob[4:])


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not a signed note: invalid base64") from error
