"""Rules about the source that no linter knows: names, lengths, doors to rows, foreign places."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("incidents", "escalation", "postmortems", "compliance")
CODE = ("config", *APPS, "fixtures", "tests")
LONGEST = 400
# What other codebases call the furniture of a room; here it is models, rules, operations, api,
# admin and handlers, so that whoever knows one room knows all. Words of the domain may join them.
OTHER_FURNITURE = {"actions", "constants", "enums", "filters", "listeners", "logic", "managers"}
OTHER_FURNITURE |= {"querysets", "receivers", "selectors", "serializers", "signals", "tasks"}
OTHER_FURNITURE |= {"schemas", "validators", "viewsets"}
COLLECTORS = {"apps", "models", "admin", "urls"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "mixins", "services"}
SKIPPED = {".git", ".venv", "var", "__pycache__", "node_modules"}
SKIPPED |= {".hypothesis"}
SKIPPED |= {f".{tool}_cache" for tool in ("mypy", "ruff", "pytest", "import_linter")}
TEXT = {
    ".py",
    ".sql",
    ".sh",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".html",
    ".js",
    ".css",
    ".lock",
    ".in",
    "",
}
# Written in pieces, so that this file is not what it looks for.
ELSEWHERE = re.compile(r"(?<![\w.$}~])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+)/|/opt/py" + r"pi")
UNTYPED_ANY = re.compile(r"ANY\(%" + r"s\)")
INDEX = re.compile(r"py" + r"pi\.org/simple|--(?:extra-)?index" + r"-url|files\.python" + r"hosted")


def source_files():
    return [
        path
        for folder in CODE
        for path in sorted((ROOT / folder).rglob("*.py"))
        if SKIPPED.isdisjoint(path.parts)
    ]


def text_files():
    for folder, folders, files in ROOT.walk():
        folders[:] = sorted(set(folders) - SKIPPED)
        yield from (folder / file for file in sorted(files) if Path(file).suffix in TEXT)


def rooms():
    return [
        path.parent
        for app in APPS
        for path in sorted((ROOT / app).glob("*/__init__.py"))
        if path.parent.name not in {"migrations", "management", "integrations"}
    ]


def named(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def test_keeps_files_short():
    long = [
        path
        for path in source_files()
        if "migrations" not in path.parts and len(path.read_text().splitlines()) > LONGEST
    ]

    assert named(long) == []


def test_names_nothing_after_nothing():
    assert (
        named(path for path in source_files() if FORBIDDEN_NAMES & {path.stem, *path.parts}) == []
    )


def test_furnishes_every_room_alike():
    strange = [
        each for room in rooms() for each in sorted(room.iterdir()) if each.stem in OTHER_FURNITURE
    ]

    assert named(strange) == []


def test_keeps_only_collectors_beside_the_rooms():
    strange = [
        path
        for app in APPS
        for path in sorted((ROOT / app).glob("*.py"))
        if path.stem not in COLLECTORS | {"__init__"}
    ]

    assert named(strange) == []


@pytest.mark.parametrize("edge", ["api", "admin"])
def test_opens_no_edge_to_all_rows(edge):
    edges = [path for path in source_files() if edge in {path.stem, path.parent.name}]
    open_doors = [
        path
        for path in edges
        if "tests" not in path.parts and re.search(r"\.objects\s*\.all\(", path.read_text())
    ]

    assert named(open_doors) == []


@pytest.mark.parametrize("pattern", [ELSEWHERE, INDEX], ids=["folders", "package indexes"])
def test_names_no_place_outside_the_project(pattern):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []


def test_compares_no_column_with_many_of_another_type():
    """Without their type a scan compares each row with each: 20,000 of them took 11 s, not 0.04."""
    untyped = [path for path in source_files() if UNTYPED_ANY.search(path.read_text())]

    assert named(untyped) == []


def test_describes_every_module():
    silent = [
        path
        for path in source_files()
        if "migrations" not in path.parts and path.stat().st_size and not _docstring(path)
    ]

    assert named(silent) == []


def test_connects_no_django_signal_outside_app_configs():
    connecting = [
        path
        for path in source_files()
        if path.name != "apps.py"
        and "tests" not in path.parts
        and re.search(
            r"(?<!field\.)\b(?:pre|post)_(?:save|delete|init)\b|@receiver", path.read_text()
        )
    ]

    assert named(connecting) == []


def _docstring(path):
    return ast.get_docstring(ast.parse(path.read_text()))
