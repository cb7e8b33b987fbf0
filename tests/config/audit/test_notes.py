"""Signed notes and checkpoints, by the published vector of golang.org/x/mod/sumdb/note."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from config.audit import notes

NAME = "PeterNeumann"
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    f"{TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfq"
    "dngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = Ed25519PublicKey.from_public_bytes(base64.b64decode(VERIFIER.split("+", 2)[2])[1:])


def test_reads_the_published_note() -> None:
    note = notes.parse(NOTE)

    assert note.text == TEXT
    assert note.verified_by(NAME, KEY)
    assert notes.verifier_key(NAME, KEY) == VERIFIER


def test_refuses_a_note_that_was_altered() -> None:
    assert not notes.parse(NOTE.replace("cryptography", "typography")).verified_by(NAME, KEY)
    assert not notes.parse(NOTE).verified_by("Another", KEY)


def test_signs_with_several_keys() -> None:
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

    note = notes.parse(notes.sign(TEXT, "log/a", old, new))

    assert note.verified_by("log/a", old.public_key())
    assert note.verified_by("log/a", new.public_key())


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb"])
def test_refuses_names_that_the_format_has_no_place_for(name: str) -> None:
    with pytest.raises(notes.NoteError):
        notes.sign(TEXT, name, Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n",
        "a\n\n",
        "a\n\n— b\n",
        "a\n\n— b !!\n",
        "a\n\n— b AA==\n",
        "a\n\nb AAAAAAAA\n",
        "a\n\n— b c d\n",
    ],
)
def test_refuses_what_is_no_note(note: str) -> None:
    with pytest.raises(notes.NoteError):
        notes.parse(note)


def test_reads_its_own_checkpoints() -> None:
    head = notes.TreeHead("watchbill/1", 12, bytes(range(32)))

    assert notes.tree_head(head.text()) == head
    assert notes.tree_head(head.text() + "an extension\n") == head


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "\n1\nAA==\n",
        "a\nx\nAA==\n",
        "a\n01\nAA==\n",
        "a\n-1\nAA==\n",
        "a\n1\nAA==\n",
        f"a\n{'9' * 5000}\nAA==\n",
    ],
)
def test_refuses_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(notes.NoteError):
        notes.tree_head(text)
