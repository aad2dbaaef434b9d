"""What has to be done now and then in a running workspace: days for the log made ahead, old ones dropped, refused input limited."""

from __future__ import annotations

import asyncio

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from wend.store import days
from wend.store.clock import DatabaseClock
from wend.store.postgres import Pool

_EVERY = 3600.0  # seconds
_LETTERS_KEPT = 90 * days.DAY

log = structlog.get_logger("wend.housekeeping")


async def housekeeping(pool: Pool, clock: DatabaseClock) -> None:
    """Runs until cancelled. A database that is away is tried again at the next turn."""
    while True:
        try:
            async with pool.connection() as conn:
                now = clock.now_ms()
                await days.create(conn, now, now + 3 * days.DAY)
                await conn.commit()
                dropped = await days.drop(conn, now, days.Retention())
                await conn.execute("delete from dead_letter where at < %s", (now - _LETTERS_KEPT,))
            if dropped:
                log.info("old days dropped", names=dropped)
        except (OSError, psycopg.Error, PoolTimeout) as error:
            log.warning("housekeeping failed, it is tried again", error=str(error))
        await asyncio.sleep(_EVERY)
