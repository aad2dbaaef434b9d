"""Appending to the log: the only way in which anything becomes known (engine.md 1, 23).

Rules: heads are locked in ascending order in one statement; a row's `at` is the log time that the locked heads give,
so it
never runs backwards within a partition and no reader can overlook a row; all rows of one call get one `at`. The caller
owns the transaction: what it accepts is durable when it has committed. Group commit (many requests, one call) is
intake's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct

import psycopg

from wend.store.days import DAY, Known
from wend.store.postgres import Connection, sql

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
# 7 columns; then (length, value) of partition, seq, at, profile_id; the rest of the row is put behind.
_ROW = Struct(">hiiiqiqiq")
_HASHED = Struct(">iqi")
_UNHASHED = Struct(">ii")
_LENGTH = Struct(">i")


@dataclass(frozen=True, slots=True)
class NewInput:
    """One input on its way into the log: a person's, with its JSON payload (codec.encode_input)."""

    profile_id: int
    kind: str
    payload: bytes
    message_hash: int | None = None


def partition_of(profile_id: int, partitions: int) -> int:
    """The partition of a person. Profile ids are random positive 63-bit numbers, so the remainder spreads evenly."""
    return profile_id % partitions


def message_hash(message_id: str) -> int:
    """The first 64 bits of the message id's BLAKE2b, signed: what `seen` remembers."""
    digest = blake2b(message_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


async def partitions(conn: Connection) -> int:
    """The workspace's number of partitions."""
    row = await (await conn.execute(sql("partitions_get"))).fetchone()
    if row is None:
        raise RuntimeError("the workspace has no number of partitions: run `wend migrate`")
    return int(row[0])


class Appender:
    """Appends to the log of one workspace. `partitions`: the workspace's number (see `partitions`)."""

    def __init__(self, partitions: int, *, days: Known | None = None) -> None:
        self.partitions = partitions
        self._days = Known() if days is None else days

    async def append(self, conn: Connection, rows: Sequence[NewInput], *, at: int | None = None) -> int:
        """Append `rows`, in order, inside the caller's transaction; returns their log time (ms UTC).

        `at` takes the place of the database's clock in replay mode. Either way the log time is not before what the
        heads concerned have reached. Returns 0 when there are no rows.
        """
        count = self.partitions
        return await self.append_to(conn, [(row.profile_id % count, row) for row in rows], at=at)

    async def append_to(self, conn: Connection, rows: Sequence[tuple[int, NewInput]], *, at: int | None = None) -> int:
        """The same for rows that name their partition (rows of profile 0 belong to a partition, not to a person)."""
        if not rows:
            return 0
        heads, clock = await lock_heads(conn, sorted({partition for partition, _ in rows}))
        now = max(max(reached for _, reached in heads.values()), clock if at is None else at)
        await self._write(conn, heads, [(partition, now, row) for partition, row in rows])
        return now

    async def append_timed(self, conn: Connection, rows: Sequence[tuple[int, NewInput]]) -> int:
        """Append (at, input) pairs, sorted by at, each at its own time (replay mode only). Returns the last log time
        used."""
        if not rows:
            return 0
        count = self.partitions
        heads, _ = await lock_heads(conn, sorted({row.profile_id % count for _, row in rows}))
        last = {partition: reached for partition, (_, reached) in heads.items()}
        placed: list[tuple[int, int, NewInput]] = []
        for at, row in rows:
            partition = row.profile_id % count
            last[partition] = max(last[partition], at)
            placed.append((partition, last[partition], row))
        await self._write(conn, heads, placed)
        return max(last.values())

    async def _write(
        self, conn: Connection, heads: dict[int, tuple[int, int]], rows: Iterable[tuple[int, int, NewInput]]
    ) -> None:
        ends = dict(heads)
        parts = [_SIGNATURE]
        put = parts.append
        pack = _ROW.pack
        kinds: dict[str, bytes] = {}
        days: set[int] = set()
        for partition, at, row in rows:
            seq = ends[partition][0] + 1
            ends[partition] = (seq, at)
            kind = kinds.get(row.kind)
            if kind is None:
                name = row.kind.encode()
                kind = kinds[row.kind] = _LENGTH.pack(len(name)) + name
            days.add(at // DAY)
            put(pack(7, 4, partition, 8, seq, 8, at, 8, row.profile_id))
            put(kind)
            payload = row.payload
            if row.message_hash is None:
                put(_UNHASHED.pack(-1, len(payload)))
            else:
                put(_HASHED.pack(8, row.message_hash, len(payload)))
            put(payload)
        put(_TRAILER)
        for day in days:
            await self._days.ensure(conn, day * DAY, day * DAY)
        names = list(ends)
        await conn.execute(
            sql("heads_advance"), (names, [ends[name][0] for name in names], [ends[name][1] for name in names])
        )
        try:
            async with conn.cursor() as cursor, cursor.copy(sql("log_copy")) as copy:
                await copy.write(b"".join(parts))
        except psycopg.errors.CheckViolation:
            # A day that was known is gone (rolled back, or dropped as too old): look again at the caller's next try.
            self._days.forget()
            raise


async def lock_heads(conn: Connection, wanted: list[int] | None = None) -> tuple[dict[int, tuple[int, int]], int]:
    """Lock the heads of `wanted` (None: all) in ascending order.

    Returns partition → (seq, at), and the database's clock in ms. RuntimeError when a partition has no head.
    """
    if wanted is None:
        cursor = await conn.execute(sql("heads_lock_all"), binary=True)
    else:
        cursor = await conn.execute(sql("heads_lock"), (wanted,), binary=True)
    found = await cursor.fetchall()
    if not found or (wanted is not None and len(found) != len(wanted)):
        raise RuntimeError("a partition has no head: run `wend migrate`")
    return {row[0]: (row[1], row[2]) for row in found}, max(row[3] for row in found)


_appenders: dict[str, Appender] = {}


async def append(conn: Connection, rows: Sequence[NewInput], *, at: int | None = None) -> int:
    """`Appender.append` for callers that keep none: the number of partitions is looked up once per process and
    workspace."""
    workspace = f"{conn.info.host}:{conn.info.port}/{conn.info.dbname}?{conn.info.get_parameters().get('options', '')}"
    appender = _appenders.get(workspace)
    if appender is None:
        appender = _appenders[workspace] = Appender(await partitions(conn))
    return await appender.append(conn, rows, at=at)
