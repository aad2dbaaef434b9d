"""Back-filling by hand: publishing at the hand clock's time, slice by slice, and who is in a segment afterwards."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from tests.engine.world import World

from wend.core.plan import PlanChange
from wend.engine.backfill import Filler
from wend.engine.segments import publish_segment

TWICE: dict[str, Any] = {"id": "twice", "condition": {"event": "Bought", "count": {"gte": 2}, "within": "30d"}}
QUIET: dict[str, Any] = {"id": "quiet", "condition": {"inactive": "10d"}}


async def do(world: World, query: Any, *args: Any) -> None:
    async with world.pool.connection() as conn:
        await conn.execute(query, args)


async def publish(world: World, document: dict[str, Any]) -> PlanChange:
    """Publish a segment at the hand clock's time."""
    async with by_hand(world), world.pool.connection() as conn:
        await conn.execute("update head set at = greatest(at, %s)", (world.clock.now,))
        return await publish_segment(conn, document)


@asynccontextmanager
async def by_hand(world: World) -> AsyncGenerator[None]:
    """Changes of the plan happen where the log stands, not at the database's time."""
    set_mode: Any = "update workspace set value = to_json(%s::text) where name = 'mode'"
    await do(world, set_mode, "replay")
    try:
        yield
    finally:
        await do(world, set_mode, "live")


async def fill(world: World, *, slice: int = 2000, steps: int | None = None) -> int:
    """Back-fill by hand, up to so many steps or until nothing is left to do; the number of steps that did something."""
    filler = Filler(world.batches, slice=slice)
    taken, again = 0, True
    async with by_hand(world), world.pool.connection() as conn:
        while again and taken != steps:
            again = False
            for todo in await filler.todo(conn, list(range(world.partitions))):
                lane = world.lanes.get(todo.partition) or await world.claim(todo.partition)
                if taken != steps and not todo.waits and await filler.step(conn, lane, todo, clock=world.clock.now):
                    again = True
                    taken += 1
    return taken


async def members(world: World) -> dict[str, set[int]]:
    """Segment → who is in it, as SQL sees it."""
    found: dict[str, set[int]] = {}
    for segment, id in await world.rows("select segment, profile_id from membership"):
        found.setdefault(segment, set()).add(id)
    return found
