"""What strangers send: texts, numbers, dates and documents that break careless readers."""

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202egpj.exe", "\u2028", "\ufeff", "\x1b[2J",
    "a\r\nSet-Cookie: x=1", "../../../etc/passwd", "%00", "%2e%2e%2f", "{{7*7}}", "{% debug %}",
    "${7*7}", "%s%n", "{0.__class__}", "<script>alert(1)</script>", "' OR 1=1 --", "\\", "'", '"',
    "=1+1", "@SUM(A1)", "a" * 5_000, "é" * 3_000, "\U0001f469\u200d\U0001f692" * 200, "(a+)+$",
    "NaN", "Infinity", "-1", "0", "1e999", "9" * 400, "null", "undefined", "true", "[]", "{}", "*",
)  # fmt: skip
DATES = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z",
    "2026-11-21T24:00:00Z", "2026-11-21T08:00:60Z", "2026-11-21", "20261121T080000Z",
    "2026-W47-6T08:00", "2026-11-21T08:00:00.123456789Z", "2026-11-21T08:00:00+99:99",
    "2016-12-31T23:59:60Z", "1763712000", "-271821-04-20T00:00:00Z", "+10000-01-01T00:00:00Z",
    "2026-11-21T08:00:00Z", "2026-11-21 08:00", "\uff12\uff10\uff12\uff16-11-21T08:00:00Z", "08:00",
)  # fmt: skip
NUMBERS = (0, -1, 2**31, 2**63, -(2**63) - 1, 10**40, 1.5, -0.0, 1e308)

texts = st.one_of(st.sampled_from(TEXTS), st.sampled_from(DATES), st.text(max_size=40))
scalars = st.one_of(texts, st.sampled_from(NUMBERS), st.booleans(), st.none(), st.integers())
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def some(examples: int) -> settings:
    """So many, the same ones in every run: what fails here fails on every machine."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def quoted(text: str) -> str:
    """For an address: every byte percent-encoded, halves of surrogate pairs as well."""
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


def filled(schema: dict[str, Any], document: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Bodies with the names that a request's schema has, and anything as values."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    names = sorted(schema.get("properties", {}))
    return st.dictionaries(st.sampled_from(names), documents, max_size=6) if names else documents
