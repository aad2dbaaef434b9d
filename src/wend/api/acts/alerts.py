"""Alerts that are shown in the product: the list, and marking them as read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wend.store.clock import now_ms
from wend.store.postgres import Connection, fetch_all, fetch_one, sql

_LAST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `target`: whom it is for (owner, a team, an address). `at` in ms UTC."""

    id: int
    at: int
    text: str
    target: str
    profile_id: int
    journey: str
    node: str
    status: Literal["shown", "read"]


async def some(conn: Connection, *, before: int | None = None, unread: bool = False, limit: int = 50) -> list[Alert]:
    """The latest alerts, older than the one with id `before`."""
    args = {"before": _LAST if before is None else before, "unread": unread, "limit": limit}
    return [Alert(*row) for row in await fetch_all(conn, sql("alert_list"), args)]


async def read(conn: Connection, ids: Sequence[int] | None) -> int:
    """Mark alerts as read, all of them for None; how many were not yet."""
    args = {"now": await now_ms(conn), "ids": list(ids or ()), "everything": ids is None}
    return (await conn.execute(sql("alert_read"), args)).rowcount


async def unread(conn: Connection) -> int:
    """How many are not read; 1000 stands for more."""
    row = await fetch_one(conn, sql("alert_unread"))
    return 0 if row is None else int(row[0])
