"""One batch of one partition: one transaction that reads rows and due wakes, applies them and writes what came of it.

The order of things (engine.md 1–3, 26): the cursor row is locked under our epoch and must be there; rows up to the
tick;
wakes up to the horizon, which is the tick, or the last row where the rows were cut (by the limit, or behind a change of
the plan), or the last wake where those were cut; then the cursor advances, touching exactly one row.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import AsyncCursor

from wend.core.plan import Plan
from wend.core.profile import Profile
from wend.engine.around import Around, Row
from wend.engine.erase import erase
from wend.engine.expand import LogRow, expanded, fitting, without_strangers
from wend.engine.person import SEEN, Person
from wend.engine.plans import PlanBook
from wend.engine.sheet import Sheet
from wend.engine.switch import switch
from wend.engine.write import write
from wend.store.arrays import int8_array
from wend.store.codec import decode_json, decode_state
from wend.store.days import DAY, Known
from wend.store.postgres import Connection, sql

log = logging.getLogger("wend.engine")

BATCH = 2_000
_END_WAITS = frozenset({"merge_state", "feedback", "answer"})
"""Kinds of inputs after which a person may go on who stands still (person.py)."""
_STOP_SHARE = 0.05
_STOP_LEAST = 20
_JUDGED = 4_000
_SWEPT = ("publish", "pause", "resume", "stop")
_EACH = 10
"""ms for each person of a partition, when all of them are to be lifted."""
_CARE = (0, 0, 5, 8, 16)
"""After n failed attempts a batch is 2^-_CARE[n] of its size."""
_LAST_ATTEMPT = 8
"""Attempts at one single row that ended a worker; then it is parked unread."""


# seq, at, kind, message hash, payload, False, profile
_LogRow = tuple[int, int, str, int | None, bytes, bool, int]


class Fenced(Exception):
    """Somebody else owns the partition now."""


class TooManyFailures(Exception):
    """More than 5 % of a partition's inputs fail: it must stop, and an operator look at it (engine.md 14)."""


@dataclass(slots=True)
class Lane:
    """A partition that we own, and what we remember of its cursor."""

    partition: int
    epoch: int
    seq: int = 0
    at: int = 0
    outbox_seq: int = 0
    plan: int = 0
    tries: int = 0
    care: int = 0
    careful_until: int = 0
    """A batch up to this seq failed `care` times: go in small steps until it is passed."""
    judged: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """Rows up to `seq` are committed, later ones are never older than `at`."""

    at: int
    seq: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a batch did. `more`: there may be more to do up to the same tick."""

    rows: int
    wakes: int
    applied: int
    duplicates: int
    sends: int
    relays: int
    steps: int
    failed: int
    largest_state: int
    horizon: int
    more: bool


async def raise_head(conn: Connection, partition: int, now: int) -> Tick:
    """The tick: a transaction of its own that raises the head to `now` (engine.md 2).

    It need not be durable by itself: whatever is built on it is committed after it.
    """
    async with conn.pipeline():
        await conn.execute("set local synchronous_commit = off")
        cursor = await conn.execute(sql("tick"), (now, partition))
        await conn.commit()
    row = await cursor.fetchone()
    if row is None:
        raise Fenced(f"partition {partition} has no head")
    return Tick(row[0], row[1])


class Batches:
    """Runs batches for one process: it shares the plans and the known days."""

    def __init__(self, partitions: int, *, batch: int = BATCH, erasure_key: bytes | None = None) -> None:
        """`erasure_key`: key of the HMACs that keep an erased person's suppressed addresses suppressed."""
        self.partitions = partitions
        self.batch = batch
        self.book = PlanBook()
        self.days = Known()
        self._erasure_key = erasure_key

    async def run(self, conn: Connection, lane: Lane, tick: Tick, *, clock: int | None, lease: int = 0) -> Result:
        """Apply one batch of `lane` up to `tick` and commit. `clock`: real time now (None: replay); `lease`: until
        when the
        partition is ours, at least.

        Raises Fenced, TooManyFailures, or what the database raises; nothing of the batch remains then.
        """
        try:
            return await self._run(conn, lane, tick, clock, lease)
        except BaseException:
            await conn.rollback()
            raise

    async def _run(self, conn: Connection, lane: Lane, tick: Tick, clock: int | None, lease: int) -> Result:
        limit = self._limit(lane, tick)
        rows, has_parked = await self._take(conn, lane, tick, limit)
        if (smaller := self._limit(lane, tick)) < limit:
            limit = smaller  # attempts of a predecessor, of which we only know now
            rows = rows[:limit]
        horizon, cut = tick.at, len(rows) == limit
        if (most := fitting(rows)) < len(rows):
            rows, cut = rows[:most], True
        if cut:
            horizon = rows[-1][1]
        change: int | None = None
        for place, row in enumerate(rows):
            if row[2] == "plan":
                horizon, cut = row[1], cut or rows[-1] is not row
                rows = rows[: place + 1]
                change = int(decode_json(row[4])["number"])
                break
        if lane.at > horizon:
            horizon = lane.at
        people_rows = expanded(rows if change is None else rows[:-1])
        plan = await self.book.plan(conn, lane.plan)
        people, by_person, around, lowered = await self._load(
            conn, lane, people_rows, horizon, limit, has_parked, plan, clock
        )
        if lowered is not None:
            # More wakes than a batch takes: go only as far as they do, the rest waits for the next batch.
            horizon = around.horizon = lowered
            rows = [row for row in rows if row[1] < horizon]
            change = None
            by_person = _by_person(expanded(rows))
            without_strangers(people, by_person)
        if lane.tries >= _LAST_ATTEMPT and limit == 1:
            for person in people.values():
                person.refuse(by_person.get(person.profile.id, []), around, "its attempts ended the worker")
        sheet = Sheet(lane.partition, self.partitions, lane.outbox_seq)
        counts = _apply(people, by_person, around, sheet, horizon)
        self._judge(lane, counts[0] + counts[1], counts[3])
        seq = rows[-1][0] if rows else lane.seq
        if not (cut or lowered is not None or change is not None):
            seq = max(seq, tick.seq)
        after = lane.plan if change is None else change
        await self.days_for(conn, sheet)
        everybody = change is not None and (await self.book.plan(conn, change)).concerns_everybody(change)
        async with conn.pipeline():
            await write(conn, sheet, horizon)
            if change is not None:
                await self._sweep(conn, lane.partition, change, horizon, everybody)
            advance = (
                None if sheet.erased else await self._advance(conn, lane, seq, horizon, sheet.position, after, lease)
            )
        if advance is None:
            await erase(conn, lane.partition, self.partitions, sheet, self._erasure_key)
            advance = await self._advance(conn, lane, seq, horizon, sheet.position, after, lease)
        if advance.rowcount != 1:
            raise Fenced(f"partition {lane.partition}: the cursor did not advance")
        await conn.commit()
        lane.seq, lane.at, lane.outbox_seq, lane.plan, lane.tries = seq, horizon, sheet.position, after, 0
        if seq >= lane.careful_until:
            lane.care = 0
        return Result(
            rows=len(rows),
            wakes=counts[1],
            applied=counts[0],
            duplicates=counts[2],
            sends=len(sheet.outbox),
            relays=len(sheet.relays),
            steps=len(sheet.steps),
            failed=counts[3],
            largest_state=sheet.largest,
            horizon=horizon,
            more=cut or lowered is not None or change is not None,
        )

    def _limit(self, lane: Lane, tick: Tick) -> int:
        """How many rows and wakes a batch takes: fewer and fewer where attempts have failed."""
        if lane.tries > max(1, lane.care):
            lane.care, lane.careful_until = lane.tries, tick.seq
        return max(1, self.batch >> _CARE[min(lane.care, len(_CARE) - 1)])

    async def _take(self, conn: Connection, lane: Lane, tick: Tick, limit: int) -> tuple[list[_LogRow], bool]:
        """Lock the cursor and read the rows behind it; also whether anybody of the partition is parked."""
        partition = lane.partition
        async with conn.pipeline():
            cursor = await conn.execute(sql("cursor_take"), (partition, lane.epoch), binary=True)
            rows = await _read_log(conn, lane, tick, limit)
        taken = await cursor.fetchone()
        if taken is None:
            raise Fenced(f"partition {partition} belongs to somebody else")
        seq, lane.at, lane.outbox_seq, lane.plan, lane.tries, has_parked = taken
        if seq != lane.seq:
            lane.seq = seq
            rows = await _read_log(conn, lane, tick, limit)
        return await rows.fetchall(), has_parked

    async def _load(
        self,
        conn: Connection,
        lane: Lane,
        rows: Sequence[LogRow],
        horizon: int,
        limit: int,
        has_parked: bool,
        plan: Plan,
        clock: int | None,
    ) -> tuple[dict[int, Person], dict[int, list[Row]], Around, int | None]:
        """The people of `rows` and of the due wakes, their rows, what they share, and the horizon if wakes were cut."""
        partition = lane.partition
        by_person = _by_person(rows)
        hashed = [(row[6], row[3]) for row in rows if row[3] is not None]
        kinds = {row[2] for row in rows}
        ids = list(by_person)
        packed = int8_array(ids)
        since = rows[0][1] - SEEN if rows else 0
        parked = waiting = heard = seen = loaded = None
        async with conn.pipeline():
            wakes = await conn.execute(sql("wakes_due"), (partition, horizon, limit), binary=True)
            if ids:
                loaded = await conn.execute(sql("people_load"), (partition, packed), binary=True)
            if hashed:
                seen = await conn.execute(
                    sql("seen_find"),
                    (*(int8_array(column) for column in zip(*hashed, strict=True)), partition, since),
                    prepare=False,
                    binary=True,
                )
            if has_parked:
                parked = await conn.execute(sql("parked_people"), (partition, ids), binary=True)
                if not kinds.isdisjoint(_END_WAITS):
                    waiting = await conn.execute(sql("parked_waiting"), (partition, ids), binary=True)
            if "merge_out" in kinds:
                absorbed = list({row[6] for row in rows if row[2] == "merge_out"})
                heard = await conn.execute(sql("seen_of"), (partition, absorbed, since), binary=True)
        around = Around(plan, partial(self.book.at, newest=lane.plan), horizon, clock)
        for result in (seen, heard):
            if result is not None:
                for id, hash, at in await result.fetchall():
                    around.seen.setdefault(id, {})[hash] = at
        if waiting is not None:
            for row in await waiting.fetchall():
                around.waiting.setdefault(row[6], []).append(row[:6])
        standing: dict[int, str] = {} if parked is None else dict(await parked.fetchall())
        due = await wakes.fetchall()
        people: dict[int, Person] = {}
        for id, at, state, attributes in [*(await loaded.fetchall() if loaded is not None else ()), *due]:
            if id not in people:
                reload = partial(decode_state, id, state, attributes)
                people[id] = Person(reload(), reload, due=at, parked=standing.get(id), loaded=state)
        for id in ids:
            if id not in people:
                reload = partial(Profile, id, plan=plan.number)
                people[id] = Person(reload(), reload, parked=standing.get(id))
        without_strangers(people, by_person)
        return people, by_person, around, due[-1][1] if len(due) == limit else None

    def _judge(self, lane: Lane, done: int, failed: int) -> None:
        lane.judged += done + failed
        lane.failed += failed
        if lane.failed >= _STOP_LEAST and lane.failed > _STOP_SHARE * lane.judged:
            raise TooManyFailures(f"{lane.failed} of the last {lane.judged} inputs and wakes failed")
        if lane.judged > _JUDGED:
            lane.judged //= 2
            lane.failed //= 2

    async def days_for(self, conn: Connection, sheet: Sheet) -> None:
        times = {step[1] // DAY for step in sheet.steps}
        times.update(entry[2] // DAY for entry in sheet.seen)
        for day in times:
            if not self.days.has(day * DAY):
                await self.days.ensure(conn, day * DAY, day * DAY)

    async def _sweep(self, conn: Connection, partition: int, number: int, at: int, everybody: bool) -> None:
        """People in a journey whose life changed are due now; the limit on wakes paces what follows (engine.md 17).

        Where a change concerns `everybody` they are due one after the other, so that live inputs find room in between; each
        is lifted at the instant of the change all the same.
        """
        await conn.execute(sql("sweep"), (at, partition, partition, number, list(_SWEPT)))
        if everybody:
            roots = (await self.book.plan(conn, number)).concerned_by(number)
            who = {"roots": None if roots is None else sorted(roots)}
            await conn.execute(sql("sweep_everybody"), {"at": at, "partition": partition, "each": _EACH, **who})
        await switch(conn, await self.book.plan(conn, number), partition, at)

    async def _advance(
        self, conn: Connection, lane: Lane, seq: int, horizon: int, position: int, plan: int, lease: int
    ) -> AsyncCursor[Any]:
        return await conn.execute(
            sql("cursor_advance"), (seq, horizon, position, plan, lease, lane.partition, lane.epoch, lane.seq)
        )


async def _read_log(conn: Connection, lane: Lane, tick: Tick, limit: int) -> AsyncCursor[_LogRow]:
    # Not prepared: planned with its values, it opens one or two days; a generic plan opens them all.
    return await conn.execute(
        sql("log_read"), (lane.partition, lane.seq, tick.seq, lane.at, tick.at, limit), prepare=False, binary=True
    )


def _by_person(rows: Sequence[LogRow]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        of_person = found.get(row[6])
        if of_person is None:
            found[row[6]] = [row[:6]]
        else:
            of_person.append(row[:6])
    return found


def _apply(
    people: dict[int, Person], by_person: dict[int, list[Row]], around: Around, sheet: Sheet, horizon: int
) -> tuple[int, int, int, int]:
    """Let everybody live; returns how many inputs were applied, wakes fired, repeats left out, people failed."""
    applied = wakes = duplicates = failed = 0
    seen = around.seen
    nothing: list[Row] = []
    for id, person in people.items():
        rows = by_person.get(id, nothing)
        wakes_at = None if person.failed else person.live(rows, around)
        try:
            sheet.add(person, wakes_at, seen, horizon)
        except Exception:  # noqa: BLE001 - a state that no encoder takes concerns this person only
            person.refuse(rows, around, traceback.format_exc())
            sheet.add(person, None, seen, horizon)
        applied += person.applied
        wakes += person.wakes
        duplicates += person.duplicates
        if person.failed:
            failed += 1
            log.error("person %s is parked: %s", id, next((one.error for one in person.parkings if one.error), ""))
    return applied, wakes, duplicates, failed
