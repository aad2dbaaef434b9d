"""Back-filling a new version of a segment from the log, partition by partition, by the cursor's owner (engine.md 19).

Theory of operation, for each partition: (1) the log is read once, chunk by chunk (staging.py); (2) when all partitions have read
theirs up to the publishing, the people who may match are judged, in slices by profile id. A slice is one transaction that
locks the cursor under our epoch, so a state reflects exactly the rows up to the cursor, and so does the history it is given; (3)
when all people of all partitions were judged, those who were merged meanwhile are judged once more: their two halves may have met
before both had their history. The last to finish puts the version in force by a change of the plan. Progress is committed with
each step: whoever is killed is taken over where they were. The version is judged silently all the while.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from wend.core.plan import Plan, PlanChange
from wend.core.recall import only_by_events, reaches_back
from wend.core.segment import Segment
from wend.engine.around import Around
from wend.engine.batch import Batches, Fenced, Lane
from wend.engine.person import Person
from wend.engine.publish import PublishError
from wend.engine.segments import segment_live
from wend.engine.sheet import Sheet
from wend.engine.staging import Pasts, pasts, stage
from wend.engine.write import write
from wend.store.arrays import int8_array
from wend.store.codec import decode_state
from wend.store.log import partition_of
from wend.store.postgres import Connection, fetch_all, fetch_one, sql

log = logging.getLogger("wend.engine")

SLICE = 2_000
"""People judged in one transaction."""
_MARGIN = 3_600_000
"""Merges are dated before they enter the log: as much earlier are looked at once more."""
END = (1 << 63) - 1
"""`upto` when all people were judged."""


@dataclass(frozen=True, slots=True)
class Todo:
    """A partition of a segment that is being back-filled."""

    segment: str
    version: int
    partition: int
    staged: int
    ready: bool
    upto: int
    done: bool
    behind: int
    """Rows of the log that are not applied yet."""
    all_ready: bool
    all_judged: bool
    all_done: bool

    @property
    def waits(self) -> bool:
        """Whether other partitions must come as far first."""
        judged = self.upto == END
        return (
            (self.ready and not self.all_ready) or (judged and not self.all_judged) or (self.done and not self.all_done)
        )


class Filler:
    """Carries the back-fill of this process's partitions forward, step by step."""

    def __init__(self, batches: Batches, *, slice: int = SLICE) -> None:
        self._batches = batches
        self._slice = slice

    async def todo(self, conn: Connection, partitions: list[int]) -> list[Todo]:
        """What there is to do for these partitions; one whose log is not applied yet must wait for that."""
        return [Todo(*row) for row in await fetch_all(conn, sql("backfill_todo"), (END, partitions))]

    async def step(self, conn: Connection, lane: Lane, todo: Todo, *, clock: int | None) -> bool:
        """One step for one partition, committed; False: it waits for others. `clock`: real time, None in a replay.

        Raises Fenced: the partition is not ours any more.
        """
        try:
            done = await self._step(conn, lane, todo, clock)
            await conn.commit()
            return done
        except BaseException:
            await conn.rollback()
            raise

    async def _step(self, conn: Connection, lane: Lane, todo: Todo, clock: int | None) -> bool:
        number = await fetch_one(conn, sql("cursor_plan"), (todo.partition,))
        plan = await self._batches.book.plan(conn, 0 if number is None else number[0])
        segment = plan.warming.get(todo.segment)
        if segment is None or segment.version != todo.version:
            return False  # the publishing is not applied here yet, or the version is in force already
        began = _published(plan, segment).at
        if not todo.ready:
            return await stage(conn, plan, segment, todo.partition, began)
        if todo.all_done:
            return await self._put_in_force(conn, segment)
        if todo.waits:
            return False
        if await stage(conn, plan, segment, todo.partition, began):
            return True
        if todo.upto == END:
            merged = await self._merged(conn, segment, todo.partition, began)
            if not merged:
                await conn.execute(sql("backfill_done"), (segment.id, segment.version, todo.partition))
                return True
            await self._stage_absorbed(conn, plan, segment, merged, began)
        return await self._judge(conn, lane, plan, segment, began, clock)

    def _place(self, id: int) -> int:
        return partition_of(id, self._batches.partitions)

    async def _put_in_force(self, conn: Connection, segment: Segment) -> bool:
        try:
            done = await fetch_one(conn, sql("backfill_all"), (segment.id, segment.version))
            if done is None or not done[0]:
                return False
            change = await segment_live(conn, segment.id, segment.version)
        except PublishError:
            return False  # somebody else was faster
        log.info("segment %s version %s is in force (change %s)", segment.id, segment.version, change.number)
        return True

    async def _stage_absorbed(self, conn: Connection, plan: Plan, segment: Segment, ids: list[int], began: int) -> None:
        """Have the logs read of those who were absorbed by these people, in whatever partition: up to where they were absorbed."""
        aliases = await fetch_all(conn, sql("alias_of"), (int8_array(ids),))
        for other in sorted({self._place(absorbed) for absorbed, _ in aliases}):
            await conn.commit()  # one lock at a time
            while await stage(conn, plan, segment, other, began):
                await conn.commit()
        await conn.commit()

    async def _merged(self, conn: Connection, segment: Segment, partition: int, began: int) -> list[int]:
        row = await fetch_one(conn, sql("backfill_take"), (segment.id, segment.version, partition))
        since = await fetch_all(conn, sql("survivors_since"), (began - _MARGIN, self._batches.partitions, partition))
        return sorted({*(row[5] if row is not None else ()), *(one[0] for one in since)})

    async def _judge(
        self, conn: Connection, lane: Lane, plan: Plan, segment: Segment, began: int, clock: int | None
    ) -> bool:
        """Judge a slice of people, under the cursor's lock."""
        partition = lane.partition
        taken = await fetch_one(conn, sql("cursor_take"), (partition, lane.epoch))
        if taken is None:
            raise Fenced(f"partition {partition} belongs to somebody else")
        seq, at, outbox_seq, number, _, has_parked = taken
        row = await fetch_one(conn, sql("backfill_take"), (segment.id, segment.version, partition))
        if row is None or row[4] or number != plan.number:
            return number != plan.number
        _, oldest, _, upto, _, again, _ = row
        await stage(conn, plan, segment, partition, began, upto=seq)
        again, end, last = list(again), END, upto == END
        if last:
            ids = await self._merged(conn, segment, partition, began)
        else:
            few = await self._few(conn, plan, segment, oldest)
            ids = await self._next(conn, segment, partition, upto, few)
            if len(ids) == self._slice:
                end = ids[-1]
        people = await self._load(conn, partition, ids)
        around = Around(plan, partial(self._batches.book.at, newest=number), at, clock)
        oldest = max(oldest, reaches_back(plan, segment, began))
        ahead = {row[0] for row in await fetch_all(conn, sql("merges_ahead"), (partition, seq, at))}
        aside, standing = await self._parked(conn, partition, ids) if has_parked else ({}, frozenset[int]())
        found = await pasts(conn, segment, people, self._batches.partitions)
        sheet = Sheet(partition, self._batches.partitions, outbox_seq)
        matched, unsure, elsewhere = 0, list[int](), list[int]()
        for id, person in people.items():
            if person.profile.erased:
                continue
            if person.profile.survivor:
                if last:
                    elsewhere.append(person.profile.survivor)
                continue
            others = found.absorbed.get(id, ())
            pending = bool(person.profile.awaiting) or not ahead.isdisjoint(others)
            if pending:
                unsure.append(id)
            person.parked = "error" if id in standing else None
            if self._refill(person, segment, found, pending, aside.get(id, frozenset()), oldest, around, sheet):
                matched += 1
        near = [one for one in elsewhere if one not in people and self._place(one) == partition]
        if last:
            again = sorted({*unsure, *near})
            looked, done, matched = 0, not again, 0
        else:
            again += [one for one in unsure if one not in again]
            counted = await fetch_one(conn, sql("people_between"), (partition, upto, end))
            looked, done = (0 if counted is None else counted[0]), False
        await self._batches.days_for(conn, sheet)
        async with conn.pipeline():
            await write(conn, sheet, at)
            await conn.execute(sql("cursor_outbox"), (sheet.position, partition, lane.epoch))
            await conn.execute(
                sql("backfill_judged"),
                (end, looked, matched, int8_array(again), done, at, segment.id, segment.version, partition),
            )
        for survivor in elsewhere:
            place = self._place(survivor)
            if place != partition:
                await conn.execute(sql("backfill_reopen"), (survivor, segment.id, segment.version, place, survivor))
        return not last or done

    async def _few(self, conn: Connection, plan: Plan, segment: Segment, oldest: int) -> bool:
        """Whether only those may match of whom something was staged."""
        assert segment.condition is not None
        if not only_by_events(segment.condition):
            return False
        if not oldest:
            return True
        # Days of the log were dropped. Who has something kept of them, for others who counted the same, is known from states only.
        number = _published(plan, segment).number
        before = await self._batches.book.plan(conn, number - 1)
        return not any(leaf.id in before.leaf_of for leaf in segment.condition.leaves())

    async def _next(self, conn: Connection, segment: Segment, partition: int, after: int, few: bool) -> list[int]:
        args = {
            "partition": partition,
            "partitions": self._batches.partitions,
            "segment": segment.id,
            "version": segment.version,
            "after": after,
            "limit": self._slice,
        }
        return [row[0] for row in await fetch_all(conn, sql("staged_people" if few else "all_people"), args)]

    async def _load(self, conn: Connection, partition: int, ids: list[int]) -> dict[int, Person]:
        people: dict[int, Person] = {}
        if not ids:
            return people
        for id, due, state, attributes in await fetch_all(conn, sql("people_load"), (partition, int8_array(ids))):
            reload = partial(decode_state, id, state, attributes)
            people[id] = Person(reload(), reload, due=due, loaded=state)
        return people

    async def _parked(
        self, conn: Connection, partition: int, ids: list[int]
    ) -> tuple[dict[int, frozenset[int]], frozenset[int]]:
        """Rows that were set aside, by person: they will be applied later; and who stands still because of an error."""
        rows = await fetch_all(conn, sql("parked_seqs"), (partition, int8_array(ids)))
        aside = {id: frozenset(seq for other, seq, _ in rows if other == id) for id in {row[0] for row in rows}}
        return aside, frozenset(id for id, _, reason in rows if reason == "error")

    def _refill(
        self,
        person: Person,
        segment: Segment,
        found: Pasts,
        pending: bool,
        unheard: frozenset[int],
        oldest: int,
        around: Around,
        sheet: Sheet,
    ) -> bool:
        """Give one person the history and judge them; whether they are in the segment. Whoever fails stays as they are."""
        id = person.profile.id
        past = found.of(id, alone=pending, unheard=unheard)
        try:
            wakes_at = person.refill(segment, past, oldest, around)
            inside = segment.key in person.profile.segments
            sheet.add(person, wakes_at, {}, around.horizon)
        except Exception:
            log.exception("person %s could not be judged for segment %s", id, segment.name)
            return False
        return inside


def _published(plan: Plan, segment: Segment) -> PlanChange:
    """The change by which this version was published."""
    return next(
        one
        for one in reversed(plan.changes)
        if one.kind == "segment" and one.journey == segment.id and one.version == segment.version
    )
