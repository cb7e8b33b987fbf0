"""Export packs before and after a rotation, checked by whoever holds an older or a newer key."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.audit import keys, succession
from config.audit.models import LedgerEntry
from config.audit.packing import PackWriter
from config.audit.rotation import rotate
from config.audit.sealing import seal
from tests.config.audit import make
from tests.config.audit.test_packing import run, standalone, unpacked

pytestmark = pytest.mark.usefixtures("fresh_db")
SUCCEEDED = "public_key.pem succeeded the key that you trust"


@pytest.fixture
def first_key(log_files: Path) -> Path:
    """The public key that an auditor was given before anything was rotated."""
    make.event()
    seal()
    return Path(shutil.copy(keys.public_path(), log_files / "given.pem"))


def packed(folder: Path, name: str = "pack") -> Path:
    row = make.event()
    path = folder / f"{name}.zip"
    with PackWriter(path, about={}) as pack:
        entry = LedgerEntry.objects.get(table_name="config_event", row_key=str(row.pk))
        pack.add_entries([entry.seq])
    return path


def test_are_trusted_by_who_holds_an_older_key(first_key: Path, tmp_path: Path) -> None:
    rotate()
    rotate()
    pack = packed(tmp_path)
    folder = unpacked(pack, tmp_path / "unpacked")

    alone = standalone(folder, "--key", str(first_key))

    assert (alone.returncode, alone.stderr) == (0, "")
    assert SUCCEEDED in alone.stdout
    assert run(pack, "--key", str(first_key))[0] == 0
    assert SUCCEEDED not in standalone(folder, "--key", str(keys.public_path())).stdout


def test_are_still_ours_when_they_were_signed_before(first_key: Path, tmp_path: Path) -> None:
    pack = packed(tmp_path)
    rotate()

    assert run(pack)[0] == 0
    assert standalone(unpacked(pack, tmp_path / "x"), "--key", str(first_key)).returncode == 0


def test_are_not_trusted_by_who_holds_a_strangers_key(first_key: Path, tmp_path: Path) -> None:
    rotate()
    pack = packed(tmp_path)
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(keys.public_pem(Ed25519PrivateKey.generate().public_key()))

    code, report = run(pack, "--key", str(stranger))

    assert (code, report["problems"]) == (
        1,
        [{"file": "public_key.pem", "detail": "is not the key that you trust"}],
    )
    alone = standalone(unpacked(pack, tmp_path / "x"), "--key", str(stranger))
    assert (alone.returncode, "is not the key that you trust" in alone.stdout) == (1, True)


def test_are_found_out_when_an_old_key_signs_later(
    first_key: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    """With every check of the product out of the way: what a thief's own program would write."""
    thief = keys.signing_key()
    made = rotate()

    with monkeypatch.context() as patch:
        patch.setattr(keys, "signing_key", lambda: thief)
        patch.setattr(succession, "complaint", lambda *given, **using: None)
        pack = packed(tmp_path)

    code, report = run(pack)
    assert code == 1
    assert report["problems"][0]["file"] == "public_key.pem"
    assert f"was succeeded at size {made.size}" in report["problems"][0]["detail"]


@pytest.mark.parametrize(
    "altered",
    [
        lambda statements: [],
        lambda statements: [each.replace("succession", "x") for each in statements],
        lambda statements: [each.split("\n\n")[0] + "\n\n" for each in statements],
        lambda statements: ["nonsense"],
        lambda statements: [5],
        lambda statements: 5,
    ],
)
def test_are_not_trusted_by_a_statement_that_does_not_hold(
    first_key: Path, tmp_path: Path, monkeypatch: Any, altered: Any
) -> None:
    rotate()
    real = succession.statements
    monkeypatch.setattr(
        succession, "statements", lambda *given, **using: altered(real(*given, **using))
    )
    pack = packed(tmp_path)

    assert run(pack, "--key", str(first_key))[0] == 1
    alone = standalone(unpacked(pack, tmp_path / "x"), "--key", str(first_key))
    assert (alone.returncode, alone.stderr) == (1, "")
