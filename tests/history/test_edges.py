"""Single edges of conditions.md, each with the people who stand on both sides of it: memory and SQL say who is inside."""

from __future__ import annotations

from typing import Any

from tests.engine.world import DAY, HOUR, MINUTE
from tests.history.stored import BEGINNING, Deed, asked, condition, empty_world, live, memory_of, publish

from wend.core.inputs import Event, Identify

NOW = BEGINNING + 10 * DAY  # 2025-10-19T00:00Z


def at(text_days_ago: int, ms: int = 0) -> int:
    return NOW - text_days_ago * DAY + ms


def did(person: int, when: int, name: str = "Looked", **properties: Any) -> Deed:
    """Heard of half an hour before the end, whenever it happened."""
    return NOW - 30 * MINUTE, person, Event(name, when, properties)


def knows(person: int, **traits: Any) -> Deed:
    return BEGINNING, person, Identify(traits, BEGINNING)


LIVES: list[Deed] = [
    # (now − W, now]: the beginning is out, a millisecond later is in.
    *(did(1, at(3)), did(2, at(3, 1)), did(3, NOW - HOUR), did(4, at(1)), did(5, at(1, 1))),
    # Sessions: exactly half an hour is no new one.
    *(did(6, at(5)), did(6, at(5, 30 * MINUTE)), did(7, at(5)), did(7, at(5, 30 * MINUTE + 1))),
    # Sequences: the same instant does not follow; `within` is over at its last millisecond.
    *(did(8, at(6)), did(8, at(6), "Bought"), did(9, at(6)), did(9, at(6, 2 * HOUR), "Bought")),
    *(did(10, at(6)), did(10, at(6, 2 * HOUR - 1), "Bought")),
    # Letter case as Unicode folds it.
    *(knows(11, a="Straße"), knows(12, a="STRASSE"), knows(13, a="\u212aelvin"), knows(14, a="KELVIN")),
    # The day of the person, not of UTC: it is 2025-10-19 in Kiritimati, the 18th in Pago Pago.
    *(knows(15, day="2000-10-19", timezone="Pacific/Kiritimati"), knows(16, day="2000-10-19", timezone="Pacific/Pago_Pago")),
    *(knows(17, day="2025-10-18", timezone="Pacific/Kiritimati"), knows(18, day="2025-10-18", timezone="Pacific/Pago_Pago")),
    *(knows(19, timezone="Pacific/Kiritimati"), did(19, BEGINNING + 12 * HOUR)),
    *(knows(20, timezone="Pacific/Pago_Pago"), did(20, BEGINNING + 12 * HOUR)),
    *(knows(21, day="2025-10-18T24:00"), knows(22, day="2025-02-30"), knows(23, day="2025-10-18 08:00")),
    # Money is added as floats are.
    *(did(24, at(4), n=0.1), did(24, at(4), n=0.2), did(25, at(4), n="50"), did(25, at(4), n=" 50.5 ")),
    *(did(26, at(4), n="\u00a07"), did(27, at(4), n=True)),
]  # fmt: skip

CASES: list[tuple[dict[str, Any], set[int]]] = [
    ({"event": "Looked", "within": "3d"}, {2, 3, 4, 5}),
    ({"event": "Looked", "from": "3d", "to": "1d"}, {2, 4}),
    ({"event": "Looked", "from": "1d", "to": "1h"}, {3, 5}),
    ({"event": "Looked", "last": {"after": {"ago": "3d"}}}, {2, 3, 4, 5}),
    ({"all": [{"event": "Looked"}, {"inactive": "3d"}, {"sessions": {"gte": 2}}]}, {7, 9, 10}),
    ({"event": "Looked", "then": {"event": "Bought", "within": "2h"}}, {10}),
    ({"event": "Looked", "from": "7d", "to": "5d", "then_not": {"event": "Bought", "within": "2h"}}, {6, 7, 8, 9}),
    ({"attribute": "a", "is": "strasse", "ignore_case": True}, {11, 12}),
    ({"attribute": "a", "starts_with": "kel", "ignore_case": True}, {13, 14}),
    ({"attribute": "day", "anniversary": "today"}, {15, 18}),
    ({"attribute": "day", "before": {"ago": "0s"}}, {15, 16, 17, 23}),
    ({"attribute": "day", "gte": "2025-10-18"}, {17, 18, 23}),
    ({"event": "Looked", "until": "2025-10-10", "where": {"not": {"property": "n", "exists": True}}}, {20}),
    ({"event": "Looked", "sum": "n", "gt": 0.3}, {24, 25, 26}),
    ({"event": "Looked", "sum": "n", "gt": 100.5}, set()),
    ({"event": "Looked", "min": "n", "gte": 7}, {25, 26}),
]


async def test_the_edges(database_url: str) -> None:
    async with empty_world(database_url) as world:
        world.clock.now = BEGINNING - 1
        await publish(world, {"id": "e", "name": "E", "condition": {"any": [raw for raw, _ in CASES]}})
        await world.run()
        await live(world, LIVES, NOW)
        async with world.pool.connection() as conn:
            memory = await memory_of(conn)
            for raw, wanted in CASES:
                one = condition(raw)
                assert set(memory.members(one, NOW)) == wanted, raw
                assert await asked(conn, one, NOW, memory.plan) == sorted(wanted), raw
