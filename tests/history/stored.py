"""Histories that went through the live engine and lie in the database, to be asked by both readers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.engine.world import START, World

from wend.core.condition.base import Condition, View
from wend.core.condition.syntax import parse
from wend.core.inputs import Input, MergeAwait, MergeOut
from wend.core.plan import Plan
from wend.core.profile import Profile
from wend.engine.plans import load_plan
from wend.engine.segments import publish_segment, segment_live
from wend.history.members import members
from wend.store.codec import decode_state
from wend.store.postgres import Connection, make_pool

PARTITIONS = 3
_TABLES = (
    "profile, log, seen, outbox, relay, relayed, parked, step, tally, place, plan_change, journey, consent_log, alias,"
    " left_out, membership, segment, backfill, identifier, parked"
)


@dataclass(frozen=True, slots=True)
class Merge:
    """`absorbed` becomes `survivor`."""

    absorbed: int
    survivor: int


Deed = tuple[int, int, Input | Merge]
"""(instant received, person, input or merge); the person of a merge does not matter."""


def condition(raw: Any) -> Condition:
    problems: list[Any] = []
    found = parse(raw, "c", problems)
    assert found is not None and not problems, (raw, list(map(str, problems)))
    return found


@asynccontextmanager
async def empty_world(url: str) -> AsyncGenerator[World]:
    async with make_pool(url, smallest=1, largest=4) as pool:
        world = World(pool, PARTITIONS, url)
        async with pool.connection() as conn:
            await conn.execute(f"truncate {_TABLES}".encode())
            await conn.execute("update head set seq = 0, at = 0")
            await conn.execute(
                "update cursor set seq = 0, at = 0, outbox_seq = 0, plan = 0, owner = null, lease = 0, tries = 0"
            )
        yield world


async def publish(world: World, *documents: dict[str, Any]) -> None:
    """Publish segments and lists at the hand clock's time."""
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
        await conn.execute("update head set at = greatest(at, %s)", (world.clock.now,))
        for document in documents:
            change = await publish_segment(conn, document)
            if "condition" in document:
                await segment_live(conn, document["id"], change.version)  # nobody is known yet
        await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")


async def live(world: World, deeds: Iterable[Deed], until: int) -> None:
    """Append everything, each at its instant, and let the engine apply it up to `until`."""
    by_instant: dict[int, list[tuple[int, Input | Merge]]] = {}
    for at, person, input in deeds:
        by_instant.setdefault(at, []).append((person, input))
    for at in sorted(by_instant):
        rows: list[tuple[int, Input]] = []
        for person, input in by_instant[at]:
            if isinstance(input, Merge):
                rows.append((input.survivor, MergeAwait(input.absorbed, at)))
                rows.append((input.absorbed, MergeOut(input.survivor, at)))
                await _alias(world, input, at)
            else:
                rows.append((person, input))
        await world.append(*rows, at=at)
    world.clock.now = until
    await world.run()


async def _alias(world: World, merge: Merge, at: int) -> None:
    async with world.pool.connection() as conn:
        await conn.execute("update alias set survivor = %s where survivor = %s", (merge.survivor, merge.absorbed))
        await conn.execute("insert into alias values (%s, %s, %s)", (merge.absorbed, merge.survivor, at))


@dataclass(frozen=True, slots=True)
class Memory:
    """The first reader: states as they are stored."""

    people: list[Profile]
    plan: Plan

    def members(self, condition: Condition, now: int) -> list[int]:
        plan = self.plan
        return sorted(
            person.id
            for person in self.people
            if condition.check(View(person, now, plan.zone, settings=plan.settings)).value
        )


async def memory_of(conn: Connection) -> Memory:
    rows = await (await conn.execute("select id, state, attributes from profile", binary=True)).fetchall()
    people = [decode_state(*row) for row in rows]
    return Memory([one for one in people if not one.survivor and not one.erased], await load_plan(conn))


async def asked(conn: Connection, condition: Condition, now: int, plan: Plan) -> list[int]:
    """The second reader's answer."""
    return [one async for one in members(conn, condition, now, zone=plan.zone, settings=plan.settings)]


BEGINNING = START - START % 86_400_000
