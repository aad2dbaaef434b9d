"""What happened to a person, the latest first: inputs of the log, decisions (steps) and messages, merged by time, page by page.

A position is (at, rank, ordinal): rank tells the three sources apart at one instant, ordinal orders within a source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wend.reports.people import absorbed
from wend.reports.rows import rows
from wend.store.log import partition_of, partitions
from wend.store.postgres import Connection

Position = tuple[int, int, int]
START: Position = (1 << 62, 9, 1 << 62)
_MOST_ABSORBED = 20  # people merged into this one whose past is shown too; more than that is not a person but a mistake


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline. `kind`: input kind, step kind or message status; `detail` what belongs to it."""

    at: int
    source: Literal["input", "message", "step"]
    kind: str
    position: Position
    detail: dict[str, Any]


async def timeline(conn: Connection, profile_id: int, *, before: Position = START, limit: int = 50) -> list[Entry]:
    """Up to `limit` entries older than `before`, of the person and of everybody merged into it."""
    count = await partitions(conn)
    found: list[Entry] = []
    for one in [profile_id, *(await absorbed(conn, profile_id))[:_MOST_ABSORBED]]:
        args = {"partition": partition_of(one, count), "id": one, "limit": limit}
        args |= {"at": before[0], "rank": before[1], "ordinal": before[2]}
        found += await _inputs(conn, args)
        found += await _steps(conn, args)
        found += await _messages(conn, args)
    found.sort(key=lambda entry: entry.position, reverse=True)
    return found[:limit]


async def _inputs(conn: Connection, args: dict[str, Any]) -> list[Entry]:
    # Log time rises with seq within a partition, so the order of the key is the order of time.
    found = await rows(
        conn,
        "select at, seq, kind, payload from log where partition = %(partition)s and profile_id = %(id)s"
        " and at <= %(at)s and (at, 0, seq) < (%(at)s, %(rank)s, %(ordinal)s) order by seq desc limit %(limit)s",
        args,
    )
    return [Entry(row["at"], "input", row["kind"], (row["at"], 0, row["seq"]), row["payload"]) for row in found]


async def _steps(conn: Connection, args: dict[str, Any]) -> list[Entry]:
    found = await rows(
        conn,
        "select at, ordinal, kind, journey, version, run, move, node, branch, why, until, detail from step"
        " where partition = %(partition)s and profile_id = %(id)s"
        " and at <= %(at)s and (at, 1, ordinal) < (%(at)s, %(rank)s, %(ordinal)s)"
        " order by at desc, ordinal desc limit %(limit)s",
        args,
    )
    return [Entry(row["at"], "step", row["kind"], (row["at"], 1, row["ordinal"]), row) for row in found]


async def steps_since(
    conn: Connection, profile_id: int, journey: str, after: tuple[int, int], *, limit: int = 200
) -> list[dict[str, Any]]:
    """The steps of a person in a journey behind `after` (instant, ordinal), the oldest first."""
    return await rows(
        conn,
        "select at, ordinal, kind, journey, version, run, move, node, branch, why, until, detail from step"
        " where partition = %s and profile_id = %s and journey = %s and at >= %s and (at, ordinal) > (%s, %s)"
        " order by at, ordinal limit %s",
        (partition_of(profile_id, await partitions(conn)), profile_id, journey, after[0], *after, limit),
    )


async def _messages(conn: Connection, args: dict[str, Any]) -> list[Entry]:
    found = await rows(
        conn,
        "select o.at, o.outbox_seq, o.effect_id, o.channel, o.journey, o.node, o.run, o.template, o.address, o.status, o.why,"
        " i.id as inbox_id, i.subject from outbox o left join inbox i on i.effect_id = o.effect_id"
        " where o.partition = %(partition)s and o.profile_id = %(id)s"
        " and o.at <= %(at)s and (o.at, 2, o.outbox_seq) < (%(at)s, %(rank)s, %(ordinal)s)"
        " order by o.at desc, o.outbox_seq desc limit %(limit)s",
        args,
    )
    return [Entry(row["at"], "message", row["status"], (row["at"], 2, row["outbox_seq"]), row) for row in found]
