"""The signing key: made once, kept closed, never replaced by accident."""

import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.audit import keys
from config.audit.models import Checkpoint
from config.audit.sealing import SealRefused, seal
from tests.config.audit import make
from tests.config.audit.conftest import Superuser


def test_makes_a_key_that_only_we_can_read(log_files: Path) -> None:
    key = keys.signing_key()

    assert stat.S_IMODE(keys.private_path().stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.private_path().parent.stat().st_mode) == 0o700
    assert keys.public_key().public_bytes_raw() == key.public_key().public_bytes_raw()
    assert keys.signing_key().private_bytes_raw() == key.private_bytes_raw()


def test_makes_one_key_when_many_begin_at_once(log_files: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = {key.private_bytes_raw() for key in pool.map(lambda _: keys.signing_key(), range(8))}

    assert len(made) == 1


def test_publishes_a_key_that_openssl_reads(log_files: Path) -> None:
    keys.signing_key()

    shown = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(keys.public_path()), "-noout", "-text"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ED25519 Public-Key" in shown.stdout


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\n"])
def test_says_what_is_wrong_with_a_key_file(log_files: Path, content: bytes) -> None:
    keys.private_path().parent.mkdir()
    keys.private_path().write_bytes(content)

    with pytest.raises(keys.KeyProblem, match=r"signing\.pem"):
        keys.signing_key()


def test_refuses_a_key_of_another_kind(log_files: Path) -> None:
    keys.private_path().parent.mkdir()
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed448", "-out", str(keys.private_path())], check=True
    )

    with pytest.raises(keys.KeyProblem, match="no Ed25519 key"):
        keys.signing_key()


def test_does_not_seal_with_a_key_that_nobody_introduced(vandal: Superuser) -> None:
    make.event()
    seal()
    keys.private_path().unlink()
    keys.public_path().unlink()
    make.event()

    with pytest.raises(SealRefused, match="is not the one that signed so far"):
        seal()

    assert Checkpoint.objects.count() == 1


def test_makes_no_second_key_where_the_first_one_went_missing(log_files: Path) -> None:
    keys.signing_key()
    keys.private_path().unlink()

    with pytest.raises(keys.KeyProblem, match="is gone"):
        keys.signing_key()

    assert not keys.private_path().exists()
