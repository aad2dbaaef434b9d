"""What waits for an operator: refused inputs, parked inputs, and the audit log."""

from __future__ import annotations

from typing import Any, LiteralString

from wend.reports.rows import rows
from wend.store.postgres import Connection


async def dead_letters(
    conn: Connection, *, code: str | None = None, before: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Refused inputs, the latest first. `before`: id of the last one of the page before."""
    query: LiteralString = "select id, at, source, code, message, body from dead_letter where true"
    args: dict[str, Any] = {"limit": limit}
    if code is not None:
        query += " and code = %(code)s"
        args["code"] = code
    if before is not None:
        query += " and id < %(before)s"
        args["before"] = before
    return await rows(conn, query + " order by id desc limit %(limit)s", args)


async def parked(
    conn: Connection, *, reason: str | None = None, after: tuple[int, int] = (0, 0), limit: int = 50
) -> list[dict[str, Any]]:
    """Parked inputs by person and order. `after`: (profile id, seq) of the last one of the page before."""
    query: LiteralString = (
        "select partition, profile_id, seq, at, kind, reason, error, tries, payload from parked"
        " where (profile_id, seq) > (%(profile)s, %(seq)s)"
    )
    args: dict[str, Any] = {"profile": after[0], "seq": after[1], "limit": limit}
    if reason is not None:
        query += " and reason = %(reason)s"
        args["reason"] = reason
    return await rows(conn, query + " order by profile_id, seq limit %(limit)s", args)


async def audit(conn: Connection, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """The audit log, the latest first."""
    if before is None:
        before = (1 << 63) - 1
    return await rows(
        conn, "select id, at, who, what, detail from audit where id < %s order by id desc limit %s", (before, limit)
    )
