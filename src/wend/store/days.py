"""Ranges of the tables that are kept by time: log and step by day, seen by seven days (engine.md 10, 24).

A range is made as a table of its own and then attached: that does not block writers, `create … partition of` would.
Makers are serialised by the lock row of `migration`, taken before any head. Dropping waits at most a moment for the
lock (the next round tries again), and a log day goes only when every cursor, parked row and the archive have passed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString, cast

import psycopg

from wend.store.postgres import Connection, fetch_all, fetch_one, sql

DAY = 86_400_000
_WIDTHS: dict[str, int] = {"log": DAY, "step": DAY, "seen": 7 * DAY}
_LOCK_TIMEOUT = "2s"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the tables kept by time keep their rows, in ms."""

    log: int = 400 * DAY
    step: int = 400 * DAY
    seen: int = 7 * DAY


def range_name(table: str, start: int) -> str:
    """Name of the range of `table` that begins at `start` (ms UTC): `log_20261122`."""
    return f"{table}_{datetime.fromtimestamp(start / 1000, UTC):%Y%m%d}"


def range_start(table: str, at: int) -> int:
    """The start of the range of `table` that holds `at`."""
    return at - at % _WIDTHS[table]


class Known:
    """Which days this process knows to exist, so that the hot path asks nobody. One per process and workspace."""

    def __init__(self) -> None:
        self._days: set[int] = set()

    async def ensure(self, conn: Connection, from_ms: int, to_ms: int) -> None:
        """Make sure that rows with `at` in [from_ms, to_ms] have a place, in all three tables."""
        missing = [day for day in range(from_ms // DAY, to_ms // DAY + 1) if day not in self._days]
        if missing:
            await create(conn, missing[0] * DAY, missing[-1] * DAY)
            # Remembered although the caller's transaction may still roll back: `forget` is for that.
            self._days.update(missing)

    def has(self, at: int) -> bool:
        """Whether the day of `at` is known to exist."""
        return at // DAY in self._days

    def forget(self) -> None:
        """Know nothing any more (a transaction that made days was rolled back)."""
        self._days.clear()


async def create(conn: Connection, from_ms: int, to_ms: int) -> int:
    """Create the missing ranges that cover [from_ms, to_ms]; returns how many were made. Inside the caller's
    transaction."""
    wanted = [
        (range_name(table, start), table, start, start + width)
        for table, width in _WIDTHS.items()
        for start in range(range_start(table, from_ms), to_ms + 1, width)
    ]
    missing = await _missing(conn, wanted)
    if missing:
        await fetch_one(conn, "select number from migration where number = 0 for update")
        missing = await _missing(conn, missing)
    for name, table, start, end in missing:
        made = cast("LiteralString", name)
        parent = cast("LiteralString", table)
        await conn.execute(f"create table {made} (like {parent} including defaults including constraints)")
        await conn.execute(
            cast("LiteralString", f"alter table {parent} attach partition {made} for values from ({start}) to ({end})")
        )
    return len(missing)


async def _missing(conn: Connection, wanted: list[tuple[str, str, int, int]]) -> list[tuple[str, str, int, int]]:
    rows = await fetch_all(conn, sql("days_existing"), ([name for name, *_ in wanted],))
    existing = {row[0] for row in rows}
    return [entry for entry in wanted if entry[0] not in existing]


async def drop(conn: Connection, now: int, retention: Retention, *, archived_until: int | None = None) -> list[str]:
    """Drop the ranges that nobody needs any more; returns their names. Commits range by range.

    `archived_until`: instant up to which the archive has the log; None: there is no archive to wait for.
    A range whose lock is not to be had at once is left for the next call.
    """
    row = await fetch_one(conn, sql("log_needed_from"))
    assert row is not None
    needed = int(row[0]) if row[0] is not None else now
    if archived_until is not None:
        needed = min(needed, archived_until)
    limits = {
        "log": min(now - retention.log, needed),
        "step": now - retention.step,
        "seen": now - retention.seen,
    }
    # Only of days that are dropped by now, or below.
    await conn.execute(sql("left_out_drop"), (limits["log"] - DAY,))
    await conn.commit()
    dropped: list[str] = []
    for table, limit in limits.items():
        for (name,) in await fetch_all(conn, sql("days_of"), (table,)):
            start = int(datetime.strptime(name.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC).timestamp() * 1000)
            if start + _WIDTHS[table] > limit:
                continue
            try:
                await conn.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                await conn.execute(cast("LiteralString", f"drop table {name}"))
                await conn.commit()
                dropped.append(name)
            except psycopg.errors.LockNotAvailable:
                await conn.rollback()
        await conn.commit()
    return dropped
