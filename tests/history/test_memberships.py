"""What the engine keeps (table `membership`) is what the SQL reader finds, also when only time has passed."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from tests.engine.world import DAY, HOUR
from tests.history.drawn import END, drawn_history
from tests.history.stored import BEGINNING, asked, condition, empty_world, live, memory_of, publish

SEGMENTS: dict[str, dict[str, Any]] = {
    "lookers": {"event": "Looked", "count": {"gte": 2}, "within": "12d"},
    "buyers": {"event": "Order Completed", "sum": "a", "gt": 10, "within": "30d"},
    "asleep": {"inactive": "5d"},
    "left-carts": {"event": "Product Added", "within": "7d", "then_not": {"event": "Order Completed", "within": "1d"}},
    "both": {"all": [{"segment": "lookers"}, {"not": {"segment": "asleep"}}]},
    "young": {"attribute": "day", "within": {"last": "30d"}},
    "tagged": {"any": [{"tag": "x"}, {"consent": "email"}]},
}


@pytest.mark.parametrize("seed", [1, 2])
async def test_membership_is_what_sql_finds_whenever_it_is_asked(database_url: str, seed: int) -> None:
    draw = Random(seed)
    async with empty_world(database_url) as world:
        world.clock.now = BEGINNING - 1
        await publish(world, *({"id": id, "name": id, "condition": raw} for id, raw in SEGMENTS.items()))
        await world.run()
        deeds = drawn_history(draw, 16)
        for later in (0, 3 * HOUR, 2 * DAY, 20 * DAY):
            await live(world, deeds, END + later)
            deeds = []
            async with world.pool.connection() as conn:
                plan = (await memory_of(conn)).plan
                for id, raw in SEGMENTS.items():
                    rows = await world.rows("select profile_id from membership where segment = %s order by 1", id)
                    found = await asked(conn, condition(raw), END + later, plan)
                    assert [row[0] for row in rows] == found, (id, later)
