"""What is fuzzed: functions of bytes that may refuse, and must neither fail nor break a promise."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from config import clock
from config.apikit.pagination import NewestFirst, ParameterInvalid
from config.audit import notes
from escalation.paging.links import page_id_of
from incidents.alerts import adapters
from incidents.alerts.adapters import Knock, NotTaken
from incidents.alerts.models import Adapter
from incidents.alerts.redaction import redact
from incidents.alerts.rules import Reading, Unreadable
from incidents.timeline import rules as timeline
from incidents.timeline.operations import TEXT_LIMIT

type Target = Callable[[bytes], None]
TOOLS = sorted(Adapter.values)
PATHS = ("", "/v2/alerts", "/v2/alerts/a/close", "/v2/alerts/%2F%00/acknowledge?x=1")
DOORS = ("/v2/enqueue", "/v2/change/enqueue", "/v2/alerts")
KEY = f"GenieKey {'a' * 32}"
NOW = clock.now()


def parsing(data: bytes) -> None:
    """Each tool's parser: an alert that can be stored, or a refusal in words."""
    tool, path = TOOLS[data[0] % len(TOOLS)], PATHS[data[0] // len(TOOLS) % len(PATHS)]
    try:
        reading = adapters.read(tool, data[1:], NOW, path)
    except Unreadable:
        return
    check(reading)


def check(reading: Reading) -> None:
    """PostgreSQL can store it, and it has what the rest of the product relies on."""
    for alert in reading.alerts:
        kept = [alert.title, alert.dedup_key, alert.description, alert.service, alert.group]
        document = [kept, alert.labels, list(alert.links)]
        json.dumps(document, allow_nan=False)
        for text in texts_in(document):
            assert "\0" not in text
            text.encode()
        assert alert.dedup_key
        assert alert.level in ("critical", "error", "warning", "info")
        assert all(each["href"].lower().startswith("http") for each in alert.links)


def texts_in(node: Any) -> Iterator[str]:
    """Every text and every name in a document."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for name, each in node.items():
            yield name
            yield from texts_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from texts_in(each)


def doors(data: bytes) -> None:
    """The doors of tools with addresses of their own: a letter that can be answered, or not."""
    path = DOORS[data[0] % len(DOORS)]
    door = adapters.door_at(path)
    assert door is not None
    try:
        letter = door.open(Knock(path, "", KEY, data[1:]))
    except NotTaken as refusal:
        json.dumps(refusal.answer)
        return
    assert len(letter.token) == 32
    json.dumps(letter.answer(1))


def redaction(data: bytes) -> None:
    """Secrets go, the rest stays, and nothing grows beyond what it replaces."""
    found = redact(data)
    assert len(found) <= 12 * len(data) + 12
    assert redact(found) == found or b"[redacted]" in found


def markdown(data: bytes) -> None:
    """People's texts: no script, no markup of their own."""
    page = timeline.html(data.decode("utf-8", "replace")[:TEXT_LIMIT]).lower()
    assert not any(each in page for each in ("<script", "<img", "<svg", "<iframe", "<style"))
    assert 'href="javascript' not in page
    assert 'href="data' not in page


def cursors(data: bytes) -> None:
    """Positions in a list: one of ours, or none."""
    text = data.decode("latin-1")
    request: Any = SimpleNamespace(query_params={"cursor": text, "page_size": text})
    for read in (NewestFirst().decode_cursor, NewestFirst().get_page_size):
        try:
            read(request)
        except ParameterInvalid:
            continue


def links(data: bytes) -> None:
    """Tokens of pages: nobody guesses one."""
    assert page_id_of(data.decode("latin-1")) is None


def checkpoints(data: bytes) -> None:
    """Signed notes from outside: read, or refused."""
    try:
        note = notes.parse(data.decode("utf-8", "replace"))
        notes.tree_head(note.text)
    except notes.NoteError:
        return


TARGETS: dict[str, Target] = {
    each.__name__: each
    for each in (parsing, doors, redaction, markdown, cursors, links, checkpoints)
}
SEEDS: dict[str, list[bytes]] = {
    "parsing": [
        bytes([number]) + json.dumps(document).encode()
        for number in range(len(TOOLS))
        for document in (
            {"alerts": [{"status": "firing", "labels": {"a": "b"}, "startsAt": "2026-01-01"}]},
            {"dedup_key": "a", "title": "b", "links": ["http://a"], "labels": {}},
            {"event_action": "trigger", "dedup_key": "a", "payload": {"summary": "s"}},
            {"message": "a", "alias": "b", "details": {"service": "c"}, "tags": ["d"]},
        )
    ],
    "redaction": [b'{"password": "x", "a": "Bearer 123456789", "u": "https://a:b@c/?token=d"}'],
    "markdown": [b"# a\n\n- *b* [c](http://d) `e`\n\n| f |\n|---|\n| g |\n"],
    "checkpoints": [b"a\n1\nAAAA\n\n\xe2\x80\x94 a AAAA\n"],
}
