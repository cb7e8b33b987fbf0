"""Commands, options, make targets, variables, settings, routes and files that documents name."""

import re
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import Resolver404, resolve

from config.governance import registry
from config.variables import VARIABLES
from tests.docs.markdown import ROOT, Document, document, documents

CALL = re.compile(r"(?:manage\.py|watchbill-manage)(?: --owner)? +([a-z][a-z_]+)([^\n`;|]*)")
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")
MAKE = re.compile(r"\bmake ([a-z]+)\b(?! sure)")
VARIABLE = re.compile(r"\b(?:WATCHBILL_[A-Z_]+|DATABASE_(?:OWNER_)?URL)\b")
SETTING = re.compile(r"^[a-z]+\.[a-z_0-9]+$")
ROUTE = re.compile(r"/api/v1/[a-z-]+/|/(?:healthz|readyz|metrics|api/schema/|api/docs/)(?![\w])")
# What is named though it is another program's, or spoken of as an example.
OTHERS = {"WATCHBILL_HOME", "WATCHBILL_SETTINGS", "WATCHBILL_FAULT"}
# What the requirements and decisions name need not exist yet, or any more.
NOT_GUIDES = ("docs/requirements.md", "docs/decisions/")
GUIDES = tuple(
    f"docs/{name}.md" for name in ("analyst", "auditor", "integrator", "operate", "responder")
)
EVENTS = {"access.refused"}  # events have the form of settings

pages = pytest.mark.parametrize("doc", documents(), ids=lambda doc: doc.name)


def is_guide(doc: Document) -> bool:
    return not doc.name.startswith(NOT_GUIDES)


@cache
def options_of(name: str) -> set[str]:
    app = get_commands()[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    parser: ArgumentParser = command.create_parser("manage.py", name)
    return set(_options(parser))


def _options(parser: ArgumentParser) -> Iterator[str]:
    """Those of the command, and of its own commands."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, _SubParsersAction):
            for below in action.choices.values():
                yield from _options(below)


@pages
def test_are_commands_with_options_that_exist(doc: Document) -> None:
    if not is_guide(doc):
        return
    code = doc.code().replace("\\\n", " ")
    wrong = []
    for name, rest in CALL.findall(code):
        if name not in get_commands():
            wrong.append(name)
            continue
        known = options_of(name)
        wrong += [f"{name} --{each}" for each in OPTION.findall(rest) if f"--{each}" not in known]

    assert wrong == []


@pages
def test_are_make_targets_that_exist(doc: Document) -> None:
    makefile = (ROOT / "Makefile").read_text()
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))

    assert set(MAKE.findall(doc.code())) - known == set()


@pages
def test_are_variables_that_the_product_reads(doc: Document) -> None:
    named = set(VARIABLE.findall(doc.text)) - OTHERS

    assert {each for each in named if not each.endswith("_")} <= {v.name for v in VARIABLES}


@pytest.mark.parametrize("name", GUIDES)
def test_are_settings_that_the_product_reads(name: str) -> None:
    groups = {each.key.split(".")[0] for each in registry.all_settings()}
    words = set(re.findall(r"`([^`\n]+)`", document(name).prose())) - EVENTS
    named = {word for word in words if SETTING.match(word) and word.split(".")[0] in groups}

    assert {word for word in named if registry.find(word) is None} == set()


@pages
def test_are_routes_that_exist(doc: Document) -> None:
    wrong = []
    for route in set(ROUTE.findall(doc.text)):
        try:
            resolve(route)
        except Resolver404:
            wrong.append(route)

    assert wrong == [] or not is_guide(doc)


def test_lists_every_variable_that_is_read() -> None:
    folders = ("config", "incidents", "escalation", "postmortems", "compliance", "fixtures")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    named = {name for path in sources for name in VARIABLE.findall(path.read_text())}
    named -= OTHERS

    assert {each for each in named if not each.endswith("_")} == {
        each.name for each in VARIABLES if each.name != "PORT"
    }


def test_names_files_of_the_project_that_exist() -> None:
    """Paths in the operator's guide and in the recipes."""
    named: set[str] = set()
    for name in ("docs/operate.md", "CONTRIBUTING.md", "README.md", "docs/architecture.md"):
        words = re.findall(r"`([^`\n]+)`", document(name).prose())
        named |= {
            word for word in words if re.match(r"(config|docs|fixtures|\.ci|tests)/[\w./-]+$", word)
        }

    assert {name for name in named if not (ROOT / name).exists()} == set()
    assert Path(ROOT / "docs" / "operate" / "watchbill-manage").stat().st_mode & 0o111
