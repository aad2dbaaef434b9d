"""The heart of conditions.md: whatever the condition and whatever people did, memory and SQL give the same answer for everybody.

Histories go through the live engine. Left out by design (docs/decisions/0010): more than a state's bounds (k latest, 200 numbers, 32
of a sequence, 20 messages), a zone that changed after something happened, and history that was dropped.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.history.drawn import END, EVENTS, drawn_condition, drawn_history
from tests.history.stored import BEGINNING, Deed, asked, condition, empty_world, live, memory_of, publish

from wend.history.size import Size, size

LOOKERS = {"id": "lookers", "name": "Lookers", "condition": {"event": EVENTS[0], "count": {"gte": 2}, "within": "12d"}}
VIP = {"id": "vip", "name": "VIP", "list": True}


async def compare(url: str, raws: list[dict[str, Any]], deeds: list[Deed]) -> None:
    conditions = [condition(raw) for raw in raws]
    async with empty_world(url) as world:
        world.clock.now = BEGINNING - 1
        # Whatever is asked is kept in the states from the beginning, as that of a published segment is.
        every = {"id": "every", "name": "Every", "condition": {"any": raws}}
        await publish(world, VIP, LOOKERS, every)
        await world.run()
        await live(world, deeds, END)
        assert not await world.rows("select 1 from parked")
        async with world.pool.connection() as conn:
            memory = await memory_of(conn)
            for place, one in enumerate(conditions):
                wanted = memory.members(one, END)
                assert await asked(conn, one, END, memory.plan) == wanted, one.dump()
                if place % 8 == 0:
                    found = await size(conn, one, END, zone=memory.plan.zone, settings=memory.plan.settings)
                    assert found == Size(len(wanted), True, len(memory.people))


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 32))
def test_memory_and_sql_agree_on_everybody(database_url: str, seed: int) -> None:
    draw = Random(seed)
    raws = [drawn_condition(draw) for _ in range(40)]
    asyncio.run(compare(database_url, raws, drawn_history(draw, 16)))
