"""One group of messages → one transaction: who is meant, refused items, rows for the log.

Rules: all or nothing; tried again where the database or another intake process asks for it (deadlock, lost race), and
where the connection was lost before the commit was sent. A commit that got no answer is not tried again: `StoreAway`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import psycopg
from psycopg_pool import PoolTimeout

from wend.intake.dead_letters import DeadLetter, keep
from wend.intake.identify import Plan
from wend.intake.items import Message
from wend.intake.resolve import Again, Needs, Resolver
from wend.store.clock import Clock
from wend.store.codec import decode_json
from wend.store.log import Appender
from wend.store.postgres import Connection, Pool, fetch_one, sql

_ATTEMPTS = 12
_LOST_ATTEMPTS = 3

AlsoWrite = Callable[[Connection], Awaitable[None]]


class StoreAway(Exception):
    """The database cannot be reached, or did not say whether it committed. Sending again is right."""


class WrongMode(Exception):
    """The workspace is in replay mode and this is live, or the other way round."""


class Writer:
    """Writes groups. Not for concurrent use: its owner gives it one group after the other.

    `store_seconds`: how long to wait for a connection.
    """

    def __init__(self, pool: Pool, appender: Appender, clock: Clock, *, store_seconds: float = 5.0) -> None:
        self._pool = pool
        self._appender = appender
        self._clock = clock
        self._patience = store_seconds
        self._resolver = Resolver()

    async def write(
        self,
        messages: Sequence[Message],
        letters: Sequence[DeadLetter] = (),
        *,
        timed: bool = False,
        first: AlsoWrite | None = None,
    ) -> Plan:
        """Commit `messages` in order, and `letters`. Returns what was decided.

        `timed`: rows enter the log at their own time (the workspace must be in replay mode, the messages sorted by time).
        `first` writes in the same transaction, before anything else. Raises StoreAway, WrongMode, or psycopg.Error when
        the database refuses what the group holds.
        """
        needs = Needs()
        attempt = lost = 0
        while True:
            attempt += 1
            try:
                return await self._attempt(messages, letters, needs, timed, first)
            except (Again, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure) as error:
                if attempt >= _ATTEMPTS:
                    raise StoreAway("other processes were faster every time") from error
                await asyncio.sleep(0.002 * attempt)
            except psycopg.errors.CheckViolation:
                if attempt >= 3:  # a day of the log was gone; the appender looks again
                    raise
            except _Lost as error:
                lost += 1
                if lost >= _LOST_ATTEMPTS:
                    raise StoreAway(str(error)) from error
            except (PoolTimeout, OSError, psycopg.OperationalError, psycopg.InterfaceError) as error:
                raise StoreAway(str(error)) from error

    async def _attempt(
        self,
        messages: Sequence[Message],
        letters: Sequence[DeadLetter],
        needs: Needs,
        timed: bool,
        first: AlsoWrite | None,
    ) -> Plan:
        async with self._pool.connection(timeout=self._patience) as conn:
            try:
                await self._check_mode(conn, timed)
                if first is not None:
                    await first(conn)
                now = self._clock.now_ms()
                plan = await self._resolver.resolve(conn, messages, now, needs, timed=timed)
                await keep(conn, letters, now)
                if timed:
                    await self._appender.append_timed(conn, plan.rows)
                else:
                    await self._appender.append(conn, [row for _, row in plan.rows])
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if conn.closed and not isinstance(error, psycopg.errors.DeadlockDetected):
                    raise _Lost(str(error)) from error
                raise
            await conn.commit()
        self._resolver.remember(plan)
        return plan

    async def _check_mode(self, conn: Connection, timed: bool) -> None:
        row = await fetch_one(conn, sql("mode_hold"))
        mode = "live" if row is None else decode_json(row[0])
        if mode != ("replay" if timed else "live"):
            raise WrongMode(f"the workspace is in mode {mode!r}")


class _Lost(Exception):
    """The connection broke before the commit was sent: nothing happened."""
