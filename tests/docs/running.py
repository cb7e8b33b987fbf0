"""Runs the examples of a document in their order, as somebody would who follows it."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANY = "..."
KEPT = "state.sh"


@dataclass
class Terminal:
    """A folder and an environment; what a block of shell sets and enters holds for those after."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, language: str, text: str) -> str:
        """Run one block; what it printed. It must succeed."""
        command = self._shell(text) if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(
            command,
            cwd=self.environment.get("PWD", self.folder),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        if language == "sh":
            self._remember()
        return done.stdout

    def _shell(self, text: str) -> list[str]:
        return ["bash", "-euo", "pipefail", "-c", f"set -a\n{text}\nenv -0 > {self.folder / KEPT}"]

    def _remember(self) -> None:
        entries = (self.folder / KEPT).read_bytes().split(b"\0")
        pairs = (entry.decode().partition("=") for entry in entries if entry)
        self.environment = {name: value for name, _, value in pairs}


def agrees(printed: str, expected: str, language: str) -> str:
    """Why the output is not what the document shows; empty where it is.

    `...` stands for anything; objects may have more fields than are shown.
    """
    if language == "text":
        return _text_differs(printed, expected)
    found, shown = _values(printed), _values(expected)
    if len(found) != len(shown):
        return f"{len(found)} values were printed, {len(shown)} are shown: {printed}"
    return next(filter(None, map(_differs, found, shown)), "")


def _text_differs(printed: str, expected: str) -> str:
    lines, shown = printed.strip().splitlines(), expected.strip().splitlines()
    if len(lines) != len(shown):
        return f"{len(lines)} lines were printed, {len(shown)} are shown: {printed}"
    for line, pattern in zip(lines, shown, strict=True):
        if not re.fullmatch(re.escape(pattern).replace(r"\.\.\.", ".+"), line.strip()):
            return f"{line!r} was printed, {pattern!r} is shown"
    return ""


def _values(text: str) -> list[Any]:
    """One JSON value after the other."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def _differs(found: Any, shown: Any, where: str = "") -> str:
    if isinstance(shown, str) and ANY in shown:
        pattern = re.escape(shown).replace(r"\.\.\.", ".*")
        return "" if re.fullmatch(pattern, str(found), re.DOTALL) else f"{where} is {found!r}"
    if isinstance(shown, Mapping) and isinstance(found, Mapping):
        missing = [name for name in shown if name not in found]
        if missing:
            return f"{where} has no {', '.join(missing)}"
        parts = (_differs(found[name], shown[name], f"{where}.{name}") for name in shown)
        return next(filter(None, parts), "")
    if isinstance(shown, list) and isinstance(found, list) and len(shown) == len(found):
        parts = (_differs(*pair, f"{where}[]") for pair in zip(found, shown, strict=True))
        return next(filter(None, parts), "")
    return "" if found == shown else f"{where} is {found!r}, the document says {shown!r}"
