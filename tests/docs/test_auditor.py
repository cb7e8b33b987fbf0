"""docs/auditor.md: the checks of a pack run as they stand, on a real one."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from config.audit import keys
from config.audit.rotation import rotate
from tests.config.audit import make
from tests.config.audit.test_packs_across_keys import packed
from tests.docs.markdown import document
from tests.docs.running import Terminal, agrees

pytestmark = pytest.mark.usefixtures("fresh_db")


@pytest.fixture
def terminal(settings: Any, tmp_path: Path) -> Terminal:
    """A pack, and the public key that the auditor was given."""
    settings.SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    make.events(3)
    packed(tmp_path)
    shutil.copy(keys.public_path(), tmp_path / "given.pem")
    return Terminal(tmp_path, {"PATH": os.environ["PATH"]})


def test_shows_how_a_pack_is_checked(terminal: Terminal) -> None:
    printed, ran = "", 0
    for block in document("docs/auditor.md").blocks():
        if block.is_answer:
            complaint = agrees(printed, block.text, block.language)
            assert not complaint, f"docs/auditor.md, line {block.line}: {complaint}"
        elif block.language == "sh":
            printed, ran = terminal.run("sh", block.text), ran + 1

    assert ran == 2


def test_says_what_an_older_key_shows(terminal: Terminal) -> None:
    rotate()
    packed(terminal.folder)
    checks = document("docs/auditor.md").blocks()[0].text

    printed = terminal.run("sh", checks.replace("../given.pem -rawin", "public_key.pem -rawin"))

    assert "public_key.pem succeeded the key that you trust" in printed
