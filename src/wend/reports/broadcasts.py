"""How far broadcasts have come."""

from __future__ import annotations

from dataclasses import dataclass

from wend.store.postgres import Connection, fetch_all, fetch_one, sql


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One input for many people. Instants in ms UTC; `ended_at` None: it is on its way."""

    id: int
    what: str
    journey: str
    created_at: int
    ended_at: int | None
    told: int
    """People for whom it has been put into the log."""
    done: int
    """Partitions that are done, of `parts`."""
    parts: int


async def one(conn: Connection, id: int) -> Broadcast | None:
    """A broadcast, or None."""
    row = await fetch_one(conn, sql("broadcast_one"), (id,))
    return None if row is None else Broadcast(*row)


async def recent(conn: Connection, limit: int) -> list[Broadcast]:
    """The latest, newest first."""
    return [Broadcast(*row) for row in await fetch_all(conn, sql("broadcast_recent"), (limit,))]
