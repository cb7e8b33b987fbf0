"""docs/operate/: units, rules, dashboard, roles and examples fit the product and each other."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import figures
from config.audit.grants import PURGE_ROLE
from config.metrics import Histogram, registered
from config.variables import VARIABLES
from tests.docs.markdown import ROOT, document

FOLDER = ROOT / "docs" / "operate"
UNITS = sorted((FOLDER / "systemd").iterdir())
SELECTOR = re.compile(r"watchbill_([a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\bby \(([^)]*)\)")

__all__ = ["figures"]  # it registers the platform's metrics


class Unit(ConfigParser):
    """A unit file; keys keep their case, and the last of several counts."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser advises
        self.read(path)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_are_units_whose_programs_exist(path: Path) -> None:
    unit = Unit(path)

    assert unit["Unit"]["Description"].startswith("Watchbill")
    if path.suffix == ".service":
        assert re.search(
            r"/opt/watchbill/\.venv/bin/python (-m config\.web --fd 3|manage\.py [a-z_]+)",
            unit["Service"]["ExecStart"],
        )
        assert unit["Service"]["WorkingDirectory"] == "/opt/watchbill"
        assert unit["Service"]["NoNewPrivileges"] == "yes"


def test_gives_the_owners_password_to_the_backup_alone() -> None:
    readers = {path.name for path in UNITS if "owner.env" in path.read_text()}

    assert readers == {"watchbill-backup.service"}
    assert Unit(FOLDER / "systemd" / "watchbill-backup.service")["Service"]["User"] == "root"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_are_units_that_systemd_takes(tmp_path: Path) -> None:
    for path in UNITS:
        text = path.read_text().replace("/opt/watchbill/.venv/bin/python", "/usr/bin/env")
        (tmp_path / path.name.replace("@.", "@8001.")).write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )

    complaints = [line for line in done.stderr.splitlines() if "watchbill" in line]
    assert (done.returncode, complaints) == (0, [])


def samples() -> dict[str, set[str]]:
    """Every sample that /metrics can have, with its labels."""
    found: dict[str, set[str]] = {}
    for each in registered():
        labels = set(each.labels)
        if isinstance(each, Histogram):
            found |= {f"{each.name}_{end}": labels for end in ("sum", "count")}
            found[f"{each.name}_bucket"] = labels | {"le"}
        else:
            found[each.name] = labels
    return found


def rules() -> list[dict[str, Any]]:
    content = yaml.safe_load((FOLDER / "prometheus" / "watchbill.rules.yml").read_text())
    return [rule for group in content["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in json.loads((FOLDER / "grafana.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_asks_for_figures_that_exist(expression: str) -> None:
    known, labels = samples(), set()
    for name, matchers in SELECTOR.findall(expression):
        assert name in known
        labels |= known[name]
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= known[name]
    for group in GROUPED.findall(expression):
        assert {each.strip() for each in group.split(",")} <= labels


def test_says_what_to_do_about_each_alarm() -> None:
    alarms = [rule["alert"] for rule in rules()]

    told = re.findall(
        r"^\| (Watchbill[A-Za-z]+) \|", document("docs/operate.md").text, re.MULTILINE
    )
    assert told == sorted(set(told), key=told.index)
    assert set(told) == set(alarms)
    assert {rule["labels"]["severity"] for rule in rules()} == {"page", "ticket"}


def test_shows_every_figure_on_the_dashboard() -> None:
    asked = {name for expression in expressions() for name, _ in SELECTOR.findall(expression)}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}

    assert {each.name for each in registered()} - shown == set()


@pytest.mark.parametrize("name", ["watchbill.env", "owner.env"])
def test_sets_variables_that_exist(name: str) -> None:
    lines = (FOLDER / name).read_text().splitlines()
    named = {match[1] for line in lines if (match := re.match(r"#? ?([A-Z_]+)=", line))}

    assert named <= {each.name for each in VARIABLES}
    for line in lines:
        if line and not line.startswith("#"):
            assert re.fullmatch(r"[A-Z_]+='[^']+'", line), "both systemd and the shell read it"


def test_makes_the_roles_that_the_guide_shows() -> None:
    statements = re.sub(r"^--.*\n", "", (FOLDER / "roles.sql").read_text(), flags=re.MULTILINE)

    shown = [
        block.text for block in document("docs/operate.md").blocks() if block.language == "sql"
    ]
    assert shown == [statements]
    assert f"CREATE ROLE {PURGE_ROLE} NOLOGIN;" in statements


def test_runs_manage_in_the_installations_environment(tmp_path: Path) -> None:
    """The script that stands for manage.py: settings of both files, and whose account it takes."""
    (tmp_path / "watchbill.env").write_text("A='smtp://u:p@h?x=1&y=2'\n")
    (tmp_path / "owner.env").write_text("B='owner'\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$A|${B:-}|$*"\n')
    runuser = tmp_path / "runuser"
    runuser.write_text('#!/bin/sh\necho "as $2"; shift 3; exec "$@"\n')
    for program in (python, runuser):
        program.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "WATCHBILL_HOME": str(tmp_path),
        "WATCHBILL_SETTINGS": str(tmp_path),
    }

    def run(*args: str) -> str:
        command = [str(FOLDER / "watchbill-manage"), *args]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert (
        run("doctor", "--json") == "as watchbill\nsmtp://u:p@h?x=1&y=2||manage.py doctor --json\n"
    )
    assert run("--owner", "migrate") == "smtp://u:p@h?x=1&y=2|owner|manage.py migrate\n"
