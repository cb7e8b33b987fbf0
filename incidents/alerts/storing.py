"""The intake's own way to the database: one statement a request, committed before the answer."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from django.db import connections
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from config import clock
from config.due.faults import reach
from config.due.queues import CHANNEL
from config.governance.in_force import setting
from config.sqlstates import is_away
from incidents.alerts.adapters import Question
from incidents.alerts.limiting import WINDOW, Limiter
from incidents.alerts.operations import INBOX

CONNECTIONS = 8
WAIT_FOR_CONNECTION = 2.0
WAIT_BETWEEN_WAKES = 0.02
SHARE_EVERY = 1.0
READ_SETTING_EVERY = 30
HEAR_TIME_EVERY = 3
TIME = "SELECT clock_timestamp()"

SOURCE = """
    SELECT id, rate_per_minute FROM incidents_ingestsource
    WHERE is_active AND (token_digest = %(digest)s
        OR (previous_digest = %(digest)s AND previous_until > now()))
    LIMIT 1
"""
# Token, switch and insert in one statement: what a revocation has committed holds for the next.
STORE = f"""
    WITH source AS ({SOURCE}), stored AS (
        INSERT INTO incidents_rawpayload (source_id, adapter, kind, received_at, content_type,
            headers, body, state, attempts, outcome, error)
        SELECT id, %(adapter)s, %(kind)s, clock_timestamp(), %(content_type)s,
            %(headers)s::jsonb, %(body)s, 'new', 0, '[]', ''
        FROM source
        RETURNING id
    )
    SELECT stored.id, source.id, source.rate_per_minute FROM stored, source
"""  # noqa: S608  # nosec B608  (made of the text above alone)
SHARE = """
    INSERT INTO config_counter AS c (key, count, expires_at)
    SELECT n.key, n.count, now() + make_interval(secs => %(seconds)s)
    FROM unnest(%(keys)s::text[], %(counts)s::bigint[]) AS n (key, count) ORDER BY n.key
    ON CONFLICT (key) DO UPDATE SET count = c.count + excluded.count
    RETURNING key, count
"""

logger = structlog.get_logger(__name__)


class Unavailable(Exception):
    """The body could not be stored; the sender should try again."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A body as it is to be stored, with the digest of the token that came with it."""

    digest: str
    adapter: str
    kind: str
    body: bytes
    content_type: str
    headers: Mapping[str, str]


class Store:
    """The pool, and what runs beside the requests: waking the worker, sharing counts."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.sources: dict[str, int] = {}
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] | None = None
        self._stored = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin; a database that is away is no reason not to start."""
        self._pool = AsyncConnectionPool(
            kwargs=await asyncio.to_thread(_parameters),
            min_size=1,
            max_size=CONNECTIONS,
            timeout=WAIT_FOR_CONNECTION,
            max_idle=300,
            configure=_configure,
            open=False,
            name="intake",
        )
        await self._pool.open(wait=False)
        self._tasks = [asyncio.create_task(self._wake()), asyncio.create_task(self._share())]

    async def close(self) -> None:
        """End: requests under way have their answers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._pool is not None:
            await self._pool.close()

    async def store(self, parcel: Parcel) -> int | None:
        """The id of the stored body; None for a token that nobody has. Raises `Unavailable`."""
        values = {
            "digest": parcel.digest,
            "adapter": parcel.adapter,
            "kind": parcel.kind,
            "content_type": parcel.content_type,
            "headers": json.dumps(dict(parcel.headers)),
            "body": parcel.body,
        }
        row = await self._insert(values)
        if row is None:
            self.sources.pop(parcel.digest, None)
            return None
        reach("stored_before_answer")
        stored, source_id, limit = row
        self.sources[parcel.digest] = source_id
        self.limiter.learn(source_id, limit)
        self.limiter.count(source_id)
        self._stored.set()
        return int(stored)

    async def ask(self, digest: str, question: Question) -> tuple[bool, tuple[Any, ...] | None]:
        """Whether the token is somebody's, and the row. Raises `Unavailable`."""
        try:
            source = await self._execute(SOURCE, {"digest": digest})
            if source is None:
                return False, None
            values = {**question.values, "source": source[0]}
            return True, await self._execute(question.statement, values)
        except psycopg.Error as error:
            raise Unavailable from error

    async def _insert(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        try:
            try:
                return await self._execute(STORE, values)
            except psycopg.OperationalError as error:
                if not is_away(error):
                    raise
                # The server has restarted: the pool still holds connections to the old one.
                await self._opened().check()
                return await self._execute(STORE, values)
        except psycopg.Error as error:
            logger.error("a body could not be stored", error=str(error).strip())  # noqa: TRY400  # the sender retries; a flood of traces would hide the cause
            raise Unavailable from error

    async def _execute(self, statement: str, values: Any) -> tuple[Any, ...] | None:
        async with self._opened().connection() as connection:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchone()

    def _opened(self) -> AsyncConnectionPool[AsyncConnection[Any]]:
        if self._pool is None:
            raise Unavailable
        return self._pool

    async def _wake(self) -> None:
        # NOTIFY takes a lock that all commits share: at most one every 20 ms, not one a row.
        while True:
            await self._stored.wait()
            self._stored.clear()
            with suppress(psycopg.Error):
                await self._execute("SELECT pg_notify(%s, %s)", [CHANNEL, INBOX])
            await asyncio.sleep(WAIT_BETWEEN_WAKES)

    async def _share(self) -> None:
        rounds = 0
        while True:
            with suppress(psycopg.Error):
                await self._share_counts()
                if rounds % HEAR_TIME_EVERY == 0 and (row := await self._execute(TIME, None)):
                    clock.hear(row[0])
            if rounds % READ_SETTING_EVERY == 0:
                self.limiter.default = await asyncio.to_thread(_rate, self.limiter.default)
            rounds += 1
            await asyncio.sleep(SHARE_EVERY)

    async def _share_counts(self) -> None:
        told = self.limiter.to_share()
        if not told:
            return
        values = {"keys": list(told), "counts": list(told.values()), "seconds": 2 * WINDOW}
        async with self._opened().connection() as connection:
            cursor = await connection.execute(SHARE, values)
            self.limiter.shared(told, dict(await cursor.fetchall()))


def _parameters() -> dict[str, Any]:
    parameters = connections["default"].get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return {**parameters, "autocommit": True}


async def _configure(connection: AsyncConnection[Any]) -> None:
    # An answer of 202 promises that the body survives a crash, whatever the server's default is.
    await connection.execute("SET synchronous_commit TO on")
    await connection.execute("SET statement_timeout TO '5s'")


def _rate(known: int) -> int:
    try:
        return int(setting("ingest.rate_per_minute"))
    except Exception:
        logger.warning("could not read ingest.rate_per_minute", exc_info=True)
        return known
    finally:
        connections.close_all()
