"""Rows as dictionaries, JSON columns as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec
from psycopg.rows import dict_row

from wend.store.postgres import Connection


async def rows(
    conn: Connection, query: LiteralString, args: Sequence[Any] | dict[str, Any] = ()
) -> list[dict[str, Any]]:
    """All rows of a query; its JSON columns are decoded (connections give them as bytes)."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, args)
        columns = [one.name for one in cursor.description or () if one.type_code in _JSON]
        found = await cursor.fetchall()
    for row in found:
        for name in columns:
            if row[name] is not None:
                row[name] = msgspec.json.decode(row[name])
    return found


async def first(
    conn: Connection, query: LiteralString, args: Sequence[Any] | dict[str, Any] = ()
) -> dict[str, Any] | None:
    """The first row of a query, or None."""
    found = await rows(conn, query, args)
    return found[0] if found else None


_JSON = frozenset({114, 3802})  # type numbers of json and jsonb, the same in every PostgreSQL
