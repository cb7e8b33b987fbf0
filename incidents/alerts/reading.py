"""Reading JSON that strangers wrote: any bytes in, plain values that PostgreSQL can store out.

Everything here raises `Unreadable` or returns; nothing else, whatever the bytes are.
"""

import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

from incidents.alerts.rules import Unreadable
from incidents.taxonomy.models import Level

DEEPEST = 12
LONGEST_TEXT = 4_000
MOST_ENTRIES = 200
_LEVELS = {
    Level.CRITICAL: ("critical", "crit", "page", "fatal", "emergency", "disaster", "p1"),
    Level.ERROR: ("error", "err", "major", "high", "average", "p2", "ticket"),
    Level.WARNING: ("warning", "warn", "minor", "medium", "p3", "moderate"),
    Level.INFO: ("info", "information", "informational", "notice", "low", "p4", "p5", "debug"),
}  # fmt: skip
LEVELS: Mapping[str, str] = {
    word: level.value for level, words in _LEVELS.items() for word in words
}


def load(body: bytes) -> Any:
    """The JSON of a body, with plain values only. A trailing newline or byte order mark is fine."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"The body is not UTF-8: byte {error.start}.") from None
    if not text.strip():
        raise Unreadable("The body is empty; send JSON.")
    try:
        return _plain(
            json.loads(text, parse_int=_whole, parse_float=_fraction, parse_constant=str), 0
        )
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None
    except RecursionError:
        raise Unreadable("The JSON is nested too deeply.") from None


def _whole(digits: str) -> int | str:
    # Beyond 64 bits nothing counts with it, and Python refuses to print very long ones.
    return int(digits) if len(digits) <= 18 else digits[:LONGEST_TEXT]


def _fraction(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits[:LONGEST_TEXT]


def _plain(value: Any, depth: int) -> Any:
    # Text keeps its length here: a description may be longer than a label.
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list | dict) and depth >= DEEPEST:
        return "[nested too deeply]"
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {storable(key): _plain(each, depth + 1) for key, each in value.items()}
    return value


def with_member(body: bytes, name: str, value: str) -> bytes:
    """An object that was read and isn't empty, with one member more; the rest stays as it came.

    It goes before the last brace: of a name that stands twice the last one counts.
    """
    end = body.rindex(b"}")
    return b"%s,%s:%s%s" % (body[:end], _json(name), _json(value), body[end:])


def _json(text: str) -> bytes:
    return json.dumps(text).encode()


def storable(text: str) -> str:
    """The text without what PostgreSQL refuses: NUL, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def as_text(value: Any, limit: int = LONGEST_TEXT) -> str:
    """A scalar as text, shortened; anything else, and nothing, is empty."""
    if value is None or isinstance(value, list | dict):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return shortened(str(value).strip(), limit)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where some are missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def first_text(*values: Any, limit: int = LONGEST_TEXT) -> str:
    """The first that isn't empty."""
    return next((text for value in values if (text := as_text(value, limit))), "")


def as_object(value: Any) -> dict[str, Any]:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def labels(value: Any) -> dict[str, Any]:
    """Labels for keeping: bounded in number and length."""
    kept = list(as_object(value).items())[:MOST_ENTRIES]
    return {
        shortened(key, 200): shortened(each, LONGEST_TEXT) if isinstance(each, str) else each
        for key, each in kept
    }


def link(href: Any, text: str) -> list[dict[str, str]]:
    """One link, or none where it isn't http or https."""
    address = as_text(href, 2_000)
    if not address.lower().startswith(("https://", "http://")):
        return []
    return [{"href": address, "text": shortened(text or address, 200)}]


def level_of(*words: Any, default: str = Level.WARNING) -> str:
    """The first word that means a level in the usual tools."""
    for word in words:
        if found := LEVELS.get(as_text(word, 40).lower()):
            return found
    return default


def moment(value: Any) -> datetime.datetime | None:
    """A time as tools write it: RFC 3339 with up to 9 decimals, or seconds since 1970.

    None for nothing, and for the years in which tools say "unset". Raises `Unreadable`.
    """
    if value in (None, ""):
        return None
    try:
        found = _instant(value)
    except (ValueError, OverflowError, TypeError, OSError):
        raise Unreadable(
            f"'{as_text(value, 60)}' is not a time; write it like 2026-11-21T08:00:00Z."
        ) from None
    return found if found.year >= 2000 else None


def _instant(value: Any) -> datetime.datetime:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(value)
    if isinstance(value, int | float):
        seconds = value / 1000 if abs(value) > 100_000_000_000 else value
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    found = datetime.datetime.fromisoformat(value.strip())
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.UTC)
    return found.astimezone(datetime.UTC)


def lenient_moment(value: Any) -> datetime.datetime | None:
    """As `moment`, with None for what is no time: no alert is lost over its clock."""
    try:
        return moment(value)
    except Unreadable:
        return None
