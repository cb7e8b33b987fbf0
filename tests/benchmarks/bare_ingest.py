"""The floor of intake: an ASGI application that inserts the body as it came, and nothing else.

`python -m tests.benchmarks.bare_ingest --fd 3`, on the database that BENCH_DATABASE_URL names.
"""

import argparse
import os
import socket
from typing import Any

import uvicorn
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

INSERT = """
    INSERT INTO incidents_rawpayload (source_id, adapter, kind, received_at, content_type,
        headers, body, state, attempts, outcome, error)
    VALUES (%s, 'generic', 'alerts', clock_timestamp(), '', '{}', %s, 'new', 0, '[]', '')
    RETURNING id
"""
CONNECTIONS = 8


class Application:
    """One insert a request, answered after its commit."""

    def __init__(self) -> None:
        self._source = int(os.environ["BENCH_SOURCE"])
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            os.environ["BENCH_DATABASE_URL"],
            kwargs={"autocommit": True},
            min_size=1,
            max_size=CONNECTIONS,
            open=False,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take any POST."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(INSERT, [self._source, body])
            row = await cursor.fetchone()
        answer = b'{"id": %d}' % (row[0] if row else 0)
        headers = [(b"content-type", b"application/json")]
        headers.append((b"content-length", str(len(answer)).encode()))
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._pool.open()
            else:
                await self._pool.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


def main() -> None:
    """Serve it by the settings of the product's own web process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    listener = socket.socket(fileno=parser.parse_args().fd)
    config = uvicorn.Config(
        Application(), log_level="warning", access_log=False, server_header=False, lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
