"""What has to be done now and then beside the engine's own maintenance: refused input, alerts and broadcasts are kept for a limited time, and what is
learned from everybody is learned anew now and then, where a setting says so or a journey reads it (learning.py)."""

from __future__ import annotations

import asyncio

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from wend.commands.errors import UserError
from wend.commands.learning import SUBJECTS, publish
from wend.engine.plans import load_plan
from wend.store.clock import DatabaseClock
from wend.store.days import DAY
from wend.store.postgres import Connection, Pool, fetch_one, sql

_EVERY = 3600.0  # seconds
_LETTERS_KEPT = 90 * DAY
_ALERTS_KEPT = 180 * DAY
_BROADCASTS_KEPT = 90 * DAY

log = structlog.get_logger("wend.housekeeping")


async def housekeeping(pool: Pool, clock: DatabaseClock) -> None:
    """Runs until cancelled. A database that is away is tried again at the next turn."""
    while True:
        try:
            async with pool.connection() as conn:
                await conn.execute("delete from dead_letter where at < %s", (clock.now_ms() - _LETTERS_KEPT,))
                old = "delete from alert where at < %s and status not in ('queued', 'sending')"
                await conn.execute(old, (clock.now_ms() - _ALERTS_KEPT,))
                await conn.execute("delete from broadcast where ended_at < %s", (clock.now_ms() - _BROADCASTS_KEPT,))
            for subject in SUBJECTS:
                async with pool.connection() as conn:
                    await relearn(conn, subject, clock.now_ms())
        except (OSError, psycopg.Error, PoolTimeout) as error:
            log.warning("housekeeping failed, it is tried again", error=str(error))
        await asyncio.sleep(_EVERY)


async def relearn(conn: Connection, subject: str, now: int) -> bool:
    """Learn the subject anew, if it is wanted and was not learned for its time; whether that was so.

    Of several servers one does it: whoever is first writes down when.
    """
    found = SUBJECTS[subject]
    if not found.wanted(await load_plan(conn)):
        return False
    claim = {"name": f"learned {subject}", "now": now, "for": found.every}
    if await fetch_one(conn, sql("learned_claim"), claim) is None:
        return False
    try:
        said = await publish(conn, subject, who="housekeeping")
    except UserError as error:
        said = error.what
    log.info("learned", subject=subject, result=said)
    return True
