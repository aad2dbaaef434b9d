"""Who works on which partition: compare-and-swap on the cursor's epoch, leases, and even shares (engine.md 26).

Everybody sees everybody in the cursors themselves. A worker with less than its share takes what is free or expired, then
from whoever has most. Taking is always safe: a batch needs the row of its own epoch, so the loser of a partition notices at its
next batch and writes nothing.
"""

from __future__ import annotations

from collections import Counter

from wend.engine.batch import Lane
from wend.store.postgres import Connection, fetch_all, fetch_one, sql

LEASE = 10_000
"""ms for which a partition is claimed; renewed at half of it."""
FOR_EVER = 1 << 60
STOPPED = "stopped: "
"""An owner that begins so is a note for the operator: the partition has stopped (engine.md 14)."""


class Claims:
    """The partitions that one worker owns."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lanes: dict[int, Lane] = {}

    async def round(self, conn: Connection, now: int) -> None:
        """Renew, take over, level out. `now`: the database's clock. Commits."""
        await self._renew(conn, now)
        rows = await fetch_all(conn, sql("cursors_all"))
        await conn.commit()
        stopped = {row[0] for row in rows if (row[2] or "").startswith(STOPPED)}
        alive = {row[0]: row[2] for row in rows if row[2] and row[3] > now and row[0] not in stopped}
        epochs = {row[0]: row[1] for row in rows}
        for partition in [one for one, lane in self.lanes.items() if epochs.get(one) != lane.epoch]:
            del self.lanes[partition]
        workers = {*alive.values(), self.name}
        available = len(rows) - len(stopped)
        most = -(-available // len(workers))
        free = [row for row in rows if row[0] not in alive and row[0] not in stopped]
        for partition, epoch, owner, _ in free:
            if len(self.lanes) >= most:
                break
            # Its owner died in the middle of something: count that against what it was trying.
            await self._claim(conn, partition, epoch, now, tries=1 if owner else 0)
        least = available // len(workers)
        if len(self.lanes) < least:
            await self._level(conn, now, alive, epochs, most, least)

    async def _level(
        self, conn: Connection, now: int, alive: dict[int, str], epochs: dict[int, int], most: int, least: int
    ) -> None:
        owned = Counter(owner for owner in alive.values() if owner != self.name)
        for partition, owner in alive.items():
            if len(self.lanes) >= least:
                return
            if owner != self.name and owned[owner] > least and (owned[owner] > most or len(self.lanes) < least):
                owned[owner] -= 1
                await self._claim(conn, partition, epochs[partition], now, tries=0)

    async def _claim(self, conn: Connection, partition: int, epoch: int, now: int, *, tries: int) -> None:
        row = await fetch_one(conn, sql("cursor_claim"), (self.name, now + LEASE, tries, partition, epoch))
        await conn.commit()
        if row is not None:
            epoch, seq, at = row
            self.lanes[partition] = Lane(partition, epoch, seq, at)

    async def _renew(self, conn: Connection, now: int) -> None:
        if self.lanes:
            await conn.execute(sql("cursors_renew"), (now + LEASE, list(self.lanes), self.name, now + LEASE // 2))
            await conn.commit()

    async def release(self, conn: Connection) -> None:
        """Give everything back, so that others need not wait for the leases to run out. Commits."""
        if self.lanes:
            await conn.execute(sql("cursors_release"), (list(self.lanes), self.name))
            await conn.commit()
            self.lanes.clear()

    async def stop_partition(self, conn: Connection, lane: Lane, why: str) -> None:
        """Stop a partition until `resume_partition`; the note in `owner` says why. Commits."""
        note = f"{STOPPED}{why}"[:500]
        await conn.execute(sql("cursor_stop"), (note, FOR_EVER, lane.partition, lane.epoch))
        await conn.commit()
        self.lanes.pop(lane.partition, None)


async def resume_partition(conn: Connection, partition: int) -> bool:
    """Let a stopped partition go on, inside the caller's transaction; False when it was not stopped."""
    return (await conn.execute(sql("cursor_resume"), (partition,))).rowcount == 1


async def stopped_partitions(conn: Connection) -> dict[int, str]:
    """partition → why it has stopped."""
    rows = await fetch_all(conn, sql("cursors_all"))
    return {row[0]: row[2][len(STOPPED) :] for row in rows if (row[2] or "").startswith(STOPPED)}
