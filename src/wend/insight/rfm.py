"""Thresholds of the RFM and ABC classes, worked out from everybody who ever ordered.

One pass over the stored states, three numbers kept of each buyer. Each point is meant to hold a fifth of the buyers: by recency the
fifth that ordered last has 5 points; by frequency and money a threshold is the smallest value that at most so many reach, so that a
crowd with one order stays together at the lower end. A are those who make the first 80 % of the revenue, B the next 15 %.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from wend.core.duration import HOUR
from wend.store.codec import decode_facts
from wend.store.postgres import Connection

LEAST = 20
"""Buyers; fewer say nothing."""
_STEPS = (0.8, 0.6, 0.4, 0.2)
_AT_ONCE = 2_000


class TooFew(ValueError):
    """There are not enough buyers to learn from."""


async def learn(conn: Connection, now: int) -> dict[str, Any]:
    """The setting `rfm` for the people as they are at `now` (ms UTC). Raises TooFew. Opens a transaction if there is none."""
    ages, orders, revenues = array("q"), array("q"), array("d")
    async with conn.cursor(name="rfm", binary=True) as cursor:
        await cursor.execute("select state from profile")
        while rows := await cursor.fetchmany(_AT_ONCE):
            for (state,) in rows:
                facts = decode_facts(state)
                if facts.last_order_at:
                    ages.append(max(now - facts.last_order_at, 0))
                    orders.append(facts.orders)
                    revenues.append(facts.revenue)
            await asyncio.sleep(0)  # whoever else lives in this process
    if len(ages) < LEAST:
        raise TooFew(f"{len(ages)} people have ordered so far; {LEAST} are needed to learn from")
    return thresholds(ages, orders, revenues) | {"learned": True}


def thresholds(ages: Sequence[int], orders: Sequence[int], revenues: Sequence[float]) -> dict[str, Any]:
    """The thresholds that make fifths of these buyers. Ages of their latest orders in ms; three lists of one length, not empty."""
    by_age = sorted(ages)
    hours = [max(by_age[len(by_age) * step // 5] // HOUR, 1) for step in (1, 2, 3, 4)]
    found: dict[str, Any] = {
        "recency": [f"{one}h" for one in hours],
        "frequency": _fifths(sorted(orders), 1),
        "money": [round(one, 2) for one in _fifths(sorted(revenues), 0.01)],
    }
    shares = _shares(sorted((one for one in revenues if one > 0), reverse=True))
    return found | {"abc": shares} if shares else found


def _fifths(ascending: Sequence[float], above: float) -> list[float]:
    """For 2, 3, 4, 5 points: the smallest value that at most 80, 60, 40, 20 % reach; beyond the largest one where none does."""
    count = len(ascending)
    found: list[float] = []
    for share in _STEPS:
        place = count - int(count * share)  # at most so many stand from here on
        value = ascending[place] if place < count else ascending[-1] + above
        if place < count and bisect_left(ascending, value) < place:
            # Some of the same value stand before: the next larger one is the threshold.
            later = bisect_right(ascending, value)
            value = ascending[later] if later < count else value + above
        found.append(value)
    return found


def _shares(descending: Sequence[float]) -> list[float]:
    """The revenue from which on one is in A, and in B."""
    if not descending:
        return []
    sums = list(accumulate(descending))
    return [round(descending[bisect_left(sums, sums[-1] * share - 1e-9)], 2) for share in (0.8, 0.95)]
