"""Replaying recorded history through the live engine (engine.md 22): each input enters the log at its own time.

Theory of operation. While the workspace is in replay mode nothing ticks, workers stand aside and live intake answers
503.
Rows are appended slice by slice, and each slice is drained, with relays and what became of messages, before the next.
The outcome of a message is known only after the slice, but it belongs to the instant of the message: the person stands
still from there on (person.py) and takes what was parked, in order, once it is there. So results do not depend on how
long slices are; only events that journeys emit would come late by a slice, hence slices of an hour where a journey can
emit. Empty time costs nothing.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

from wend.core.effects import ASK_KINDS
from wend.core.inputs import Answer, Feedback, Input
from wend.core.plan import Plan
from wend.engine.backfill import Filler
from wend.engine.batch import BATCH, Batches, Fenced, Lane, Tick
from wend.engine.broadcast import fire_due, step
from wend.engine.relay import relay, sources
from wend.engine.schedule import fire, work
from wend.store.clock import now_ms
from wend.store.codec import encode_input
from wend.store.days import DAY
from wend.store.log import Appender, NewInput, lock_heads, partitions
from wend.store.mode import mode, set_mode
from wend.store.postgres import Connection, Pool, fetch_all, fetch_one, sql

HOUR = 3_600_000
_LONG = 31 * DAY
_ROWS = 20_000
_CONNECTIONS = 2
_OWNER = "replay"

Deliver = Callable[[int], Awaitable[object]]
"""Hands over whatever is queued in the outbox, at the replay's own time, and appends one outcome per message with
`append(conn, rows, at=<the given instant>)`, in the order of `outbox_seq`."""


class ReplayError(Exception):
    """The rows cannot be replayed; nothing of them was applied."""


class Replay:
    """`async with Replay(pool) as replay:` enters replay mode, `append` and `advance` move it, `finish` returns to
    live.

    When an exception leaves the block the workspace stays in replay mode, at a definite place, and may be entered
    again.
    """

    def __init__(
        self, pool: Pool, *, deliver: Deliver | None = None, batch: int = BATCH, erasure_key: bytes | None = None
    ) -> None:
        """`deliver` None: every message counts as accepted when it was decided, and leaves through no channel."""
        self._pool = pool
        self._deliver = deliver or self._accept
        self._batch = batch
        self._erasure_key = erasure_key
        self._buffer: list[tuple[int, NewInput]] = []
        self._lanes: dict[int, Lane] = {}
        self.at = 0
        """How far the replay has come (ms UTC)."""
        self.applied = 0
        """Inputs and wakes applied since it began."""

    async def __aenter__(self) -> Self:
        async with self._pool.connection() as conn:
            count = await partitions(conn)
            self._batches = Batches(count, batch=self._batch, erasure_key=self._erasure_key)
            self._filler = Filler(self._batches)
            self._appender = Appender(count, days=self._batches.days)
            await set_mode(conn, "replay")
            await conn.commit()
            await self._claim(conn)
            heads, _ = await lock_heads(conn)
            self.at = max(at for _, at in heads.values())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lanes:
            async with self._pool.connection() as conn:
                await conn.execute(sql("cursors_release"), (list(self._lanes), _OWNER))

    async def append(self, rows: Sequence[tuple[int, NewInput]]) -> None:
        """Take (instant, input) pairs, sorted by instant. ReplayError when one is older than what was appended or
        applied."""
        last = self._buffer[-1][0] if self._buffer else self.at
        for at, _ in rows:
            if at < last:
                raise ReplayError(f"an input is of {at} ms UTC, but the log has reached {last}: a log cannot go back")
            last = at
        span = await self.span()
        for row in rows:
            buffer = self._buffer
            if buffer and (len(buffer) >= _ROWS or row[0] - buffer[0][0] >= span):
                await self._slice(span)
            self._buffer.append(row)

    async def advance(self, until: int) -> None:
        """Apply everything appended so far and let time pass to `until`. ReplayError when rows behind it were
        appended."""
        if self._buffer and self._buffer[-1][0] > until:
            raise ReplayError(f"inputs up to {self._buffer[-1][0]} ms UTC were appended, later than {until}")
        span = await self.span()
        await self._fill()
        if self._buffer:
            await self._slice(span)
        await self._pass(until, span)
        async with self._pool.connection() as conn:
            heads, _ = await lock_heads(conn)
            names = list(heads)
            reached = [max(heads[name][1], until) for name in names]
            await conn.execute(sql("heads_advance"), (names, [heads[name][0] for name in names], reached))
        self.at = max(self.at, until)

    async def finish(self) -> None:
        """Apply the rest, let time pass to the present and return to live mode."""
        async with self._pool.connection() as conn:
            now = await now_ms(conn)
        await self.advance(max(now, self.at, self._buffer[-1][0] if self._buffer else 0))
        async with self._pool.connection() as conn:
            await conn.execute(sql("cursors_release"), (list(self._lanes), _OWNER))
            await set_mode(conn, "live")
        self._lanes.clear()

    async def _slice(self, span: int) -> None:
        await self._fill()
        rows, self._buffer = self._buffer, []
        while rows:
            due = await self._due(rows[0][0])
            before = len(rows) if due is None else bisect_left(rows, due, key=_instant)
            if due is not None and not before:
                await self._pass(due, span)
                continue
            here, rows = rows[:before], rows[before:]
            if span < _LONG:
                await self._pass(here[0][0] - 1, span)
            async with self._pool.connection() as conn:
                await self._appender.append_timed(conn, here)
            await self._drain(here[-1][0])

    async def _fill(self) -> None:
        """Back-fill the segments that were published where the replay stands, and put them in force there."""
        async with self._pool.connection() as conn:
            if not await self._filler.todo(conn, list(self._lanes)):
                return
        await self._drain(self.at)
        worked = True
        while worked:
            worked = False
            async with self._pool.connection() as conn:
                for todo in await self._filler.todo(conn, list(self._lanes)):
                    if not todo.waits:
                        lane = self._lanes[todo.partition]
                        worked = await self._filler.step(conn, lane, todo, clock=None) or worked
        await self._drain(self.at)

    async def _due(self, begin: int) -> int | None:
        """When the next schedule falls due. Before the first row, of the instant `begin`, there is nobody to be started."""
        async with self._pool.connection() as conn:
            known, newest, _ = await work(conn)
            begin = 0 if await fetch_one(conn, sql("anybody")) else begin
            if known != newest or begin:
                await fire(conn, await self._batches.book.plan(conn, newest), max(begin - 1, 0))
                await conn.commit()
            return (await work(conn))[2]

    async def _pass(self, until: int, span: int) -> None:
        """Let time pass to `until` without new rows; schedules that fall due on the way are fired."""
        while (due := await self._due(0)) is not None and due <= until:
            await self._rest(due, span)
            async with self._pool.connection() as conn:
                await fire_due(conn, self._batches.book, self.at)
                while await step(conn, self._appender, self._batches.book, self.at, replay=True):
                    pass
            await self._drain(due)
        await self._rest(until, span)

    async def _rest(self, until: int, span: int) -> None:
        """Let time pass to `until`, in steps of `span` that begin where somebody wakes."""
        while True:
            async with self._pool.connection() as conn:
                wakes = [row[6] for row in await fetch_all(conn, sql("work"), (list(self._lanes),))]
            first = min((at for at in wakes if at is not None), default=None)
            end = until if first is None or span >= _LONG else min(until, max(first, self.at) + span)
            await self._drain(end)
            if end >= until:
                return

    async def _drain(self, end: int) -> None:
        """Apply rows and wakes up to `end`, carry relays, hand messages over, until nothing is left to do."""
        end = max(end, self.at)
        self.at = end
        while True:
            ready: deque[tuple[Lane, Tick]] = deque()
            async with self._pool.connection() as conn:
                for partition, epoch, seq, _, head_seq, _, wakes_at, _ in await fetch_all(
                    conn, sql("work"), (list(self._lanes),)
                ):
                    lane = self._lanes[partition]
                    if lane.epoch != epoch:
                        await self._claim(conn)
                    if head_seq > seq or (wakes_at is not None and wakes_at <= end):
                        ready.append((self._lanes[partition], Tick(end, head_seq)))
            worked = bool(ready)
            if ready:
                await asyncio.gather(*(self._run(ready) for _ in range(min(_CONNECTIONS, len(ready)))))
            async with self._pool.connection() as conn:
                carried = 0
                for source in await sources(conn, list(self._lanes)):
                    carried += await relay(conn, self._appender, source, at=end)
            if carried:
                continue
            if not worked:
                return
            await self._deliver(end)

    async def _run(self, ready: deque[tuple[Lane, Tick]]) -> None:
        async with self._pool.connection() as conn:
            while ready:
                lane, tick = ready.popleft()
                while True:
                    try:
                        result = await self._batches.run(conn, lane, tick, clock=None)
                    except Fenced:
                        # A worker that had not seen the mode yet took it: take it back.
                        await self._claim(conn)
                        lane = self._lanes[lane.partition]
                        continue
                    self.applied += result.applied + result.wakes
                    if not result.more:
                        break

    async def _claim(self, conn: Connection) -> None:
        rows = await fetch_all(conn, sql("cursors_all"))
        for partition, epoch, _, _ in rows:
            lane = self._lanes.get(partition)
            if lane is not None and lane.epoch == epoch:
                continue
            # No lease: in this mode nobody else claims, and afterwards anybody may.
            cursor = await conn.execute(sql("cursor_claim"), (_OWNER, 0, 0, partition, epoch))
            taken = await cursor.fetchone()
            if taken is not None:
                self._lanes[partition] = Lane(partition, taken[0])
        await conn.commit()

    async def span(self) -> int:
        """How long (ms) a slice may be: an hour where a published journey can emit events, else as long as one likes."""
        """Length in ms of the slices that the published plan allows: callers need not append in shorter ones."""
        async with self._pool.connection() as conn:
            row = (await fetch_all(conn, sql("plan_next")))[0]
            plan = await self._batches.book.plan(conn, int(row[0]) - 1)
        return HOUR if _emits(plan) else _LONG

    async def _accept(self, end: int) -> int:
        async with self._pool.connection() as conn:
            rows = await fetch_all(conn, sql("outbox_accept"), (list(self._lanes),))
            rows.sort()
            outcomes = [
                NewInput(id, one.KIND, encode_input(one))
                for _, _, id, effect, run, move, *rest, at in rows
                if (one := _taken(effect, run, move, rest, at)) is not None
            ]
            await self._appender.append(conn, outcomes, at=end)
            return len(rows)


def _taken(effect: str, run: str, move: int, rest: list[Any], at: int) -> Input | None:
    """What is heard of a row that nobody carries out: a message is accepted, a question answered, an alert not."""
    channel: str = rest[2]
    if channel == "alert":
        return None
    if channel in ASK_KINDS:
        return Answer(effect, "ok", at, run, move, {})
    return Feedback(effect, "accepted", at, run, move, *rest)


def _instant(row: tuple[int, NewInput]) -> int:
    return row[0]


def _emits(plan: Plan) -> bool:
    """Whether any published version can cause events in other people's logs, or late in one's own."""
    return any(
        placed.node.KIND in ("emit", "start_journey")
        for published in plan.journeys.values()
        for compiled in published.versions.values()
        for placed in compiled.document.nodes.values()
    )


async def leave(conn: Connection) -> bool:
    """Return to live mode without finishing (an operator's way out), in the caller's transaction; False: it was
    live."""
    if await mode(conn) == "live":
        return False
    await set_mode(conn, "live")
    return True
