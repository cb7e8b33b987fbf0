"""Sockets that reach this machine only."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

NAMES = {"localhost", "", None, "0.0.0.0", "::"}


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine. No OSError, so that no client takes it for an outage."""


@contextmanager
def closed() -> Iterator[None]:
    """Refuse connections and name look-ups that would leave this machine."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        if not _stays(host):
            _refuse(host)
        return resolve(host, *rest, **options)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    patch.undo()


def _guarded(method: Any) -> Any:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _stays(address[0]):
            _refuse(address)
        return method(self, *arguments)

    return guarded


def _stays(host: Any) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if host in NAMES or str(host).endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%", 1)[0]).is_loopback
    except ValueError:
        return False


def _refuse(address: Any) -> NoReturn:
    raise NetworkBlocked(f"tests stay on this machine, and this one tried to reach {address}")
