"""A key hands over to the next under both signatures, and signs nothing unnoticed from then on."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.audit import keys, notes, outside, succession
from config.audit.models import Checkpoint, SigningKey
from config.audit.packing import PackRefused, PackWriter
from config.audit.rotation import rotate
from config.audit.sealing import SealRefused, seal, sealed_line
from config.audit.succession import Succession
from config.audit.verify import CouldNotCheck, verify
from tests.config.audit import make
from tests.config.audit.conftest import Superuser

pytestmark = pytest.mark.usefixtures("fresh_db", "log_files")


def sealed(count: int = 1) -> Checkpoint:
    make.events(count)
    checkpoint = seal()
    assert checkpoint
    return checkpoint


def raw(made: Succession) -> tuple[bytes, bytes]:
    return notes.raw_key(made.older), notes.raw_key(made.newer)


def test_hands_over_under_two_signatures() -> None:
    first = sealed(2)
    old = notes.raw_key(keys.public_key())

    made = rotate()

    assert raw(made) == (old, notes.raw_key(keys.public_key()))
    assert (made.size, made.origin, made.older_id) == (first.size, first.origin, first.key_id)
    assert bytes(SigningKey.objects.get().public_key) == raw(made)[1]
    last = Checkpoint.objects.latest("pk")
    assert (last.pk, last.key_id, last.size) == (first.pk + 1, made.newer_id, first.size + 1)
    assert [notes.raw_key(key) for key in succession.signers(keys.public_key()).keys] == [
        raw(made)[1],
        old,
    ]
    assert verify().ok


def test_seals_what_waits_with_the_old_key() -> None:
    sealed()
    make.events(3)

    made = rotate()

    assert made.size == Checkpoint.objects.get(key_id=made.older_id, pk=2).size
    assert Checkpoint.objects.filter(key_id=made.newer_id).count() == 1


def test_keeps_of_the_old_key_what_is_public() -> None:
    sealed()
    private = keys.private_path().read_bytes()

    made = rotate()

    folder = keys.private_path().parent
    assert keys.load_public(folder / f"signing.{made.older_id}.pub.pem") == made.older
    assert keys.statement_path(made.older_id).read_text() == made.note
    assert not keys.next_path().exists()
    assert stat.S_IMODE(keys.private_path().stat().st_mode) == 0o600
    assert private not in [path.read_bytes() for path in folder.iterdir()]
    assert keys.signing_key().public_key() == made.newer


def test_verifies_across_several_rotations() -> None:
    for _ in range(3):
        sealed()
        rotate()
    sealed()

    report = verify()

    assert (report.first_broken, report.problems) == (None, [])
    assert len(succession.signers(keys.public_key()).keys) == 4
    assert succession.kept_signers().limits() == succession.signers(keys.public_key()).limits()


def test_refuses_before_anything_is_recorded() -> None:
    with pytest.raises(SealRefused, match="simply be replaced"):
        rotate()

    assert not keys.next_path().exists()


# --- who kept a copy of the old key


def resign(number: int, key: Ed25519PrivateKey) -> dict[str, Any]:
    """The checkpoint of that number as this key would have signed it."""
    seal_row = Checkpoint.objects.get(pk=number)
    head = notes.TreeHead(seal_row.origin, seal_row.size, bytes(seal_row.root))
    text = head.text() + sealed_line(seal_row.sealed_at)
    key_id = notes.key_id(seal_row.origin, key.public_key()).hex()
    return {"note": notes.sign(text, seal_row.origin, key), "key_id": key_id, "id": number}


@contextmanager
def forged(vandal: Superuser, number: int, key: Ed25519PrivateKey) -> Iterator[None]:
    before = Checkpoint.objects.get(pk=number)
    update = "UPDATE audit_checkpoint SET note = %(note)s, key_id = %(key_id)s WHERE id = %(id)s"
    vandal.execute(update, resign(number, key))
    yield
    vandal.execute(update, {"note": before.note, "key_id": before.key_id, "id": number})


def test_finds_every_checkpoint_that_an_old_key_signed_after_its_time(vandal: Superuser) -> None:
    stolen: list[tuple[Ed25519PrivateKey, int]] = []
    for _ in range(3):
        sealed()
        sealed()
        key = keys.signing_key()
        stolen.append((key, rotate().size))
        sealed()
    checkpoints = list(Checkpoint.objects.order_by("pk"))
    assert verify().ok

    tried = 0
    for key, end in stolen:
        for each in checkpoints:
            if each.size <= end:
                continue
            with forged(vandal, each.pk, key):
                found = verify().first_broken
            assert found
            assert (found.kind, found.key) == ("checkpoint_altered", str(each.pk))
            assert found.detail == "a key that had been succeeded signed the checkpoint"
            tried += 1

    assert tried == 10 + 6 + 2
    assert verify().ok


def rewind(vandal: Superuser, made: Succession) -> None:
    """Take everything away that came after the old key's last checkpoint."""
    vandal.execute("DELETE FROM audit_checkpoint WHERE size > %s", [made.size])
    vandal.execute(
        "WITH gone AS (DELETE FROM audit_leaf WHERE index >= %s RETURNING seq),"
        " entries AS (DELETE FROM audit_ledger e USING gone WHERE e.seq = gone.seq)"
        " DELETE FROM audit_salt s USING gone WHERE s.seq = gone.seq",
        [made.size],
    )
    vandal.execute("DELETE FROM audit_signing_key")
    for path in outside.folder().iterdir():
        path.unlink()


def test_finds_a_log_that_an_old_key_began_again(vandal: Superuser, monkeypatch: Any) -> None:
    sealed()
    key = keys.signing_key()
    made = rotate()
    rewind(vandal, made)

    with monkeypatch.context() as patch:
        patch.setattr(keys, "signing_key", lambda: key)
        make.event()
        assert seal()

    found = verify().first_broken
    assert found
    assert found.kind == "checkpoint_altered"
    with pytest.raises(SealRefused, match="not the one that signed so far"):
        seal_another()


def seal_another() -> None:
    make.event()
    seal()


def test_does_not_go_on_where_the_statement_was_entered_again_later(
    vandal: Superuser, monkeypatch: Any
) -> None:
    """The thief rewrites what came after the rotation, then hands the log back to the new key."""
    sealed()
    key = keys.signing_key()
    made = rotate()
    rewind(vandal, made)
    with monkeypatch.context() as patch:
        patch.setattr(keys, "signing_key", lambda: key)
        make.events(3)
        assert seal()

    SigningKey.objects.create(key_id=made.newer_id, public_key=raw(made)[1], statement=made.note)

    with pytest.raises(SealRefused, match="not the one that signed so far"):
        seal()
    assert verify().first_broken


def test_trusts_no_statement_that_only_one_key_signed(vandal: Superuser) -> None:
    sealed()
    old = keys.signing_key()
    made = rotate()
    sealed()
    lines = notes.parse(made.note).text.replace(f"\n{made.size}\n", "\n999999\n")
    vandal.execute(
        "UPDATE audit_signing_key SET statement = %s", [notes.sign(lines, made.origin, old)]
    )

    found = verify().first_broken

    assert found
    assert (found.kind, found.key) == ("checkpoint_altered", "1")


@pytest.mark.parametrize(
    "statement",
    ["", "nonsense", "a\nb\nc\nd\ne\n\n— x AAAAAAAAAA==\n", "watchbill signing key succession\n\n"],
)
def test_reads_no_nonsense_as_a_statement(statement: str) -> None:
    assert succession.read(statement) is None


def test_doubts_a_checkpoint_outside_that_an_old_key_signed_later() -> None:
    sealed()
    old = keys.signing_key()
    rotate()
    last = sealed()
    published = outside.newest(last.origin)
    assert published

    published.path.write_text(resign(last.pk, old)["note"])

    report = verify()
    assert report.first_broken is None
    assert len(report.problems) == 1
    assert "no key of this installation signed it" in report.problems[0]


# --- cut short, and other machines


class Killed(BaseException):
    """The process ends here."""


def test_is_brought_to_its_end_after_a_kill(monkeypatch: Any) -> None:
    sealed()

    with monkeypatch.context() as patch:
        patch.setattr(keys, "install_next", lambda *given: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            rotate()

    make.event()
    with pytest.raises(SealRefused, match="was cut short"):
        seal()
    made = rotate()
    assert SigningKey.objects.count() == 1
    assert raw(made)[1] == notes.raw_key(keys.public_key())
    assert seal()
    assert verify().ok


@pytest.mark.parametrize("point", range(4))
def test_leaves_no_file_missing_wherever_it_is_killed(monkeypatch: Any, point: int) -> None:
    sealed()
    steps = iter(range(10))
    replace = Path.replace

    def dying(path: Path, target: Path) -> Path:
        if next(steps) == point:
            raise Killed
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying)
        with pytest.raises(Killed):
            rotate()
        assert keys.private_path().exists()
        assert keys.public_path().exists()

    rotate()

    assert SigningKey.objects.count() == 1
    assert not keys.next_path().exists()
    assert keys.signing_key().public_key() == keys.public_key()
    sealed()
    assert verify().ok


def test_changes_nothing_where_the_log_refuses(monkeypatch: Any) -> None:
    first = sealed()
    before = keys.private_path().read_bytes()

    def fails(made: Succession) -> None:
        raise Killed

    with pytest.raises(Killed):
        rotate(fails)

    assert keys.private_path().read_bytes() == before
    assert (SigningKey.objects.count(), Checkpoint.objects.latest("pk").pk) == (0, first.pk)
    sealed()
    made = rotate()
    assert made.older_id == first.key_id
    assert verify().ok


@pytest.fixture
def elsewhere(log_files: Path, settings: Any) -> Path:
    """A second machine, which still has the old key after a rotation on the first one."""
    sealed()
    old = keys.private_path().read_bytes()
    rotate()
    settings.SIGNING_KEY = log_files / "elsewhere" / "signing.pem"
    settings.SIGNING_KEY.parent.mkdir()
    settings.SIGNING_KEY.touch(mode=0o600)
    settings.SIGNING_KEY.write_bytes(old)
    return log_files / "keys"


def test_signs_nothing_on_a_machine_with_the_old_key(elsewhere: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(PackRefused, match="was succeeded by"),
        PackWriter(tmp_path / "pack.zip", about={}),
    ):
        pytest.fail("it began")
    make.event()

    with pytest.raises(SealRefused, match="Copy that one here"):
        seal()
    with pytest.raises(CouldNotCheck, match="was succeeded by"):
        verify()


def test_goes_on_there_with_the_copied_key(elsewhere: Path) -> None:
    for path in elsewhere.iterdir():
        target = keys.private_path().parent / path.name
        target.write_bytes(path.read_bytes())

    sealed()
    assert verify().ok
