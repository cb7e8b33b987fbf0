"""Clients that post as fast as they are answered, over connections that stay open."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.benchmarks.measuring import percentile


@dataclass
class Load:
    """What the clients saw."""

    seconds: float = 0.0
    taken: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def accepted(self) -> int:
        """How many were answered 202."""
        return len(self.taken)

    @property
    def rate(self) -> float:
        """Accepted per second."""
        return self.accepted / self.seconds

    @property
    def p99(self) -> float:
        """Milliseconds within which 99 of 100 were answered."""
        return percentile(self.taken, 0.99) * 1000

    def add(self, other: "Load") -> None:
        """Another round of the same."""
        self.seconds += other.seconds
        self.taken += other.taken
        self.refused += other.refused


def post(url: str, body: bytes, *, clients: int, seconds: float) -> Load:
    """Post the body again and again by so many clients."""
    load = Load()
    asyncio.run(_all(url, body, clients, seconds, load))
    return load


async def _all(url: str, body: bytes, clients: int, seconds: float, load: Load) -> None:
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    began = time.perf_counter()
    until = began + seconds
    work = [
        _one(str(parts.hostname), int(parts.port or 80), head.encode() + body, until, load)
        for _ in range(clients)
    ]
    await asyncio.gather(*work)
    load.seconds = time.perf_counter() - began


async def _one(host: str, port: int, request: bytes, until: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        if head.startswith(b"HTTP/1.1 202"):
            load.taken.append(time.perf_counter() - began)
        else:
            load.refused += 1
    writer.close()
    await writer.wait_closed()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise ValueError("an answer without a length")
