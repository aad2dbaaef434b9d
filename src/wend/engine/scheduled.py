"""Publications that are to happen at an instant: each exactly once, by whichever process comes first.

Rules: the row is locked while its document is published, in the same transaction; so a process that is killed in the middle leaves
it waiting, and another that waited for the lock finds it done. Due ones go in order of time. A document that cannot be published
(any more) is not published, its row says why (`failed`); nothing of it is applied. After the server was away it happens late. While
the workspace is in replay mode nothing happens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from wend.core.plan import Policy
from wend.store.clock import Clock, now_ms
from wend.store.codec import decode_json, encode_json
from wend.store.mode import mode
from wend.store.postgres import Connection, Pool, fetch_all, fetch_one

log = logging.getLogger("wend.engine")

_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One of them. `status`: waiting · published (as `version`) · failed (`why`) · cancelled. Times in ms UTC."""

    id: int
    journey: str
    at: int
    document: dict[str, Any]
    policy: Policy
    mapping: dict[str, str] | None
    status: str
    why: str
    version: int
    who: str


Publish = Callable[[Connection, Scheduled], Awaitable[int]]
"""Publishes in the transaction of the connection and gives the version. Raises ValueError with all that is in the way."""


async def schedule(
    conn: Connection,
    document: dict[str, Any],
    at: int,
    *,
    policy: Policy,
    mapping: Mapping[str, str] | None,
    who: str,
) -> int:
    """Remember that `document` is to be published at `at` (real time); returns the number under which it can be cancelled."""
    now = await now_ms(conn)
    row = await fetch_one(
        conn,
        "insert into scheduled (journey, at, document, policy, mapping, who, created_at, updated_at)"
        " values (%s, %s, %s::json, %s, %s::json, %s, %s, %s) returning id",
        (
            document["id"],
            at,
            encode_json(document).decode(),
            policy,
            None if mapping is None else encode_json(dict(mapping)).decode(),
            who,
            now,
            now,
        ),
    )
    assert row is not None
    return int(row[0])


async def cancel(conn: Connection, id: int) -> bool:
    """Let it not happen; False: it does not wait (any more)."""
    done = await conn.execute(
        "update scheduled set status = 'cancelled', updated_at = %s where id = %s and status = 'waiting'",
        (await now_ms(conn), id),
    )
    return done.rowcount == 1


async def listed(conn: Connection, journey: str | None = None, *, limit: int = 100) -> list[Scheduled]:
    """Those of a journey (None: of all), the latest first."""
    rows = await fetch_all(
        conn,
        "select id, journey, at, document, policy, mapping, status, why, version, who from scheduled"
        " where journey = coalesce(%s, journey) order by id desc limit %s",
        (journey, limit),
    )
    return [_of(row) for row in rows]


async def publish_next(conn: Connection, publish: Publish, now: int) -> Scheduled | None:
    """Publish the next one that is due at `now`, and commit; returns it as it is then. None: nothing is due."""
    if await mode(conn) == "replay":
        await conn.commit()
        return None
    row = await fetch_one(
        conn,
        "select id, journey, at, document, policy, mapping, status, why, version, who from scheduled"
        " where status = 'waiting' and at <= %s order by at, id limit 1 for update",
        (now,),
    )
    if row is None:
        await conn.commit()
        return None
    found = _of(row)
    status, why, version = "published", "", 0
    try:
        async with conn.transaction():
            version = await publish(conn, found)
    except ValueError as error:
        status, why = "failed", str(error)
        log.error("the publication of journey %s that was set for %s failed: %s", found.journey, found.at, why)
        await conn.execute(
            "insert into audit (at, who, what, detail) values (%s, %s, %s, %s::json)",
            (
                await now_ms(conn),
                f"schedule of {found.who}",
                f"publication {found.id} of journey {found.journey} failed",
                encode_json({"why": why}).decode(),
            ),
        )
    await conn.execute(
        "update scheduled set status = %s, why = %s, version = %s, updated_at = %s where id = %s",
        (status, why, version, await now_ms(conn), found.id),
    )
    await conn.commit()
    return Scheduled(
        found.id, found.journey, found.at, found.document, found.policy, found.mapping, status, why, version, found.who
    )


async def publish_scheduled(pool: Pool, clock: Clock, publish: Publish, *, every: float = _EVERY) -> None:
    """Publish what is due, until cancelled. A database that is away is tried again."""
    while True:
        try:
            async with pool.connection() as conn:
                while await publish_next(conn, publish, clock.now_ms()) is not None:
                    pass
        except (psycopg.Error, PoolTimeout, OSError) as error:
            log.warning("publishing what is scheduled will be tried again: %s", error)
        await asyncio.sleep(every)


def _of(row: tuple[Any, ...]) -> Scheduled:
    id, journey, at, document, policy, mapping, *rest = row
    return Scheduled(
        id, journey, at, decode_json(document), policy, None if mapping is None else decode_json(mapping), *rest
    )
