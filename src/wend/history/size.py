"""How many people fulfil a condition: exact where SQL tells or few must be looked at one by one, else an estimate that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

from wend.core.condition.base import Condition
from wend.history.decide import Decider
from wend.history.members import BATCH, ready
from wend.history.sql.reader import to_sql
from wend.store.postgres import Connection

EXACT = 20_000
"""Up to so many people whom SQL cannot decide are looked at one by one."""
SAMPLE = 4_000
"""Else so many of them, drawn at random."""
_Z = 1.96
"""95 % of all samples lie within so many standard errors."""


@dataclass(frozen=True, slots=True)
class Size:
    """`count` of the people fulfil the condition; of: all living people."""

    count: int
    exact: bool
    of: int
    margin: int = 0
    """Not exact: the true number is at most so far away, in 95 of 100 cases."""


async def size(
    conn: Connection,
    condition: Condition,
    now: int,
    *,
    zone: str = "UTC",
    settings: Mapping[str, Any] | None = None,
    exact_up_to: int = EXACT,
    sample: int = SAMPLE,
) -> Size:
    """The number of living people for whom the condition is true at `now` (ms UTC). Needs a transaction, as `members` does."""
    fragment = to_sql(condition, now, zone)
    await ready(conn, fragment)
    row = await (await conn.execute(fragment.counts.encode(), fragment.params, prepare=False, binary=True)).fetchone()
    assert row is not None
    sure, open_, everybody = row
    if not open_:
        return Size(sure, True, everybody)
    several = min(sample, open_) if open_ > exact_up_to else open_
    params = {**fragment.params, "limit": several}
    decider = Decider(condition, [leaf for leaf, _ in fragment.leaves], now, zone, dict(settings or {}))
    rows = await (await conn.execute(fragment.undecided.encode(), params, prepare=False, binary=True)).fetchall()
    found = 0
    for first in range(0, len(rows), BATCH):
        found += len(await decider.members(conn, {one[0]: one[2:] for one in rows[first : first + BATCH]}))
    if several == open_:
        return Size(sure + found, True, everybody)
    return Size(sure + round(found / several * open_), False, everybody, _margin(found, several, open_))


def _margin(found: int, several: int, open_: int) -> int:
    """Half the width of Wilson's interval, of a sample without replacement."""
    share, z = found / several, _Z
    width = z * sqrt(share * (1 - share) / several + z * z / (4 * several * several)) / (1 + z * z / several)
    return ceil(width * sqrt((open_ - several) / (open_ - 1)) * open_)
