"""One input for many people: a segment, everybody, whoever fulfils a condition, or a list of ids (engine.md 21).

Theory of operation. A broadcast is a row; `Broadcasts` walks the ids of each partition in order and appends them as `Chunk` rows of
at most 500, a few at a time, and only when the partition has applied the ones before and its backlog is short: so live inputs are
never starved, and a broadcast to a million people is no million rows. How far it has come is committed with the rows, so a crash
neither loses nor repeats anybody, and any process goes on where another ended. The engine expands a chunk when it is applied
(batch.py); who has been merged into somebody else, or is unknown by then, is left out: the other is walked too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from wend.core.condition.base import Condition, View
from wend.core.condition.linked import parse_linked
from wend.core.inputs import Chunk, Input
from wend.core.plan import Plan
from wend.core.profile import Profile
from wend.engine.plans import PlanBook
from wend.engine.schedule import Due, fire, work
from wend.store.arrays import int8_array
from wend.store.clock import Clock
from wend.store.codec import decode_json, decode_state, encode_input, encode_json
from wend.store.log import Appender, NewInput, partitions
from wend.store.mode import mode
from wend.store.postgres import Connection, Pool, fetch_all, fetch_one, sql

log = logging.getLogger("wend.engine")

CHUNK = 500
"""People in one row of the log."""
_AT_ONCE = 4
"""Chunks appended to a partition before the first of them must have been applied."""
_BACKLOG = 4_000
"""Rows that a partition may be behind while people are added to it."""
_POLL = 0.2
_BACK_OFF = 5.0
_PASSING = (psycopg.OperationalError, psycopg.errors.SerializationFailure, PoolTimeout, OSError)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant. All at their defaults: everybody."""

    segment: str | None = None
    """Whoever is in this segment or list."""
    linked: tuple[dict[str, Any], ...] = ()
    """Whoever fulfils one of these conditions (condition/linked.py); they read the input's properties."""
    ids: Sequence[int] | None = None
    """These people."""


async def begin(conn: Connection, audience: Audience, input: Input, what: str, *, now: int, journey: str = "") -> int:
    """Put a broadcast down, inside the caller's transaction; returns its number. `what` says to people what it is."""
    row = await fetch_one(
        conn,
        sql("broadcast_begin"),
        (
            what,
            journey,
            audience.segment,
            encode_json(list(audience.linked)).decode() if audience.linked else None,
            input.KIND,
            encode_input(input).decode(),
            now,
        ),
    )
    assert row is not None
    number = int(row[0])
    if audience.ids is None:
        await conn.execute(sql("broadcast_parts"), (number,))
    else:
        count = await partitions(conn)
        await conn.execute(sql("broadcast_parts_named"), (number, count, int8_array(list(audience.ids))))
        await conn.execute(sql("broadcast_end"), (now, number))
    return number


async def step(conn: Connection, appender: Appender, book: PlanBook, now: int, *, replay: bool = False) -> bool:
    """Append the next few chunks of one partition and commit; False: there is nothing to do now.

    `now`: the present by the database's clock (ms UTC), or where a replay stands; there no backlog is waited for.
    """
    row = await fetch_one(conn, sql("broadcast_next"), (replay, _BACKLOG))
    if row is None:
        await conn.rollback()
        return False
    number, partition, named, upto, segment, linked, kind, payload = row
    limit = CHUNK * _AT_ONCE
    if named:
        found = await fetch_all(conn, sql("broadcast_named"), (number, partition, upto, limit))
    elif segment is not None:
        found = await fetch_all(conn, sql("broadcast_members"), (partition, segment, upto, limit))
    elif linked is not None:
        found = await fetch_all(conn, sql("broadcast_people"), (partition, upto, limit))
    else:
        found = await fetch_all(conn, sql("broadcast_everybody"), (partition, upto, limit))
    done = len(found) < limit
    inner = decode_json(payload)
    if linked is None:
        ids = [one[0] for one in found]
    else:
        plan = await _newest(conn, book)
        ids = _linked([decode_state(*one) for one in found], decode_json(linked), inner, plan, now)
    seq = 0
    if ids:
        chunks = [Chunk(ids[at : at + CHUNK], kind, inner, now) for at in range(0, len(ids), CHUNK)]
        rows = [(partition, NewInput(0, Chunk.KIND, encode_input(one))) for one in chunks]
        await appender.append_to(conn, rows, at=now)
        row = await fetch_one(conn, sql("head_seq"), (partition,))
        assert row is not None
        seq = row[0]
    upto = found[-1][0] if found else upto
    await conn.execute(sql("broadcast_advance"), (upto, len(ids), seq, done, number, partition))
    if done:
        # Of two who end the last two parts, one must see what the other did.
        await conn.execute(sql("broadcast_lock"), (number,))
        await conn.execute(sql("broadcast_end"), (now, number))
    await conn.commit()
    return True


async def _newest(conn: Connection, book: PlanBook) -> Plan:
    row = await fetch_one(conn, sql("plan_next"))
    assert row is not None
    return await book.plan(conn, int(row[0]) - 1)


def _linked(people: list[Profile], raw: list[dict[str, Any]], inner: dict[str, Any], plan: Plan, now: int) -> list[int]:
    """The ids of those who fulfil one of the conditions; each journey judges for itself once more."""
    conditions = [one for one in (parse_linked(each, "", []) for each in raw) if one is not None]
    return [person.id for person in people if _fulfils(person, conditions, inner, plan, now)]


def _fulfils(person: Profile, conditions: list[Condition], inner: dict[str, Any], plan: Plan, now: int) -> bool:
    if person.survivor or person.erased:
        return False
    properties = {**inner.get("properties", {}), "about": inner.get("about", "")}
    view = View(person, now, plan.zone, properties=properties, settings=plan.settings)
    return any(one.check(view).value for one in conditions)


class Broadcasts:
    """Fires schedules and walks broadcasts until it is stopped. Any number of processes may do so side by side."""

    def __init__(self, pool: Pool, clock: Clock, *, poll: float = _POLL) -> None:
        """`clock`: the database's (store.clock.DatabaseClock); `poll`: seconds between two looks when there is nothing to do."""
        self._pool = pool
        self._clock = clock
        self._poll = poll
        self._stop = asyncio.Event()
        self._book = PlanBook()
        self._appender: Appender | None = None

    def stop(self) -> None:
        """Ask `run` to end after the step at hand."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop`. A database that is away is waited for."""
        while not self._stop.is_set():
            try:
                worked = await self.look()
            except _PASSING as error:
                log.warning("the database does not answer, trying again: %s", error)
                worked = False
            except Exception:  # the worker beside it must go on
                log.exception("a broadcast or schedule failed, it is tried again")
                await self._wait(_BACK_OFF)
                continue
            if not worked:
                await self._wait(self._poll)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def look(self) -> bool:
        """Fire what is due, and do one step for every partition that has room; False when there was nothing to do."""
        async with self._pool.connection() as conn:
            if await mode(conn) == "replay":
                return False
            if self._appender is None:
                self._appender = Appender(await partitions(conn))
            now = self._clock.now_ms()
            worked = await fire_due(conn, self._book, now)
            for _ in range(self._appender.partitions):
                if self._stop.is_set() or not await step(conn, self._appender, self._book, self._clock.now_ms()):
                    break
                worked = True
            return worked


async def fire_due(conn: Connection, book: PlanBook, now: int) -> bool:
    """Begin the broadcasts of all schedules that are due and commit; False: none was."""
    known, newest, soonest = await work(conn)
    if known == newest and (soonest is None or soonest > now):
        await conn.rollback()
        return False
    for due in await fire(conn, await book.plan(conn, newest), now):
        await begin(conn, _audience(due), due.start(now), due.what, now=now, journey=due.journey)
    await conn.commit()
    return True


def _audience(due: Due) -> Audience:
    return Audience(segment=due.segment or None)
