"""What must not stand in the product, or in one place only: each rule with its few exceptions.

A user's text is never code, a pattern or a template; bytes from outside are never unpickled; only
one module calls out, one writes CSV, and few say that text is HTML.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
FLOORS = ("config", "incidents", "escalation", "postmortems", "compliance", "fixtures")
PATTERN_CALLS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall",
                 "finditer"}  # fmt: skip
type Rule = Callable[[ast.AST], bool]


def name_of(node: ast.AST) -> str:
    """The dotted name of what is called or imported, as far as it is one."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(*names: str) -> Rule:
    """A call of one of these, by dotted name or by its last part after a dot."""
    return lambda node: (
        isinstance(node, ast.Call)
        and (
            name_of(node.func) in names
            or name_of(node.func).endswith(tuple(f".{n}" for n in names))
        )
    )


def imports(*modules: str) -> Rule:
    """An import of one of these, or of something in them."""

    def found(node: ast.AST) -> bool:
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{each.name}" for each in node.names]
        else:
            return False
        return any(f"{name}.".startswith(f"{each}.") for name in names for each in modules)

    return found


def any_of(*rules: Rule) -> Rule:
    return lambda node: any(rule(node) for rule in rules)


def pattern_of_a_variable(node: ast.AST) -> bool:
    """A regular expression that doesn't stand in the source: Python's own can take for ever."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and name_of(node.func.value) == "re"
        and node.func.attr in PATTERN_CALLS
        and bool(node.args)
        and not isinstance(node.args[0], ast.Constant)
    )


def shell(node: ast.AST) -> bool:
    """A command line instead of a list of words."""
    return isinstance(node, ast.Call) and any(
        each.arg == "shell" and not (isinstance(each.value, ast.Constant) and not each.value.value)
        for each in node.keywords
    )


def html_of_a_variable(node: ast.AST) -> bool:
    """`format_html` escapes its arguments, not its first text."""
    return calls("format_html")(node) and not isinstance(getattr(node, "args")[0], ast.Constant)  # noqa: B009  (mypy knows no args here)


RULES: dict[str, tuple[Rule, dict[str, str]]] = {
    "text as code": (any_of(calls("eval", "exec", "__import__"), imports("code", "codeop")), {}),
    "bytes as objects": (
        any_of(imports("pickle", "marshal", "shelve", "dill"), calls("yaml.load")), {},
    ),
    "a shell": (any_of(shell, calls("os.system", "os.popen")), {}),
    "text as a template": (
        any_of(imports("jinja2", "mako", "string.Template", "django.template.Template"),
               calls("from_string")), {},
    ),
    "text as a pattern": (
        pattern_of_a_variable,
        {"incidents/alerts/redaction.py": "compiles its own list of texts"},
    ),
    "text as HTML": (
        any_of(calls("mark_safe", "SafeString"), html_of_a_variable),
        {
            "incidents/lifecycle/admin/story.py": "what nh3 has cleaned",
            "config/conditions/forms.py": "what Django's widgets rendered",
            "config/adminkit/columns.py": "what the theme's templates rendered and escaped",
        },
    ),
    "calls to other machines": (
        imports("requests", "http.client", "urllib.request", "urllib3", "httpx", "ftplib",
                "telnetlib", "socketserver"),
        {
            "config/due/webhook.py": "the one way out: filtered, pinned, without redirects",
            "config/doctor_machine.py": "the operator's own base URL, from the command line",
            "config/management/commands/up.py": "its own port on this machine",
            "fixtures/simulations/storm_sending.py": "where the operator aims a storm",
        },
    ),
    "CSV": (
        any_of(calls("csv.writer", "csv.DictWriter")),
        {"config/audit/plain_values.py": "writes every cell through `cell`"},
    ),
    "XML": (imports("xml", "lxml"), {}),
    "archives": (
        any_of(calls("extractall", "unpack_archive"), imports("tarfile")), {},
    ),
}  # fmt: skip


@cache
def sources() -> dict[str, ast.AST]:
    """Each module of the product, parsed."""
    paths = (path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def places(rule: Rule) -> Iterator[tuple[str, int]]:
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if rule(node):
                yield path, getattr(node, "lineno", 0)


@pytest.mark.parametrize("name", RULES)
def test_stands_nowhere_but_where_it_is_meant(name: str):
    rule, allowed = RULES[name]

    found = list(places(rule))

    assert [f"{path}:{line}" for path, line in found if path not in allowed] == []
    assert set(allowed) == {path for path, _ in found}, "take away what is not needed any more"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("text as code", "eval(text)"),
        ("bytes as objects", "import pickle"),
        ("bytes as objects", "yaml.load(text)"),
        ("a shell", "subprocess.run(text, shell=True)"),
        ("a shell", "os.system(text)"),
        ("text as a template", "from django.template import Template"),
        ("text as a template", "engines['django'].from_string(text)"),
        ("text as a pattern", "re.search(rule.pattern, text)"),
        ("text as HTML", "mark_safe(note.text)"),
        ("text as HTML", "format_html(f'<b>{name}</b>')"),
        ("calls to other machines", "from urllib.request import urlopen"),
        ("calls to other machines", "import requests.sessions"),
        ("CSV", "csv.writer(file)"),
        ("XML", "from xml.etree import ElementTree"),
        ("archives", "archive.extractall(folder)"),
    ],
)
def test_would_find_it(name: str, source: str):
    rule, _ = RULES[name]

    assert any(rule(node) for node in ast.walk(ast.parse(source)))


def test_marks_nothing_as_safe_in_a_template():
    pages = (page for floor in FLOORS for page in (ROOT / floor).rglob("templates/**/*"))
    texts = {page: page.read_text() for page in pages if page.is_file()}

    marked = ("|safe", "| safe", "autoescape off", "|safeseq")
    assert [
        str(page.relative_to(ROOT))
        for page, text in texts.items()
        if any(each in text for each in marked)
    ] == []
    assert len(texts) > 20
