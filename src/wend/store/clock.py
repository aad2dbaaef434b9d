"""The database's clock, which is the only clock of the log (engine.md 1).

Hosts' clocks differ and jump; so each process keeps the offset between its monotonic clock and the database's clock,
measured again now and then. `now_ms` never asks the database.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import psycopg
from psycopg_pool import PoolTimeout

from wend.store.postgres import Connection, Pool, fetch_one

MAX_SKEW = 1_000
"""ms between this host's clock and the database's above which the process is not ready."""

_SAMPLES = 3


class Clock(Protocol):
    """Whatever tells real time in ms since 1970 UTC."""

    def now_ms(self) -> int: ...


async def now_ms(conn: Connection) -> int:
    """The database's clock, asked now."""
    row = await fetch_one(conn, "select (extract(epoch from clock_timestamp()) * 1000)::bigint")
    assert row is not None
    return int(row[0])


class DatabaseClock:
    """The database's clock as this process knows it. `await refresh(pool)` before the first use; `run` keeps it
    true."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._skew = 0

    @property
    def skew(self) -> int:
        """ms by which this host's wall clock is ahead of the database's, when last measured."""
        return self._skew

    @property
    def ready(self) -> bool:
        """Whether the clock was measured, and the two clocks differ by less than MAX_SKEW."""
        return self._offset is not None and abs(self._skew) <= MAX_SKEW

    def now_ms(self) -> int:
        """Now by the database's clock. RuntimeError before the first `refresh`."""
        if self._offset is None:
            raise RuntimeError("the database's clock was not measured yet: call refresh() first")
        return int(time.monotonic() * 1000 + self._offset)

    async def refresh(self, pool: Pool) -> None:
        """Measure the offset again: the best of a few round trips, assuming both ways take equally long."""
        best: tuple[float, float, float] | None = None
        async with pool.connection() as conn:
            for _ in range(_SAMPLES):
                before = time.monotonic() * 1000
                database = await now_ms(conn)
                after = time.monotonic() * 1000
                if best is None or after - before < best[0]:
                    middle = (before + after) / 2
                    best = (after - before, database - middle, time.time() * 1000 - after + middle - database)
        assert best is not None
        _, self._offset, skew = best
        self._skew = round(skew)

    async def run(self, pool: Pool, *, every: float = 10.0) -> None:
        """Measure again every `every` seconds until cancelled. An unreachable database leaves the last offset in
        force."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh(pool)
            except (OSError, psycopg.Error, PoolTimeout):
                continue
