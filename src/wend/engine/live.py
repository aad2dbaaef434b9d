"""The live engine: a worker owns partitions and runs batch after batch of those that have something to do.

Theory of operation: the loop asks one query which of its partitions have rows to apply or somebody to wake; each of those
gets one batch, on a few connections at once (Python works on one while PostgreSQL works for another); then it asks again.
Polling is the truth. A partition that is up to date costs nothing but that query.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg_pool import PoolTimeout

from wend.engine.backfill import Filler, Todo
from wend.engine.batch import BATCH, Batches, Fenced, Lane, Result, Tick, TooManyFailures, raise_head
from wend.engine.claim import LEASE, Claims
from wend.engine.relay import relay, sources
from wend.store.clock import Clock
from wend.store.log import Appender, partitions
from wend.store.mode import mode
from wend.store.postgres import Connection, Pool, fetch_all, sql

log = logging.getLogger("wend.engine")

POLL = 0.1
"""Seconds between two looks when there is nothing to do."""
CLAIM = 2.0
"""Seconds between two rounds of claims."""
_CONNECTIONS = 2
_BACK_OFF = 1.0
_FILL = 0.2
"""Seconds of back-fill between two looks, at most (and one step more): live inputs come first."""
_FILL_BACK_OFF = 5.0

# Worth trying again as it is: nothing is wrong with the batch.
_PASSING = (
    psycopg.OperationalError,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    PoolTimeout,
    OSError,
)


@dataclass(slots=True)
class Counters:
    """What a worker has done since it started; read by metrics."""

    batches: int = 0
    inputs: int = 0
    applied: int = 0
    wakes: int = 0
    duplicates: int = 0
    sends: int = 0
    relays: int = 0
    steps: int = 0
    failed: int = 0
    fenced: int = 0
    retried: int = 0
    stopped: int = 0
    """Partitions that stopped because too much failed: an operator must look."""
    owned: int = 0
    largest_state: int = 0
    """Bytes of the largest state written lately."""
    behind: int = 0
    """ms by which the slowest partition with work was behind real time, when last looked at."""

    def add(self, result: Result) -> None:
        """Count one batch."""
        self.batches += 1
        self.inputs += result.rows
        self.applied += result.applied
        self.wakes += result.wakes
        self.duplicates += result.duplicates
        self.sends += result.sends
        self.relays += result.relays
        self.steps += result.steps
        self.failed += result.failed
        self.largest_state = max(self.largest_state * 99 // 100, result.largest_state)


class Worker:
    """Claims partitions and applies their logs until it is stopped. Several, in one process or many, share the work."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        *,
        batch: int = BATCH,
        name: str | None = None,
        erasure_key: bytes | None = None,
        poll: float = POLL,
    ) -> None:
        """`pool` must give three connections at least. `clock`: the database's (store.clock.DatabaseClock).

        `name` must be unique among the living; by default host, process and chance make it so.
        """
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.counters = Counters()
        self._pool = pool
        self._clock = clock
        self._batch = batch
        self._erasure_key = erasure_key
        self._poll = poll
        self._claims = Claims(self.name)
        self._stop = asyncio.Event()
        self._next_claim = 0.0
        self._next_fill = 0.0
        self._filled = 0

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that this worker owns, as far as it knows."""
        return frozenset(self._claims.lanes)

    def stop(self) -> None:
        """Ask `run` to end after the batches at hand."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop`. A database that is away is waited for; partitions are given back at the end."""
        batches: Batches | None = None
        filler: Filler | None = None
        while not self._stop.is_set():
            try:
                if batches is None or filler is None:
                    async with self._pool.connection() as conn:
                        count = await partitions(conn)
                    batches = Batches(count, batch=self._batch, erasure_key=self._erasure_key)
                    filler = Filler(batches)
                    self._appender = Appender(count, days=batches.days)
                worked = await self._look(batches)
                if not await self._fill(filler) and not worked:
                    await self._wait(self._poll)
            except _PASSING as error:
                self.counters.retried += 1
                log.warning("the database does not answer, trying again: %s", error)
                await self._wait(_BACK_OFF)
        with suppress(*_PASSING):
            async with self._pool.connection() as conn:
                await self._claims.release(conn)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _look(self, batches: Batches) -> bool:
        """One round: claim when it is time, ask what there is to do, do it. False when there was nothing."""
        ready: deque[tuple[Lane, Tick]] = deque()
        async with self._pool.connection() as conn:
            if await mode(conn) == "replay":
                await self._claims.release(conn)
                return False
            now = self._clock.now_ms()
            loop_time = asyncio.get_running_loop().time()
            if loop_time >= self._next_claim:
                self._next_claim = loop_time + CLAIM
                await self._claims.round(conn, now)
                for source in await sources(conn, list(self._claims.lanes)):
                    await self._carry(conn, source)
            lanes = self._claims.lanes
            self.counters.owned = len(lanes)
            self.counters.behind = 0
            for row in await fetch_all(conn, sql("work"), (list(lanes),)):
                partition, epoch, seq, at, head_seq, head_at, wakes_at, _ = row
                lane = lanes[partition]
                if lane.epoch != epoch:
                    del lanes[partition]
                    self.counters.fenced += 1
                elif head_seq > seq or (wakes_at is not None and wakes_at <= now):
                    ready.append((lane, Tick(head_at, head_seq)))
                    self.counters.behind = max(self.counters.behind, now - at if head_seq - seq > self._batch else 0)
        if not ready:
            return False
        runners = [self._run_some(batches, ready) for _ in range(min(_CONNECTIONS, len(ready)))]
        for failure in await asyncio.gather(*runners, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure
        return True

    async def _fill(self, filler: Filler) -> bool:
        """Carry on with what is being back-filled, for a moment; False when there was nothing to do."""
        loop = asyncio.get_running_loop()
        if not self._claims.lanes or loop.time() < self._next_fill:
            return False
        async with self._pool.connection() as conn:
            if await mode(conn) == "replay":
                return False
            found = await filler.todo(conn, list(self._claims.lanes))
        ready = deque({one.partition: one for one in found if not one.waits and one.behind <= self._batch}.values())
        ready.rotate(-self._filled)
        until = loop.time() + _FILL
        steps = [self._fill_some(filler, ready, until) for _ in range(min(_CONNECTIONS, len(ready)))]
        worked = False
        for result in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
            worked = result or worked
        return worked

    async def _fill_some(self, filler: Filler, ready: deque[Todo], until: float) -> bool:
        worked = False
        async with self._pool.connection() as conn:
            while ready and not self._stop.is_set() and asyncio.get_running_loop().time() < until:
                todo = ready.popleft()
                self._filled += 1
                lane = self._claims.lanes.get(todo.partition)
                if lane is None:
                    continue
                try:
                    worked = await filler.step(conn, lane, todo, clock=self._clock.now_ms()) or worked
                except Fenced:
                    self._claims.lanes.pop(todo.partition, None)
                    self.counters.fenced += 1
                except _PASSING:
                    raise
                except Exception:
                    log.exception("partition %s could not be back-filled for segment %s", todo.partition, todo.segment)
                    self._next_fill = asyncio.get_running_loop().time() + _FILL_BACK_OFF
                    return False
        return worked

    async def _run_some(self, batches: Batches, ready: deque[tuple[Lane, Tick]]) -> None:
        async with self._pool.connection() as conn:
            while ready and not self._stop.is_set():
                lane, tick = ready.popleft()
                await self._run_one(batches, conn, lane, tick)

    async def _run_one(self, batches: Batches, conn: Connection, lane: Lane, tick: Tick) -> None:
        try:
            now = self._clock.now_ms()
            if tick.seq - lane.seq < self._batch:
                tick = await raise_head(conn, lane.partition, now)
            result = await batches.run(conn, lane, tick, clock=now, lease=now + LEASE)
        except Fenced:
            self._claims.lanes.pop(lane.partition, None)
            self.counters.fenced += 1
        except TooManyFailures as error:
            self.counters.stopped += 1
            log.error("partition %s has stopped: %s", lane.partition, error)
            await self._claims.stop_partition(conn, lane, str(error))
        except _PASSING:
            raise
        except Exception:  # noqa: BLE001 - logged and counted there
            await self._failed(batches, conn, lane, tick)
        else:
            self.counters.add(result)
            if result.relays:
                await self._carry(conn, lane.partition)

    async def _failed(self, batches: Batches, conn: Connection, lane: Lane, tick: Tick) -> None:
        """A whole batch failed, not one person: count the attempt before the next, which goes in smaller steps."""
        log.exception("a batch of partition %s failed (attempt %s)", lane.partition, lane.tries + 1)
        batches.days.forget()
        self.counters.retried += 1
        lane.care += 1
        lane.careful_until = max(lane.careful_until, tick.seq)
        await conn.execute(sql("cursor_failed"), (lane.partition, lane.epoch))
        await conn.commit()
        await self._wait(min(_BACK_OFF, 0.05 * lane.care))

    async def _carry(self, conn: Connection, source: int) -> None:
        while await relay(conn, self._appender, source):
            pass
