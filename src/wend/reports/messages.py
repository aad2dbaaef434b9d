"""Messages and what became of them, and what the built-in inbox caught."""

from __future__ import annotations

from typing import Any, LiteralString

from wend.reports.rows import first, rows
from wend.store.postgres import Connection

_COLUMNS: LiteralString = (
    "o.effect_id, o.profile_id, o.channel, o.journey, o.version, o.node, o.run, o.move, o.template, o.topic, o.transactional,"
    " o.address, o.status, o.at, o.not_before, o.expires_at, o.tries, o.provider_id, o.why, o.updated_at,"
    " i.id as inbox_id, i.subject"
)
_FROM: LiteralString = " from outbox o left join inbox i on i.effect_id = o.effect_id"


async def messages(
    conn: Connection,
    *,
    journey: str | None = None,
    profile: tuple[int, int] | None = None,
    status: str | None = None,
    channel: str | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Messages, the latest first. `profile`: (partition, id). `before`: (at, effect id) of the last one of the page before."""
    query: LiteralString = "select " + _COLUMNS + _FROM + " where true"
    args: dict[str, Any] = {"limit": limit}
    if journey is not None:
        query += " and o.journey = %(journey)s"
        args["journey"] = journey
    if profile is not None:
        query += " and o.partition = %(partition)s and o.profile_id = %(profile)s"
        args |= {"partition": profile[0], "profile": profile[1]}
    if status is not None:
        query += " and o.status = %(status)s"
        args["status"] = status
    if channel is not None:
        query += " and o.channel = %(channel)s"
        args["channel"] = channel
    if before is not None:
        query += " and (o.at < %(at)s or (o.at = %(at)s and o.effect_id > %(effect)s))"
        args |= {"at": before[0], "effect": before[1]}
    return await rows(conn, query + " order by o.at desc, o.effect_id limit %(limit)s", args)


async def message(conn: Connection, effect_id: str) -> dict[str, Any] | None:
    """One message with `timeline`: every step that concerns it, oldest first. None when there is none of that id."""
    found = await first(conn, "select o.partition, " + _COLUMNS + _FROM + " where o.effect_id = %s", (effect_id,))
    if found is None:
        return None
    found["timeline"] = await rows(
        conn,
        "select at, kind, branch, why, until, detail from step where partition = %(partition)s and profile_id = %(profile_id)s"
        " and run = %(run)s and node = %(node)s and kind in ('held', 'sent', 'dropped', 'outcome')"
        " and (move = %(move)s or kind = 'outcome') order by at, ordinal limit 200",
        {name: found[name] for name in ("partition", "profile_id", "run", "node", "move")},
    )
    return found


async def inbox(
    conn: Connection,
    *,
    recipient: str | None = None,
    channel: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """What the built-in inbox caught, the latest first, without bodies. `before`: id of the last one of the page before."""
    query: LiteralString = "select id, effect_id, channel, at, sender, recipient, subject, left(body_text, 200) as preview from inbox where true"
    args: dict[str, Any] = {"limit": limit}
    if recipient:
        query += " and recipient = %(recipient)s"
        args["recipient"] = recipient
    if channel:
        query += " and channel = %(channel)s"
        args["channel"] = channel
    if before is not None:
        query += " and id < %(before)s"
        args["before"] = before
    return await rows(conn, query + " order by id desc limit %(limit)s", args)


async def caught(conn: Connection, inbox_id: int) -> dict[str, Any] | None:
    """One caught message with text, HTML and headers, and the message of ours that it was, if it was one."""
    found = await first(
        conn,
        "select id, effect_id, channel, at, sender, recipient, subject, body_text, body_html, headers from inbox where id = %s",
        (inbox_id,),
    )
    if found is not None:
        effect = (found["effect_id"] or "").partition("#")[0]
        found["message"] = await message(conn, effect) if effect else None
    return found


async def raw(conn: Connection, inbox_id: int) -> bytes | None:
    """A caught mail as it came over the wire; None when there is none, or it was no mail."""
    row = await first(conn, "select raw from inbox where id = %s", (inbox_id,))
    return bytes(row["raw"]) if row and row["raw"] is not None else None
