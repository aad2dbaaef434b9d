"""Identifiers that were refused because two different users would have become one, and how each case was resolved."""

from __future__ import annotations

from typing import Any, LiteralString

from wend.reports.rows import first, rows
from wend.store.postgres import Connection

STATUSES = ("open", "kept_apart", "merged")

_CASES: LiteralString = (
    "select c.id, c.at, c.namespace, c.value, c.status, c.resolved_at, c.resolved_by,"
    " coalesce(p.survivor, c.profile_id) as person, coalesce(o.survivor, c.other_id) as owner,"
    " (select array_agg(i.value order by i.at, i.value) from identifier i where i.namespace = 'user_id'"
    "  and i.profile_id = coalesce(p.survivor, c.profile_id)) as person_users,"
    " (select array_agg(i.value order by i.at, i.value) from identifier i where i.namespace = 'user_id'"
    "  and i.profile_id = coalesce(o.survivor, c.other_id)) as owner_users"
    " from identity_conflict c left join alias p on p.absorbed = c.profile_id left join alias o on o.absorbed = c.other_id"
)


async def conflicts(
    conn: Connection, *, status: str | None = None, before: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Cases, the latest first: the identifier, `person` with whom it was sent, `owner` whom it means (both as they are now,
    after merges, each with their user ids). `status`: only those; `before`: id of the last one of the page before."""
    query: LiteralString = _CASES + " where true"
    args: dict[str, Any] = {"limit": limit}
    if status is not None:
        query += " and c.status = %(status)s"
        args["status"] = status
    if before is not None:
        query += " and c.id < %(before)s"
        args["before"] = before
    return await rows(conn, query + " order by c.id desc limit %(limit)s", args)


async def conflict(conn: Connection, id: int) -> dict[str, Any] | None:
    """One case, or None."""
    return await first(conn, _CASES + " where c.id = %s", (id,))
