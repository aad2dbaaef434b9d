"""Is everything well? What `/readyz`, `/metrics` and the home page are made of. Times in ms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wend.reports.rows import first, rows
from wend.store.postgres import Connection

_STOPPED = "stopped: "  # an owner that begins so is the engine's note that a partition has stopped


@dataclass(frozen=True, slots=True)
class Partitions:
    """Who works on the partitions: how many there are, how many have a worker now, workers' names, the largest lag."""

    total: int
    claimed: int
    owners: list[str]
    worst_lag: int
    """ms by which the partition furthest behind is behind; 0 when nothing waits there."""
    waiting: int
    """Log rows that are not applied yet."""
    stopped: dict[int, str]
    """Partitions that stopped because too much failed in them, and why; an operator lets them go on."""


async def partitions(conn: Connection, now: int) -> Partitions:
    """The state of all partitions at `now`. A partition is behind when it has rows that are not applied."""
    row = await first(
        conn,
        "select count(*) as total, count(*) filter (where c.lease > %(now)s and c.owner not like %(stopped)s) as claimed,"
        " array_agg(distinct c.owner) filter (where c.lease > %(now)s and c.owner not like %(stopped)s) as owners,"
        " coalesce(max(greatest(0, %(now)s - c.at)) filter (where h.seq > c.seq), 0) as worst_lag,"
        " coalesce(sum(greatest(0, h.seq - c.seq)), 0)::bigint as waiting"
        " from cursor c join head h using (partition)",
        {"now": now, "stopped": f"{_STOPPED}%"},
    )
    assert row is not None
    notes = await rows(
        conn, "select partition, owner from cursor where owner like %s order by partition", (f"{_STOPPED}%",)
    )
    stopped = {one["partition"]: one["owner"].removeprefix(_STOPPED) for one in notes}
    return Partitions(row["total"], row["claimed"], row["owners"] or [], row["worst_lag"], row["waiting"], stopped)


async def replaying(conn: Connection) -> bool:
    """Whether the workspace is in replay mode (engine.md 22)."""
    row = await first(conn, "select value from workspace where name = 'mode'")
    return row is not None and row["value"] == "replay"


_ASKS = "('api', 'coupon', 'audience', 'alert')"  # as the indexes have them (schema.sql)


async def trouble(conn: Connection) -> dict[str, int]:
    """What an operator may have to look at: counts by kind."""
    row = await first(
        conn,
        "select (select count(*) from dead_letter) as dead_letters,"
        " (select count(*) from parked where reason = 'error') as parked,"
        " (select count(*) from identity_conflict where status = 'open') as identity_conflicts,"
        " (select coalesce(sum(n), 0) from tally where what in ('uncertain', 'answered:uncertain'))::bigint as uncertain",
    )
    assert row is not None
    return {name: int(value) for name, value in row.items()}


async def outbox(conn: Connection) -> dict[str, int]:
    """Messages by status: those that wait are counted now, outcomes come from the counters. `asked`: what is asked of the outside
    and waits to be done."""
    found = await rows(
        conn,
        "select status, count(*)::bigint as n from outbox where status in ('queued', 'sending')"
        f" and channel not in {_ASKS} group by status"
        f" union all select 'asked', count(*)::bigint from outbox where status in ('queued', 'sending') and channel in {_ASKS} having count(*) > 0"
        " union all select what, sum(n)::bigint from tally where node <> ''"
        " and what in ('accepted', 'refused', 'dropped', 'uncertain') group by what order by 1",
    )
    return {row["status"]: row["n"] for row in found}


async def sizes(conn: Connection) -> dict[str, Any]:
    """How large states are, from a sample of at most 2,000, and about how many people there are. Nothing is scanned."""
    row = await first(
        conn, "select greatest(0, reltuples)::bigint as n from pg_class where oid = to_regclass('profile')"
    )
    people = int(row["n"]) if row else 0
    sample = await first(
        conn,
        "select coalesce(avg(length(state) + length(attributes::text)), 0)::float8 as mean,"
        " coalesce(max(length(state) + length(attributes::text)), 0)::bigint as largest"
        " from (select state, attributes from profile tablesample system (%s) limit 2000) sample",
        (100.0 if people < 20_000 else 2_000_000 / people,),
    )
    assert sample is not None
    return {"mean": sample["mean"], "largest": sample["largest"], "people": people}


async def inputs(conn: Connection) -> int:
    """How many inputs entered the log since the workspace was made."""
    row = await first(conn, "select coalesce(sum(seq), 0)::bigint as n from head")
    return int(row["n"]) if row else 0
