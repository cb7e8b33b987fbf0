"""Takes secrets out of a body before it is stored. Linear in the body's length, on any bytes.

Works on the text itself and never on parsed JSON: what is stored stays what was sent, byte by
byte, but for the secrets; and a body that no parser can read is redacted as well.
"""

import re
from functools import lru_cache

REDACTED = b"[redacted]"

# A JSON key with its colon; inside a string that holds JSON, its quotes carry backslashes.
_KEY = re.compile(rb'(\\{0,7})"([\w.\- ]{1,80})\1"[ \t\r\n]{0,20}:[ \t\r\n]{0,20}')
_SECRET_ENDINGS = (
    "password", "passwd", "passphrase", "secret", "token", "authorization", "apikey", "accesskey",
    "privatekey", "secretkey", "routingkey", "integrationkey", "servicekey", "signingkey",
    "credential", "credentials", "cookie", "sessionid", "bearer", "pwd",
)  # fmt: skip
_SEPARATORS = str.maketrans("", "", "_-. ")
_SCALAR = re.compile(rb"-?[0-9][0-9.eE+\-]*+|true|false")
# Between the strings of a list; inside a string, its line breaks are escaped.
_BETWEEN = re.compile(rb"(?:[ \t\r\n,:]|\\{1,15}[nrt])*+")
_WORD = re.compile(rb"[\w.+\-]++")  # a number, true, false or null
_PLAIN = re.compile(rb'(?:[^\[\]{}"\\]|\\{1,15}[nrt])*+')

# Each with words of which one must occur, looked for first: most bodies hold none.
_IN_TEXT = (
    (
        (b"bearer", b"basic", b"geniekey", b"apikey"),
        rb"(\b(?:bearer|basic|geniekey|apikey)[ \t]{1,4})"
        rb"(?=[\w.~+/\-]{0,60}[0-9=])[\w.~+/\-]{8,4096}+={0,2}",
    ),
    ((b"@",), rb"(\b[a-z][a-z0-9+.\-]{1,20}://)[^/\s\"'@\\<>]{1,300}(?=@)"),
    (
        (
            b"token=",
            b"secret=",
            b"password=",
            b"passwd=",
            b"key=",
            b"sig=",
            b"signature=",
            b"auth=",
        ),
        rb"([?&;](?:[\w\-]{0,20}(?:token|secret|password|passwd|api_?key|signature)|sig|auth)=)"
        rb"[^&\s\"'\\<>]{1,2048}",
    ),
    (
        (b"wb_pat_", b"gh", b"glpat-", b"xox", b"akia", b"sk_live_", b"whsec_"),
        rb"(\b(?:wb_pat_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|sk_live_|whsec_))"
        rb"[\w\-]{8,255}",
    ),
    (
        (b"private key-----",),
        rb"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[\w+/=\s\\]{0,16384}",
    ),
)
_PATTERNS = [(words, re.compile(text, re.IGNORECASE)) for words, text in _IN_TEXT]


def redact(body: bytes) -> bytes:
    """The body without secrets: values of telling keys, bearer strings, passwords in URLs."""
    body = _without_values(body)
    lowered = body.lower()
    for words, pattern in _PATTERNS:
        if any(word in lowered for word in words):
            body = pattern.sub(rb"\1" + REDACTED, body)
    return body


def _without_values(body: bytes) -> bytes:
    parts: list[bytes] = []
    copied = position = 0
    has_mixed_lists = False
    while key := _KEY.search(body, position):
        position = key.end()
        if not _is_secret(key[2].lower()):
            continue
        quote = key[1] + b'"'
        end = _end_of_value(body, position, quote)
        if end > position:
            parts += [body[copied:position], quote, REDACTED, quote]
            copied = position = end
        elif body.startswith(b"[", position):
            has_mixed_lists = True
    body = b"".join([*parts, body[copied:]])
    return _without_items(body) if has_mixed_lists else body


def _without_items(body: bytes) -> bytes:
    """Without what lies beside lists and objects in the lists under telling keys."""
    parts: list[bytes] = []
    copied = position = 0
    while key := _KEY.search(body, position):
        position = key.end()
        if _is_secret(key[2].lower()) and body.startswith(b"[", position):
            parts.append(body[copied:position])
            copied = position = _Items(body, key[1] + b'"', parts).take(position)
    return b"".join([*parts, body[copied:]])


class _Items:
    """Takes what a list with lists and objects in it has beside them; these are left to their keys.

    All that is inside is read once, whichever of its keys tell of secrets: to walk each of their
    lists would take the square of their depth.
    """

    def __init__(self, body: bytes, quote: bytes, parts: list[bytes]) -> None:
        self._body, self._quote, self._parts = body, quote, parts
        self._open: list[bool | None] = [True]  # lists, of secrets or not; None for an object
        self._copied = 0
        self._taken = -1

    def take(self, start: int) -> int:
        """Add what stays, and return where it ends: after the list, or where it can't be read."""
        self._copied, position = start, start + 1
        while self._open and (after := self._next(position)) > position:
            position = after
        self._parts.append(self._body[self._copied : position])
        return position

    def _next(self, position: int) -> int:
        found = _BETWEEN.match(self._body, position)
        position = found.end() if found else position
        secret = self._open[-1] is True
        key = _KEY.match(self._body, position)  # wherever it is: a bracket may have been lost
        if key and key[1] + b'"' == self._quote:
            return self._value(key.end(), secret=secret or _is_secret(key[2].lower()))
        return self._value(position, secret=secret)

    def _value(self, start: int, *, secret: bool) -> int:
        """After the value, or where one ends that was open; else `start` itself."""
        end = _end_of_value(self._body, start, self._quote)
        if self._body.startswith(self._quote, start) or (secret and end > start):
            self._put(start, end, secret=secret)
            return end
        match self._body[start : start + 1]:
            case b"[":
                self._open.append(secret)
            case b"{":
                self._open.append(None)
            case b"]" | b"}":
                self._open.pop()
            case _:
                word = _WORD.match(self._body, start)
                return word.end() if word else start
        return start + 1

    def _put(self, start: int, end: int, *, secret: bool) -> None:
        # Items in a row go as one: the body mustn't grow by a word for each digit.
        in_a_row = self._copied == self._taken and _BETWEEN.fullmatch(
            self._body, self._taken, start
        )
        if not (secret and in_a_row):
            text = self._body[start:end]
            stays = self._quote + REDACTED + self._quote if secret else _without_items(text)
            self._parts += [self._body[self._copied : start], stays]
        self._copied = end
        self._taken = end if secret else self._taken


@lru_cache(maxsize=4096)
def _is_secret(key: bytes) -> bool:
    return key.decode("ascii", "replace").translate(_SEPARATORS).endswith(_SECRET_ENDINGS)


def _end_of_value(body: bytes, start: int, quote: bytes) -> int:
    """Where the value ends; `start` itself for an object, whose keys speak for themselves."""
    if body.startswith(quote, start):
        return _end_of_string(body, start + len(quote), len(quote) - 1)
    if body.startswith(b"[", start):
        return _end_of_list(body, start, quote)
    found = _SCALAR.match(body, start)
    return found.end() if found else start


def _end_of_list(body: bytes, start: int, quote: bytes) -> int:
    """Of one without lists and objects in it; `start` itself for any other."""
    position = start + 1
    while (found := _PLAIN.match(body, position)) and found.end() < len(body):
        position = found.end()
        if body.startswith(quote, position):
            position = _end_of_string(body, position + len(quote), len(quote) - 1)
        elif body.startswith(b"]", position):
            return position + 1
        else:  # a quote here ends the string in which the list was cut off
            return position if body.startswith((b'"', b"\\"), position) else start
    return len(body)


def _end_of_string(body: bytes, start: int, depth: int) -> int:
    # A body that was cut off inside the string is redacted to its end.
    position = start
    while (found := body.find(b'"', position)) >= 0:
        before = found
        while before > position and body[before - 1] == 0x5C:
            before -= 1
        # Each string around it doubles the backslashes of a quote, and has one more for it: so many
        # as `depth` opened it, so many and pairs of its own close it, others lie inside it. What
        # doesn't come out even ends one of the strings around it, in which it was cut off.
        slashes = found - before
        if (slashes + 1) % (depth + 1):
            return before
        if (slashes - depth) % (2 * (depth + 1)) == 0:
            return found + 1
        position = found + 1
    return len(body)
