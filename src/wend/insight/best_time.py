"""The hour of the day in which most people open and click, for each channel: what `wait_for_slot: {best_time: …}` falls back to.

Worked out from the recorded feedback of the latest 30 days, in the local hours of the people. Machine opens do not count.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from wend.core.duration import DAY, HOUR
from wend.core.zone import to_local, zone_of
from wend.store.postgres import Connection, fetch_all, sql

SINCE = 30 * DAY
LEAST = 50
"""Opens and clicks on a channel; fewer say nothing."""


async def learn(conn: Connection, now: int, zone: str = "UTC") -> dict[str, int]:
    """The setting `best_time` at `now` (ms UTC): channel → local hour; channels of which too little is known are left out.

    `zone` counts for people without a valid one of their own.
    """
    rows = await fetch_all(conn, sql("insight_answers"), {"since": now - SINCE, "until": now, "hour": HOUR})
    counts: dict[str, Counter[int]] = {}
    for channel, own, hour, times in rows:
        local = to_local(hour * HOUR, zone_of({"timezone": own}, zone)).hour
        counts.setdefault(channel, Counter())[local] += times
    return {channel: best(found) for channel, found in sorted(counts.items()) if found.total() >= LEAST}


def best(counts: Counter[int]) -> int:
    """The hour with most answers, those beside it counting half; of equals the earliest."""
    weights: dict[int, Any] = {
        hour: 2 * counts[hour] + counts[(hour - 1) % 24] + counts[(hour + 1) % 24] for hour in range(24)
    }
    return max(weights, key=lambda hour: weights[hour])
