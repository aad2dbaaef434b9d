"""Which properties and attributes come in, and of what types (counted in samples: engine/observe.py). Read only."""

from __future__ import annotations

from typing import Any, LiteralString

from wend.reports.rows import rows
from wend.store.postgres import Connection

KINDS = ("event", "attribute", "company")

Position = tuple[str, str, str]
"""(kind, name, property)."""


async def schema(
    conn: Connection,
    *,
    kind: str | None = None,
    name: str | None = None,
    conflicts: bool = False,
    after: Position = ("", "", ""),
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Properties by kind, name of the event and property: `types` (type → times in samples), `at` of the latest (ms UTC).

    `conflicts`: only those that came with more than one type. `after`: the last one of the page before.
    """
    query: LiteralString = (
        "select kind, name, property, json_object_agg(type, n order by n desc, type) as types, max(at) as at"
        " from schema_seen where (kind, name, property) > (%(after_kind)s, %(after_name)s, %(after_property)s)"
    )
    args: dict[str, Any] = {"limit": limit}
    args |= {"after_kind": after[0], "after_name": after[1], "after_property": after[2]}
    if kind is not None:
        query += " and kind = %(kind)s"
        args["kind"] = kind
    if name is not None:
        query += " and name = %(name)s"
        args["name"] = name
    query += " group by kind, name, property"
    if conflicts:
        query += " having count(*) > 1"
    return await rows(conn, query + " order by kind, name, property limit %(limit)s", args)
