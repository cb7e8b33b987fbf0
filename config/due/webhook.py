"""Posting JSON to addresses that people typed in: checked, pinned, bounded, never redirected."""

import http.client
import json
import socket
import ssl
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import certifi
import requests
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from requests_hardened.ip_filter import InvalidIPAddress, filter_host

from config import clock
from config.due.answers import CONNECT_SECONDS, Answer, Watch, deadline, failed, refused, sent
from config.due.models import OutboundMessage
from config.due.operations import Send
from config.due.rules import retry_after

WHOLE_SECONDS = 15.0
KEPT = 500
PORTS = {"http": 80, "https": 443}
LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class Forbidden(ValueError):
    """The address isn't one that this installation may call."""


class Target(NamedTuple):
    """Where to connect: the address that was checked, so that a second look-up can't change it."""

    scheme: str
    host: str
    port: int
    ip: str
    path: str


def resolve(url: str) -> Target:
    """Check the address and pin its IP. Raises `Forbidden`, or OSError where no name is found."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise Forbidden(f"That is no URL: {error}.") from error
    host = parts.hostname or ""
    if parts.scheme not in PORTS or not host:
        raise Forbidden("A webhook begins with https:// or http:// and names a host.")
    if parts.username or parts.password:
        raise Forbidden("Leave user and password out of the URL: logs would show them.")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    if not path.isascii() or any(character <= " " for character in path):
        raise Forbidden("The URL has characters that must be percent-encoded.")
    return Target(parts.scheme, host, port, _pinned(host, port), path)


def _pinned(host: str, port: int) -> str:
    if f"{host}:{port}" in settings.OUTBOUND_ALLOW:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return str(found[0][4][0])
    if port not in PORTS.values():
        raise Forbidden(f"Port {port} is closed; WATCHBILL_OUTBOUND_ALLOW={host}:{port} opens it.")
    try:
        return str(filter_host(host, port, allow_loopback=False)).strip("[]")
    except InvalidIPAddress as error:
        raise Forbidden(
            f"{host} is inside a private network; WATCHBILL_OUTBOUND_ALLOW={host}:{port} allows it."
        ) from error
    except requests.RequestException as error:
        raise OSError(f"{host} was not found") from error
    except (ValueError, UnicodeError) as error:
        raise Forbidden(f"{host[:100]} is no host name.") from error


def post(message: OutboundMessage, send: Send) -> Answer:
    """Post the message; its id is the idempotency key unless the purpose sets another."""
    body = json.dumps(send.json if send.json is not None else {}, cls=DjangoJSONEncoder)
    headers = {"Idempotency-Key": str(message.pk), **send.headers}
    return call("POST", message.address, body=body.encode(), headers=headers)


def call(
    method: str, url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """One request, within fifteen seconds in all, whatever the other side does."""
    given = {"User-Agent": "Watchbill", "Accept": "*/*", "Connection": "close", **(headers or {})}
    if body is not None:
        given = {"Content-Type": "application/json", **given}
    with deadline(WHOLE_SECONDS) as watch:
        try:
            status, words, wait = _exchange(method, resolve(url), body, given, watch)
        except (Forbidden, http.client.InvalidURL) as error:
            return refused(str(error))
        except ValueError as error:
            return refused(f"The request can't be made: {error}")
        except (OSError, http.client.HTTPException) as error:
            late = f" (ended after {WHOLE_SECONDS:.0f} s)" if watch.expired else ""
            return failed(f"{type(error).__name__}: {error}{late}")
    return _judge(status, words, wait)


def _exchange(
    method: str, target: Target, body: bytes | None, headers: dict[str, str], watch: Watch
) -> tuple[int, str, str | None]:
    client = _Connection(target, watch)
    try:
        client.request(method, target.path, body=body, headers=headers)
        answer = client.getresponse()
        if watch.expired:
            raise TimeoutError("no whole answer")
        words = f"HTTP {answer.status} {_text(answer)}".strip()
        return answer.status, words, answer.getheader("Retry-After")
    finally:
        client.close()


def _text(answer: http.client.HTTPResponse) -> str:
    """The beginning of the body. The status has come: a body that never ends can't undo it."""
    try:
        return answer.read(KEPT).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""


def _judge(status: int, words: str, wait: str | None) -> Answer:
    if 200 <= status <= 299:
        return sent(words)
    if status in LATER or status == HTTPStatus.SERVICE_UNAVAILABLE:
        return failed(words, retry_after=retry_after(wait, clock.now()))
    return refused(words) if 400 <= status <= 499 else failed(words)


class _Connection(http.client.HTTPConnection):
    """Speaks to the checked address only, watched from before the first byte."""

    def __init__(self, target: Target, watch: Watch) -> None:
        super().__init__(target.host, target.port, timeout=WHOLE_SECONDS)
        self.default_port = PORTS[target.scheme]  # decides whether Host names the port
        self._target = target
        self._watch = watch

    def connect(self) -> None:
        """Connect to the pinned address; for https, the certificate must be the host's."""
        opened = socket.create_connection((self._target.ip, self._target.port), CONNECT_SECONDS)
        self._watch.over(opened)
        opened.settimeout(WHOLE_SECONDS)
        self.sock: Any = opened
        if self._target.scheme == "https":
            self.sock = _tls().wrap_socket(opened, server_hostname=self._target.host)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
