"""What has to be done now and then beside the engine's own maintenance: refused input is kept for a limited time."""

from __future__ import annotations

import asyncio

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from wend.store.clock import DatabaseClock
from wend.store.days import DAY
from wend.store.postgres import Pool

_EVERY = 3600.0  # seconds
_LETTERS_KEPT = 90 * DAY

log = structlog.get_logger("wend.housekeeping")


async def housekeeping(pool: Pool, clock: DatabaseClock) -> None:
    """Runs until cancelled. A database that is away is tried again at the next turn."""
    while True:
        try:
            async with pool.connection() as conn:
                await conn.execute("delete from dead_letter where at < %s", (clock.now_ms() - _LETTERS_KEPT,))
        except (OSError, psycopg.Error, PoolTimeout) as error:
            log.warning("housekeeping failed, it is tried again", error=str(error))
        await asyncio.sleep(_EVERY)
