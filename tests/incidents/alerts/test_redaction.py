"""Secrets leave a body before it is stored."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from incidents.alerts.redaction import redact

# Rich in what opens, closes and escapes.
WORDS = st.text(max_size=20) | st.text('"\\[]{}:, a', max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "token", "password", "b\\"]) | WORDS, inner)
    ),
    max_leaves=12,
)
INDENTS = st.sampled_from([None, 2])


@pytest.mark.parametrize(
    "key",
    [
        *("password", "db_password", "apiKey", "api-key", "X-Api-Key", "access_token", "Secret"),
        *("authorization", "routing_key", "client.secret", "PRIVATE_KEY", "DB Password", "API key"),
    ],
)
def test_takes_the_values_of_telling_keys(key: str):
    for value in ('hun"ter\\2', "hunter\\", 'hunter\\\\"'):
        body = json.dumps({"a": 1, key: value, "z": [2]}).encode()

        assert json.loads(redact(body)) == {"a": 1, key: "[redacted]", "z": [2]}


@pytest.mark.parametrize(
    "value",
    [
        *(12345, 10**600, True, -1.5e3, ["a", "b"], [], ["a]b", 1], ['x"]', "{"], ["ends with \\"]),
    ],
)
def test_takes_values_that_are_no_text(value: object):
    body = json.dumps({"token": value, "b": 1}).encode()

    assert json.loads(redact(body)) == {"token": "[redacted]", "b": 1}


def test_looks_into_objects_under_a_telling_key():
    body = json.dumps({"secret": {"name": "db", "password": "hunter2"}}).encode()

    assert json.loads(redact(body)) == {"secret": {"name": "db", "password": "[redacted]"}}


def test_looks_into_json_inside_strings():
    inner = json.dumps({"password": 'hun"ter2', "host": "db", "tokens": 2, "token": ['"]']})
    body = json.dumps({"message": json.dumps({"inner": inner})}).encode()

    found = json.loads(json.loads(json.loads(redact(body))["message"])["inner"])

    assert found == {
        "password": "[redacted]", "host": "db", "tokens": 2, "token": "[redacted]"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sent Bearer eyJhbGciOi.1x-_=", "sent Bearer [redacted]"),
        ("Authorization: Basic dXNlcjpwYXNz0=", "Authorization: Basic [redacted]"),
        ("postgresql://app:hunter2@db:5432/x", "postgresql://[redacted]@db:5432/x"),
        ("https://x/y?token=abc123&b=1", "https://x/y?token=[redacted]&b=1"),
        ("key wb_pat_abcDEF-123_x", "key wb_pat_[redacted]"),
        ("xoxb-1234567890-abc", "xoxb-[redacted]"),
    ],
)
def test_takes_secrets_out_of_text(text: str, expected: str):
    assert redact(json.dumps({"m": text}).encode()) == json.dumps({"m": expected}).encode()


@pytest.mark.parametrize(
    "text",
    [
        "Basic functionality is broken",
        "bearer of bad news",
        "https://grafana.example.org/d/abc?orgId=1&viewPanel=2",
        "mail to ops@example.org",
        "max_tokens: 5",
    ],
)
def test_leaves_ordinary_words_alone(text: str):
    body = json.dumps({"summary": text, "max_tokens": 5, "dedup_key": "a", "keys": "b"}).encode()

    assert redact(body) == body


@pytest.mark.parametrize("value", [b'"hunt', b'["hunt', b'["hunter2", "', b"[1, "])
def test_takes_the_rest_of_a_body_that_was_cut_off(value: bytes):
    assert redact(b'{"a": 1, "password": ' + value) == b'{"a": 1, "password": "[redacted]"'


def test_leaves_objects_in_a_list_to_their_own_keys():
    body = json.dumps({"secrets": 1, "secret": [{"name": "db]", "password": "hunter2"}]}).encode()

    found = json.loads(redact(body))

    assert found == {"secrets": 1, "secret": [{"name": "db]", "password": "[redacted]"}]}


@pytest.mark.parametrize(
    ("given_list", "kept"),
    [
        (["hunter2", {"name": "db"}], ["[redacted]", {"name": "db"}]),
        ([{"name": "db"}, "hunter2", 12345, True], [{"name": "db"}, "[redacted]"]),
        ([["hunter2", 1], {}, [], None], ["[redacted]", {}, "[redacted]", None]),
        ([{"two words": 1, "": "a"}, "hunter2"], [{"two words": 1, "": "a"}, "[redacted]"]),
        ([[["hunter2"], {}]], [["[redacted]", {}]]),
        (
            [{"a": ["b", 1, {"token": ["hunter2", {}]}]}],
            [{"a": ["b", 1, {"token": ["[redacted]", {}]}]}],
        ),
        (
            [{"password": "hunter2", "a": "b"}, "hunter2"],
            [{"password": "[redacted]", "a": "b"}, "[redacted]"],
        ),
        (
            [{"a": '{"password": "hunter2"}'}, "]"],
            [{"a": '{"password": "[redacted]"}'}, "[redacted]"],
        ),
    ],
)
@pytest.mark.parametrize("inside", [0, 1, 2])
def test_takes_what_lies_beside_objects_in_a_list(given_list: Any, kept: Any, inside: int):
    body = json.dumps({"tokens": given_list, "token": given_list, "z": "kept"})
    for _ in range(inside):
        body = json.dumps({"message": body})

    found = json.loads(redact(body.encode()))

    for _ in range(inside):
        found = json.loads(found["message"])
    assert (found["token"], found["z"]) == (kept, "kept")


@pytest.mark.parametrize(
    "body",
    [
        b'{"credentials": [{"labels": ["prod", 1, "password": "hunter2", "host": "db"}]}',
        b'{"credentials": ["x", {"a":1}, "password": "hunter2", "host": "db"}',
        b'{"token":[{"a\\"token":"hunter2"}]}',
        b'{"token":[""token":"hunter2}',
    ],
)
def test_takes_the_values_of_keys_though_a_list_around_them_is_broken(body: bytes):
    assert b"hunter2" not in redact(body)


def test_does_not_grow_by_a_word_for_each_digit():
    body = json.dumps({"token": [{}, *[1] * 1000]}).encode()

    assert json.loads(redact(body)) == {"token": [{}, "[redacted]"]}


MIXED = st.recursive(
    st.just("hunter2") | WORDS.map(lambda word: f"{word}hunter2"),
    lambda inner: st.lists(
        inner | st.dictionaries(WORDS, st.none() | WORDS, max_size=2), max_size=3
    ),
    max_leaves=8,
)


@given(MIXED, st.integers(0, 2), INDENTS)
def test_leaves_nothing_of_secrets_among_objects(secret: object, inside: int, indent: int | None):
    body = json.dumps({"token": secret, "z": "kept"}, indent=indent)
    for _ in range(inside):
        body = json.dumps({"message": body}, indent=indent)

    redacted = redact(body.encode())

    found = json.loads(redacted)
    for _ in range(inside):
        found = json.loads(found["message"])
    assert b"hunter2" not in redacted
    assert found["z"] == "kept"


@given(st.binary(max_size=400))
def test_takes_any_bytes(body: bytes):
    assert isinstance(redact(body), bytes)


@given(JSON)
@example({"token": ["]"]})
@example({"password": "\\", "a": 1})
def test_keeps_json_readable(document: object):
    json.loads(redact(json.dumps(document).encode()))


@given(JSON, INDENTS, st.integers(0, 40))
@example({"password": "hunter2"}, None, 16)
@example({"token": ["hunter2"]}, None, 14)
def test_keeps_json_around_strings_readable(document: object, indent: int | None, cut: int):
    """Whatever is inside: as a line of a log is, it may be cut off."""
    once = json.dumps(document, indent=indent)
    twice = json.dumps({"message": once}, indent=indent)

    for text in (once, once[:cut], twice, twice[:cut]):
        json.loads(redact(json.dumps({"message": text, "b": 1}).encode()))


@given(JSON, INDENTS)
def test_keeps_json_inside_strings_readable(document: object, indent: int | None):
    once = json.dumps(document, indent=indent)
    twice = json.dumps({"message": once}, indent=indent)
    body = json.dumps({"message": twice, "a": once}).encode()

    outside = json.loads(redact(body))

    json.loads(outside["a"])
    json.loads(json.loads(outside["message"])["message"])


@given(WORDS, WORDS, st.integers(0, 2), st.booleans(), INDENTS)
def test_leaves_nothing_of_a_secret(
    before: str, after: str, inside: int, in_list: bool, indent: int | None
):
    value = f"{before}hunter2{after}"
    secret = [value, before] if in_list else value
    body = json.dumps({"password": secret, "z": "kept"}, indent=indent)
    for _ in range(inside):
        body = json.dumps({"message": body}, indent=indent)

    redacted = redact(body.encode())

    found = json.loads(redacted)
    for _ in range(inside):
        found = json.loads(found["message"])
    assert b"hunter2" not in redacted
    assert found["z"] == "kept"


@pytest.mark.parametrize(
    "unit",
    [
        *(b'"password":"', b'\\"password\\":\\"', b'"token":[', b"\\", b'"', b'"a":', b"bearer "),
        *(
            b'"a b ',
            b"https://a:b",
            b"?token=",
            b"a://",
            b'"token":"\\',
            b"ghp_",
            b"bearer a1",
            b"?a-token",
        ),
        *(b'"token":["', b'"token":[1,', b'"token":["a","', b'\\"token\\":[\\"', b'"token":["\\"'),
        *(
            b'"token":[{',
            b'[{"token":[1,',
            b'"token":[{},"a",',
            b'{"token":[{"a":"\\',
            b'"token":[[{},',
        ),
    ],
)
def test_takes_time_in_proportion(unit: bytes):
    body = unit * (1024 * 1024 // len(unit))

    began = time.process_time()
    redact(body)

    assert time.process_time() - began < 5
