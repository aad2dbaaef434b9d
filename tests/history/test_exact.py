"""Which conditions SQL decides alone: for them it never leaves anybody to the state."""

from __future__ import annotations

from random import Random

import pytest
from tests.history.drawn import END, drawn_condition, drawn_history
from tests.history.stored import BEGINNING, condition, empty_world, live, memory_of

from wend.history.members import draw
from wend.history.sql.exact import is_true_in_sql
from wend.history.sql.reader import to_sql


@pytest.mark.parametrize(
    ("raw", "exact"),
    [
        ({"attribute": "city", "is": "Berlin"}, True),
        ({"attribute": "city", "is": "Berlin", "ignore_case": True}, False),
        ({"attribute": "city", "matches": "^B"}, False),
        ({"attribute": "born", "anniversary": "today"}, False),
        ({"attribute": "born", "gt": "2000-01-01"}, False),
        ({"attribute": "n", "between": [1, 1e300]}, False),
        ({"event": "Looked", "count": {"gte": 2}, "within": "7d"}, True),
        ({"event": "Looked", "since": "2025-10-01"}, False),
        ({"event": "Looked", "since": "2025-10-01T00:00:00Z"}, True),
        ({"event": "Looked", "where": {"all": [{"property": "a", "gt": 5}, {"not": {"property": "b", "matches": "x"}}]}}, False),
        ({"event": "Looked", "max": "a", "gt": 5}, True),
        ({"event": "Looked", "sum": "a", "gt": 5}, False),
        ({"event": "Looked", "first": {"before": {"ago": "3d"}}}, True),
        ({"event": "Looked", "first": {"before": "2025-10-01"}}, False),
        ({"event": "Looked", "then": {"event": "Bought", "within": "1h"}}, True),
        ({"compare": [{"event": "Looked", "within": "7d"}, "lt", 2]}, True),
        ({"compare": [{"event": "Looked", "avg": "a"}, "lt", 2]}, False),
        ({"inactive": "3d"}, True),
        ({"orders": {"gte": 2}}, True),
        ({"revenue": {"gte": 2}}, False),
        ({"last_seen": {"before": {"ago": "3d"}}}, True),
        ({"tag": "x"}, False),
        ({"any": [{"sample": "10%"}, {"segment": "vip"}]}, True),
        ({"any": [{"sample": "10%"}, {"tag": "x"}]}, False),
    ],
)  # fmt: skip
def test_is_true_in_sql(raw: dict[str, object], exact: bool) -> None:
    assert is_true_in_sql(condition(raw)) is exact


async def test_nobody_is_left_to_the_state_where_sql_decides_alone(database_url: str) -> None:
    """But for odd values (lists and objects as keys), which the drawn histories have too."""
    draw_ = Random(5)
    conditions = [condition(drawn_condition(draw_)) for _ in range(150)]
    alone = [
        one
        for one in conditions
        if is_true_in_sql(one) and "distinct" not in str(one.dump()) and "per" not in str(one.dump())
    ]
    assert len(alone) > 30
    async with empty_world(database_url) as world:
        world.clock.now = BEGINNING
        await live(world, drawn_history(draw_, 16), END)
        async with world.pool.connection() as conn:
            people = len((await memory_of(conn)).people)
            for one in alone:
                fragment = to_sql(one, END)
                await draw(conn, fragment)
                row = await (await conn.execute(fragment.counts.encode(), fragment.params)).fetchone()
                assert row is not None
                assert row[1:] == (0, people), one.dump()
