"""Pages of docs/ that are made of what the product itself knows: settings, commands and more.

python -m tests.docs.reference --write
"""

# ruff: noqa: E402  (Django is set up before the product is imported)
import argparse
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.core.management import get_commands, load_command_class

from config import doctor, figures
from config.apikit import codes
from config.due import jobs
from config.due.jobs import Job
from config.governance import registry
from config.governance.registry import Setting
from config.management.commands import doctor as doctor_command
from config.metrics import Histogram, registered
from config.variables import VARIABLES
from incidents.alerts.adapters import guide_for
from incidents.alerts.models import Adapter

__all__ = ["doctor_command", "figures"]  # they register checks and figures

DOCS = Path(__file__).resolve().parents[2] / "docs"
APPS = ("config", "incidents", "escalation", "postmortems", "compliance")
SITE = "https://watchbill.example.org"
MADE = "<!-- Made by `python -m tests.docs.reference --write`; a test compares. -->"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;').replace(chr(10), ' ') for cell in row)} |"


def code(text: str) -> str:
    """Set as code; nothing where there is nothing."""
    return f"`{text}`" if text else ""


def paragraph(*parts: str) -> list[str]:
    """Running text, wrapped as the other documents are."""
    return [*textwrap.wrap(" ".join(parts), 118, break_long_words=False), ""]


def settings_page() -> str:
    """Environment variables, then the governed settings."""
    variables = ((code(each.name), each.meaning, each.default, code(each.example))
                 for each in VARIABLES)  # fmt: skip
    lines = [
        *("# Settings", "", MADE, ""),
        *paragraph(
            "Two kinds. What differs between machines is an **environment variable**, read when a",
            "process starts. What people decide about is a **governed setting**: a policy with",
            "versions, four eyes and a date, changed in the admin under *Policies*, or by the API",
            "at `/api/v1/settings/`, for the whole enterprise or for a business unit.",
        ),
        *("## Environment variables", ""),
        *paragraph("Empty counts as unset. `manage.py doctor` finds values that can't work."),
        *table(("variable", "meaning", "unset", "example"), variables),
        *("", "## Governed settings", ""),
        *paragraph(
            "A unit's value holds for the unit and those below it; the nearest one counts.",
            "*Tighten* means that a unit may only be stricter than the enterprise.",
        ),
        *table(
            ("setting", "what it decides", "as shipped", "values", "a unit may"),
            map(_setting, registry.all_settings()),
        ),
    ]
    return "\n".join(lines) + "\n"


def _setting(each: Setting) -> tuple[str, str, str, str, str]:
    text = f"**{each.title}**" + (f". {each.help}" if each.help else "")
    tighter = f", {each.tighter.label.lower()} are stricter" if each.tighter else ""
    allowed = {"tighten": f"tighten{tighter}", "free": "set its own", "locked": "nothing"}
    shown = each.show(each.default)
    return code(each.key), text, shown, _values(each.type), allowed[each.unit_may]


def _values(kind: object) -> str:
    match kind:
        case registry.Integer(least=least, most=most, unit=unit):
            return f"{least} to {most} {unit}".strip()
        case registry.BySeverity(each=each):
            return f"for each severity {_values(each)}"
        case registry.ListOf(options=options):
            return f"any of {', '.join(options)}"
        case registry.Choice(options=options):
            return f"one of {', '.join(name for name, _ in options)}"
    raise TypeError(f"say here what values a {type(kind).__name__} takes")


def commands_page() -> str:
    """Commands with their options, jobs, metrics and the doctor's checks."""
    checks = ((code(name), _first(function)) for name, function in doctor.registered())
    lines = [
        *("# Commands, jobs, checks, metrics", "", MADE, "", "## Commands", ""),
        *paragraph(
            "`manage.py NAME`. Exit status: 0 good, 1 refused or found broken, 2 usage, 3 could",
            "not. With `--json` the answer is one JSON object.",
        ),
        *table(("command", "what it does", "options"), _commands()),
        *("", "## Background jobs", ""),
        *paragraph(
            "Run by `manage.py qcluster`; or now, as of a time: `manage.py run_job NAME --as-of",
            "TIME`.",
        ),
        *table(("job", "how often", "what it does"), map(_job, jobs.jobs())),
        *("", "## What the doctor looks at", ""),
        *paragraph("`manage.py doctor` says what it found, and what to do about it."),
        *table(("check", "what should hold"), checks),
        *("", "## Metrics", ""),
        *paragraph(
            "`/metrics`, for Prometheus; rules and a dashboard are in [operate/](operate/). What",
            "is read from the database is the same on every node: take `max` of it, never `sum`.",
            "Each web process counts `watchbill_http_*` and `watchbill_page_delay_seconds` since",
            "it began, the latter for the whole installation.",
        ),
        *table(("metric", "kind", "labels", "what"), _metrics()),
    ]
    return "\n".join(lines) + "\n"


def problems_page() -> str:
    """The codes of problem documents, but for those of single constraints."""
    known = codes.every().items()
    rows = ((code(name), str(each.status), each.title, each.remedy)
            for name, each in known if name not in codes.constraint_codes())  # fmt: skip
    lines = [
        *("# Problem codes", "", MADE, ""),
        *paragraph(
            "What an answer's `code` means (RFC 9457, [integrator.md](integrator.md)). Each has",
            "a page at `/problems/<code>` of the installation, and so has each named constraint of",
            "the database, which comes with 409.",
        ),
        *table(("code", "status", "meaning", "what to do"), rows),
    ]
    return "\n".join(lines) + "\n"


def _commands() -> Iterator[tuple[str, str, str]]:
    for name, app in sorted(get_commands().items()):
        if not str(app).startswith(APPS):
            continue
        command = load_command_class(str(app), name)
        yield code(name), command.help, _options(command.create_parser("manage.py", name))


def _options(parser: argparse.ArgumentParser) -> str:
    shared = {"-h", "--version", "-v", "--settings", "--pythonpath", "--traceback", "--no-color"}
    shared |= {"--force-color", "--skip-checks", "--database"}
    found = []
    for action in parser._actions:
        if shared & set(action.option_strings) or action.help == argparse.SUPPRESS:
            continue
        name = action.option_strings[0] if action.option_strings else ""
        value = "" if action.nargs == 0 else str(action.metavar or action.dest).upper()
        if action.choices and not action.metavar:
            value = "{" + ",".join(map(str, action.choices)) + "}"
        shown = f"{name} {value}".strip()
        found.append(code(shown if action.required else f"[{shown}]"))
    return " ".join(found)


def _job(each: Job) -> tuple[str, str, str]:
    often = f"every {each.minutes} minutes" if each.minutes else each.every
    return code(each.name), often, _first(each.work)


def _metrics() -> Iterator[tuple[str, str, str, str]]:
    for each in sorted(registered(), key=lambda each: each.name):
        kind = "histogram" if isinstance(each, Histogram) else each.kind
        labels = ", ".join(map(code, each.labels))
        yield code(f"watchbill_{each.name}"), kind, labels, each.help


def _first(function: object) -> str:
    """The first paragraph of its docstring."""
    return (getattr(function, "__doc__", "") or "").strip().split("\n\n")[0]


def tools_page() -> str:
    """What to paste into each monitoring tool, as the product itself shows it."""
    lines = [
        *("# Connecting tools", "", MADE, ""),
        *paragraph(
            "A tool needs a source: *Alerts → Integrations* in the admin, or the API",
            "([integrator.md](integrator.md#sending-alerts)). Its page shows what stands here with",
            "your address filled in; when the last payload came, and what became of each; and it",
            "sends a test alert. The token is shown once, when it is made.",
        ),
        *paragraph(
            "A label, component or field `service` names the service by its key; without one the",
            "source's default service counts, without that the triage queue.",
        ),
    ]
    for adapter in Adapter:
        lines += [f"## {adapter.label}", ""]
        for heading, text in guide_for(adapter, SITE, "TOKEN"):
            lines += [f"{heading}:", "", f"```{_language(heading, text)}", text, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _language(heading: str, text: str) -> str:
    if ".yml" in heading:
        return "yaml"
    return "sh" if text.startswith("curl ") else "text"


PAGES = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "problems.md": problems_page,
    "tools.md": tools_page,
}


def main() -> int:
    """Write the pages, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    stale = 0
    for name, make in PAGES.items():
        if options.write:
            (DOCS / name).write_text(make(), encoding="utf-8")
        elif (DOCS / name).read_text(encoding="utf-8") != make():
            sys.stderr.write(f"docs/{name} is stale\n")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
