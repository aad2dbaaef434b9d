"""Making day ranges ahead, dropping old ones; one process of a workspace is enough, several do no harm."""

from __future__ import annotations

import asyncio
import logging

import psycopg
from psycopg_pool import PoolTimeout

from wend.engine.observe import observe
from wend.store import days
from wend.store.clock import Clock
from wend.store.mode import mode
from wend.store.postgres import Pool

log = logging.getLogger("wend.engine")

_AHEAD = 3 * days.DAY


async def maintain(
    pool: Pool, clock: Clock, retention: days.Retention | None = None, *, archived_until: int | None = None
) -> list[str]:
    """One round: make the ranges of the next days, drop those that nobody needs, look at a sample of what came in; returns what
    was dropped."""
    async with pool.connection() as conn:
        now = clock.now_ms()
        await days.create(conn, now - days.DAY, now + _AHEAD)
        await conn.commit()
        if await mode(conn) == "replay":
            return []
        await conn.commit()
        dropped = await days.drop(conn, now, retention or days.Retention(), archived_until=archived_until)
        await conn.commit()
        await observe(conn, now)
        return dropped


async def maintain_forever(
    pool: Pool, clock: Clock, retention: days.Retention | None = None, *, every: float = 3600.0
) -> None:
    """A round at once and then every `every` seconds, until cancelled."""
    while True:
        try:
            dropped = await maintain(pool, clock, retention)
            if dropped:
                log.info("dropped %s", ", ".join(dropped))
        except (psycopg.Error, PoolTimeout, OSError) as error:
            log.warning("maintenance will be tried again: %s", error)
        await asyncio.sleep(every)
