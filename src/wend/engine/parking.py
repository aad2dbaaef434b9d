"""Inputs that were set aside because they failed: list, retry, skip (engine.md 14).

Both work under the cursor's row lock, which keeps the owner's batches out. A retry happens at the partition's
present log
time, the inputs keeping their own timestamps; its attempt is counted before it begins.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from functools import partial

from wend.core.profile import Profile
from wend.engine.around import Around
from wend.engine.batch import Batches
from wend.engine.person import Person
from wend.engine.sheet import Sheet
from wend.engine.write import write
from wend.store.codec import decode_state
from wend.store.log import partition_of
from wend.store.postgres import Connection, fetch_all, fetch_one, sql


@dataclass(frozen=True, slots=True)
class Parked:
    """An input that was set aside. `error` only on the one that failed; those behind it wait for it."""

    partition: int
    profile_id: int
    seq: int
    at: int
    kind: str
    payload: bytes
    reason: str
    error: str | None
    tries: int


async def list_parked(conn: Connection, limit: int = 200) -> list[Parked]:
    """Inputs that failed, and those behind them, person by person in order."""
    return [Parked(*row) for row in await fetch_all(conn, sql("parked_list"), (limit,))]


async def retry_parked(conn: Connection, batches: Batches, profile_id: int, *, clock: int | None) -> int:
    """Apply the failed inputs of a person again; returns how many remain parked. Commits.

    `clock`: real time now, None in replay mode.
    """
    partition = partition_of(profile_id, batches.partitions)
    await conn.execute(sql("parked_attempt"), (partition, profile_id, partition, profile_id))
    await conn.commit()
    held = await fetch_one(conn, sql("cursor_hold"), (partition,))
    if held is None:
        raise LookupError(f"partition {partition} has no cursor")
    _, at, outbox_seq, number, epoch = held
    failed = await fetch_all(conn, sql("parked_failed"), (partition, profile_id))
    if not failed:
        await conn.rollback()
        return 0
    waiting = await fetch_all(conn, sql("parked_waiting"), (partition, [profile_id]))
    plan = await batches.book.plan(conn, number)
    stored = await fetch_one(conn, sql("people_load"), (partition, [profile_id]))
    if stored is None:
        reload = partial(Profile, profile_id, plan=plan.number)
        person = Person(reload(), reload)
    else:
        reload = partial(decode_state, profile_id, stored[2], stored[3])
        person = Person(reload(), reload, due=stored[1], loaded=stored[2])
    if waiting:
        person.parked = "outcome"
    around = Around(plan, partial(batches.book.at, newest=number), at, clock)
    around.waiting[profile_id] = [row[:6] for row in waiting]
    rows = [(row[0], at, row[2], row[3], row[4], True) for row in failed if row[2] != "wake"]
    wakes_at = person.live(rows, around)
    sheet = Sheet(partition, batches.partitions, outbox_seq)
    try:
        sheet.add(person, wakes_at, around.seen, at)
    except Exception:  # noqa: BLE001 - the same as in a batch: it concerns this person only
        person.refuse(rows, around, traceback.format_exc())
        sheet.add(person, None, around.seen, at)
    kept = {one.seq for one in person.parkings}
    for one in person.parkings:
        one.tries = 0  # counted before the attempt
    sheet.parkings = [(*row[:-1], 0) for row in sheet.parkings]
    sheet.released += [(profile_id, row[0]) for row in failed if row[0] not in kept]
    await batches.days_for(conn, sheet)
    async with conn.pipeline():
        await write(conn, sheet, at)
        await conn.execute(sql("cursor_outbox"), (sheet.position, partition, epoch))
    await conn.commit()
    return len(kept)


async def skip_parked(
    conn: Connection, batches: Batches, profile_id: int, *, clock: int | None
) -> tuple[str, bytes] | None:
    """Drop the failed input of a person for good, then retry what stood behind it; commits.

    Returns the kind and payload of what was dropped, for the audit; None when nothing was parked.
    """
    partition = partition_of(profile_id, batches.partitions)
    await fetch_one(conn, sql("cursor_hold"), (partition,))
    row = await fetch_one(conn, sql("parked_skip"), (partition, profile_id, partition, profile_id))
    await conn.commit()
    if row is None:
        return None
    await retry_parked(conn, batches, profile_id, clock=clock)
    return row[1], row[2]
