"""Segments and lists: how many people are in them, who, since when, and how far a new version has been back-filled."""

from __future__ import annotations

from typing import Any, LiteralString

from wend.reports.rows import first, rows
from wend.store.postgres import Connection

END = (1 << 63) - 1

_SHOWN: LiteralString = """
select s.id, s.name, s.kind, s.status, s.version, s.live_version, s.document, s.created_at, s.updated_at,
    (select count(*) from membership m where m.segment = s.id) as size,
    b.partitions, b.reading, b.judged, b.done, b.people, b.matched, b.steps,
    case when s.status = 'warming' then (select count(*) from profile) end as everybody,
    exists (select from plan_change c where c.journey = s.id and c.kind in ('segment', 'segment_live')
        and c.number > (select min(plan) from cursor)) as ahead
from segment s left join lateral (
    select count(*) as partitions, count(*) filter (where not ready) as reading, count(*) filter (where upto = %(end)s) as judged,
        count(*) filter (where done) as done, coalesce(sum(people), 0)::bigint as people,
        coalesce(sum(matched), 0)::bigint as matched, coalesce(sum(staged), 0)::bigint as steps
    from backfill b where b.segment = s.id and b.version = s.version) b on true
"""


async def every(conn: Connection) -> list[dict[str, Any]]:
    """All segments by id, with `size` (people in it now) and `progress` (of a version that is not in force everywhere yet, else None)."""
    return [_shown(row) for row in await rows(conn, _SHOWN + " order by s.id", {"end": END})]


async def one(conn: Connection, segment: str) -> dict[str, Any] | None:
    """One segment as `every` shows it; None: there is none."""
    row = await first(conn, _SHOWN + " where s.id = %(id)s", {"end": END, "id": segment})
    return None if row is None else _shown(row)


async def kinds(conn: Connection) -> dict[str, str]:
    """Segment id → live or list."""
    return {row["id"]: row["kind"] for row in await rows(conn, "select id, kind from segment order by id")}


async def members(conn: Connection, segment: str, *, after: int = 0, limit: int = 50) -> list[dict[str, Any]]:
    """People in a segment, by profile id behind `after`: since when (ms UTC), and what they are known as."""
    return await rows(
        conn,
        "select m.profile_id, m.since, coalesce((select value from identifier i where i.profile_id = m.profile_id"
        "   order by array_position(array['user_id', 'email'], namespace) nulls last limit 1), '') as known_as"
        " from membership m where m.segment = %s and m.profile_id > %s order by m.profile_id limit %s",
        (segment, after, limit),
    )


async def of_person(conn: Connection, partition: int, profile_id: int) -> list[dict[str, Any]]:
    """The segments that somebody is in: id, name, kind, since when. Versions that are not in force yet are left out."""
    return await rows(
        conn,
        "select s.id, s.name, s.kind, m.since from segment s join membership m on m.segment = s.id"
        " where m.partition = %s and m.profile_id = %s order by s.id",
        (partition, profile_id),
    )


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    progress = None
    if row["status"] == "warming" or row["ahead"]:
        if row["status"] == "live":
            stage = "taking force"
        elif row["reading"]:
            stage = "reading the log"
        else:
            stage = "judging people" if row["judged"] < row["partitions"] else "finishing"
        progress = {
            "version": row["version"],
            "stage": stage,
            "partitions": row["partitions"],
            "done": row["judged"],
            "people": row["people"],
            "of": max(row["everybody"] or 0, row["people"]),
            "matched": row["matched"],
            "read": row["steps"],
        }
    names = ("id", "name", "kind", "status", "version", "live_version", "document", "created_at", "updated_at", "size")
    return {name: row[name] for name in names} | {"progress": progress}
