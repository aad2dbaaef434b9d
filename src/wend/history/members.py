"""Who fulfils a condition: exact, whatever its form, in order of id.

SQL goes first (sql/reader.py) and decides alone on attributes, counts, measures, sequences, orders, inactivity, membership and
samples. States are loaded for those whom it cannot decide: `tag`, `score`, `stage`, `known`, `reachable`, `cart`, `recent`,
`message`, `near`, `inside`, whatever has no translation yet; `consent`, `topic` and `group` of those who may have it; dates within a
day or two of their bound; `matches`; `ignore_case` beyond ASCII; sums of fractions at their bound; and the log for the counts among them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, LiteralString

from wend.core.condition.base import Condition
from wend.core.sample import bucket
from wend.history.decide import Decider, Told
from wend.history.sql.reader import Fragment, to_sql
from wend.store.postgres import Connection

BATCH = 5_000


async def members(
    conn: Connection,
    condition: Condition,
    now: int,
    *,
    zone: str = "UTC",
    settings: Mapping[str, Any] | None = None,
    ids: list[int] | None = None,
    partition: int | None = None,
) -> AsyncIterator[int]:
    """The ids of all living people (or of `ids`, or of one partition) for whom the condition is true at `now` (ms UTC), ascending.

    `zone` and `settings` are the plan's. Reads as of one statement and of the moments when states are loaded: where nobody may change
    meanwhile, give a connection in a transaction of isolation level `repeatable read`. Needs a transaction (no autocommit).
    """
    fragment = to_sql(condition, now, zone, ids=ids, partition=partition)
    await ready(conn, fragment)
    decider = Decider(condition, [leaf for leaf, _ in fragment.leaves], now, zone, dict(settings or {}))
    async with conn.cursor(name="members") as cursor:
        await cursor.execute(fragment.people.encode(), fragment.params, binary=True)
        while rows := await cursor.fetchmany(BATCH):
            open_: dict[int, Told] = {row[0]: row[2:] for row in rows if row[1] is None}
            decided = set(await decider.members(conn, open_)) if open_ else set[int]()
            for row in rows:
                if row[1] or row[0] in decided:
                    yield row[0]


async def ready(conn: Connection, fragment: Fragment) -> None:
    """Set this transaction up for such queries, and fill in the ids of the samples that the condition asks for."""
    for setting in _SETTINGS:
        await conn.execute(setting)
    await draw(conn, fragment)


_SETTINGS: tuple[LiteralString, ...] = (
    # How many rows a text comparison leaves is not known to the planner: it thinks of few, and of loops within loops.
    "set local enable_nestloop = off",
    # Groups and hashes of a million people.
    "set local work_mem = '64MB'",
    # A cursor is planned as if only its first rows were wanted; all of them are.
    "set local cursor_tuple_fraction = 1.0",
)


async def draw(conn: Connection, fragment: Fragment) -> None:
    """Fill in the ids of the samples: PostgreSQL cannot draw them, their hash is not among its own."""
    if not fragment.samples:
        return
    rows = await (await conn.execute("select id from profile", binary=True)).fetchall()
    for name, sample in fragment.samples.items():
        fragment.params[name] = [row[0] for row in rows if bucket(sample.salt, row[0]) < sample.below]
