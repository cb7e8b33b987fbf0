"""Every code that an operation can answer with is explained, so that it has a page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import errors
from config.apikit import codes
from config.errors import DomainError

ROOT = Path(__file__).resolve().parents[3]
FLOORS = ("config", "incidents", "escalation", "postmortems", "compliance")
REFUSALS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, DomainError)
}


def raised(source: str) -> Iterator[str]:
    """The literal codes of refusals and of blockers in a module, and of the library's errors."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REFUSALS:
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Blocker":
            if node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "default_code":
            yield ast.literal_eval(node.value)


@pytest.mark.parametrize(
    "source",
    [
        'raise Refused("No.", code="closed")',
        'found = [Blocker("closed", "It is closed.")]',
        'class Closed(APIException):\n    default_code = "closed"',
    ],
)
def test_finds_the_codes_of_refusals(source: str) -> None:
    assert list(raised(source)) == ["closed"]


def test_explains_every_code_that_operations_raise() -> None:
    found = {
        code: str(path.relative_to(ROOT))
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*.py")
        for code in raised(path.read_text())
    }

    assert {code: path for code, path in found.items() if codes.find(code) is None} == {}


def test_explains_the_codes_of_the_refusals_themselves() -> None:
    kinds = [getattr(errors, name) for name in REFUSALS]

    assert [kind.code for kind in kinds if codes.find(kind.code) is None] == []


def test_refuses_two_explanations_of_one_code() -> None:
    with pytest.raises(codes.CodeTaken):
        codes.explain(refused=("Something else", "entirely"))
