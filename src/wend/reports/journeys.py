"""Journeys as they stand: the list, counts per node, and the people at a node.

Counts come from `tally` (added up by the engine, never counted by scanning); the people at a node from `place`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wend.reports.rows import first, rows
from wend.store.postgres import Connection


@dataclass(slots=True)
class NodeCounts:
    """At one node: runs that rest there now, that went on, what became of messages, by what the engine counts."""

    waiting: int = 0
    passed: int = 0
    ended: int = 0
    failed: int = 0
    other: dict[str, int] = field(default_factory=dict)
    """`moved:yes`, `sent`, `accepted`, `opened` … as counted."""


@dataclass(slots=True)
class JourneyCounts:
    """The whole journey: runs started, inside now, ended, refused triggers, goals reached; and each node."""

    started: int = 0
    inside: int = 0
    ended: int = 0
    refused: int = 0
    goals: int = 0
    nodes: dict[str, NodeCounts] = field(default_factory=dict)


async def every(conn: Connection) -> list[dict[str, Any]]:
    """All journeys, live ones first: id, name, status, version, has_draft, times."""
    return await rows(
        conn,
        "select id, name, status, version, draft is not null as has_draft, created_at, updated_at from journey"
        " order by array_position(array['live', 'paused', 'sunset', 'draft', 'stopped'], status), id",
    )


async def one(conn: Connection, journey: str) -> dict[str, Any] | None:
    """A journey with its draft and its published document, or None."""
    found = await first(
        conn,
        "select id, name, status, version, draft, created_at, updated_at from journey where id = %s",
        (journey,),
    )
    if found is not None:
        found["document"] = await document(conn, journey, found["version"])
    return found


async def document(conn: Connection, journey: str, version: int) -> dict[str, Any] | None:
    """The published document of that version, or None."""
    row = await first(
        conn,
        "select document from plan_change where kind = 'publish' and journey = %s and version = %s",
        (journey, version),
    )
    return row["document"] if row else None


async def live_documents(conn: Connection) -> list[dict[str, Any]]:
    """The documents of all live journeys."""
    found = await rows(
        conn,
        "select c.document from journey j join plan_change c on c.journey = j.id and c.version = j.version and c.kind = 'publish'"
        " where j.status = 'live' order by j.id",
    )
    return [row["document"] for row in found]


async def history(conn: Connection, journey: str) -> list[dict[str, Any]]:
    """Everything that was done to the journey's publication, the latest first."""
    return await rows(
        conn,
        "select number, at, kind, version, policy from plan_change where journey = %s order by number desc",
        (journey,),
    )


async def counts(conn: Connection, journey: str) -> JourneyCounts:
    """The counts of a journey over all its versions."""
    found = JourneyCounts()
    for row in await rows(
        conn, "select node, what, sum(n)::bigint as n from tally where journey = %s group by node, what", (journey,)
    ):
        node, what, n = row["node"], row["what"], int(row["n"])
        if not node:
            _journey_wide(found, node, what, n)
            continue
        at = found.nodes.setdefault(node, NodeCounts())
        if what in ("waiting-in", "waiting-out"):
            at.waiting += n if what == "waiting-in" else -n
        elif what.startswith("moved"):
            at.passed += n
            at.other[what] = at.other.get(what, 0) + n
        elif what == "ended":
            at.ended += n
            found.ended += n
        elif what == "failed":
            at.failed += n
        else:
            _journey_wide(found, node, what, n)
            at.other[what] = at.other.get(what, 0) + n
    found.inside = sum(max(0, one.waiting) for one in found.nodes.values())
    return found


def _journey_wide(found: JourneyCounts, node: str, what: str, n: int) -> None:
    if what == "started":
        found.started += n
    elif what == "refused" and not node:  # at a node it is a message that was refused
        found.refused += n
    elif what == "goal":
        found.goals += n
    elif what == "ended":
        found.ended += n


async def inside(conn: Connection) -> dict[str, int]:
    """Runs inside each journey now."""
    found = await rows(
        conn,
        "select journey, sum(case what when 'waiting-in' then n when 'waiting-out' then -n else 0 end)::bigint as n"
        " from tally group by journey",
    )
    return {row["journey"]: max(0, int(row["n"])) for row in found}


async def people_at(
    conn: Connection, journey: str, node: str, *, after: tuple[int, str] = (0, ""), limit: int = 50
) -> list[dict[str, Any]]:
    """Runs that rest at a node: profile, run, since when, until when, and why (the latest step of the run says it).

    Ordered by profile and run; `after` is the last pair of the page before.
    """
    return await rows(
        conn,
        "select p.profile_id, p.run, p.version, p.started, p.entered, p.until, s.kind as step, s.why, s.branch, s.node as step_node,"
        " coalesce((select value from identifier i where i.profile_id = p.profile_id"
        "   order by array_position(array['user_id', 'email'], namespace) nulls last limit 1), '') as known_as"
        " from place p left join lateral (select kind, why, branch, node from step"
        "   where step.partition = p.partition and step.profile_id = p.profile_id and step.run = p.run"
        "   order by at desc, ordinal desc limit 1) s on true"
        " where p.journey = %s and p.node = %s and (p.profile_id, p.run) > (%s, %s)"
        " order by p.profile_id, p.run limit %s",
        (journey, node, *after, limit),
    )


async def attention(conn: Connection) -> dict[str, int]:
    """Drafts that wait for publishing, failed steps of the last day by journey (as `failed:<journey>`), and publications of the last
    week that were due and failed (as `unpublished:<journey>`)."""
    drafts = await first(conn, "select count(*) as n from journey where draft is not null")
    found = {"drafts": int(drafts["n"]) if drafts else 0}
    for row in await rows(
        conn,
        "select journey, sum(n)::bigint as n from tally where what = 'failed'"
        " and day >= (extract(epoch from now()) / 86400)::int - 1 group by journey order by journey",
    ):
        found[f"failed:{row['journey']}"] = int(row["n"])
    for row in await rows(
        conn,
        "select journey, count(*) as n from scheduled where status = 'failed'"
        " and updated_at > ((extract(epoch from now()) - 7 * 86400) * 1000)::bigint group by journey order by journey",
    ):
        found[f"unpublished:{row['journey']}"] = int(row["n"])
    return found


async def reads(conn: Connection, journey: str, version: int) -> dict[str, list[str]] | None:
    """What the templates of a published version read; None: not known, everything is kept."""
    row = await first(
        conn,
        "select reads from plan_change where kind = 'publish' and journey = %s and version = %s",
        (journey, version),
    )
    return row["reads"] if row else None
