"""Reading the log for a segment that is being back-filled: once, in chunks of rows, kept by person until the people are judged.

The log has no index by person, and must not pay for one. Staged are the events that the segment's condition remembers.
Rows of the log never change, so this needs no lock but that of its progress.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wend.core.inputs import Event
from wend.core.plan import Plan
from wend.core.recall import Heard, events_of, needs_properties, reaches_back
from wend.core.segment import Segment
from wend.store.arrays import int8_array
from wend.store.codec import decode_input
from wend.store.log import partition_of
from wend.store.postgres import Connection, fetch_all, fetch_one, sql

Past = tuple[int, int, Event]
"""seq, log time, event."""
CHUNK = 50_000
"""Rows of the log looked at in one transaction."""


async def stage(
    conn: Connection, plan: Plan, segment: Segment, partition: int, began: int, *, upto: int | None = None
) -> bool:
    """Look at the next chunk of the partition's log (up to `upto`; None: as far as it is applied); False: there was none.

    `began`: when the segment was published. In the caller's transaction, which then holds the lock of the progress.
    """
    row = await fetch_one(conn, sql("backfill_take"), (segment.id, segment.version, partition))
    if row is None:
        return False
    staged, oldest, was_ready = row[:3]
    if upto is None:
        cursor = await fetch_one(conn, sql("cursor_seq"), (partition,))
        upto = 0 if cursor is None else int(cursor[0])
    if staged == 0:
        first = await fetch_one(conn, sql("log_oldest"), (partition,))
        if first is not None and first[0] > 1:
            oldest, staged = first[1], first[0] - 1
    end = min(staged + CHUNK, upto)
    if end <= staged and was_ready:
        return False
    names = events_of(segment)
    if not names:
        end = upto  # there is nothing to look for
    elif end > staged:
        await conn.execute(
            sql("stage"),
            {
                "segment": segment.id,
                "version": segment.version,
                "partition": partition,
                "after": staged,
                "upto": end,
                "since": reaches_back(plan, segment, began),
                "whole": needs_properties(segment),
                "all": "*" in names,
                "names": list(names),
            },
        )
    done = end >= upto
    await conn.execute(sql("backfill_staged"), (max(staged, end), oldest, done, segment.id, segment.version, partition))
    return True


@dataclass(slots=True)
class Pasts:
    """What some people of a partition did, as far as it was staged."""

    rows: dict[int, list[Past]] = field(default_factory=dict)
    absorbed: dict[int, list[int]] = field(default_factory=dict)
    """survivor → who was absorbed."""

    def of(self, person: int, *, alone: bool, unheard: frozenset[int]) -> list[Heard]:
        """What the person did, and everybody who became them (unless `alone`), in order of log time.

        `unheard`: rows of the person's own log that were set aside.
        """
        own = [(at, event) for seq, at, event in self.rows.get(person, ()) if seq not in unheard]
        others = [] if alone else self.absorbed.get(person, ())
        theirs = [(at, event) for one in others for _, at, event in self.rows.get(one, ())]
        return sorted([*theirs, *own], key=lambda one: one[0]) if theirs else own


async def pasts(conn: Connection, segment: Segment, ids: Iterable[int], partitions: int) -> Pasts:
    """What was staged of these people, and of everybody who became one of them."""
    wanted = list(ids)
    found = Pasts()
    if not wanted:
        return found
    for absorbed, survivor in await fetch_all(conn, sql("alias_of"), (int8_array(wanted),)):
        found.absorbed.setdefault(survivor, []).append(absorbed)
        wanted.append(absorbed)
    args = ([partition_of(id, partitions) for id in wanted], int8_array(wanted), segment.id, segment.version)
    for id, seq, at, payload in await fetch_all(conn, sql("staged_rows"), args):
        event = decode_input(Event.KIND, payload)
        assert isinstance(event, Event)
        found.rows.setdefault(id, []).append((seq, at, event))
    return found
