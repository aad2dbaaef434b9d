"""The same log once more, applied by an engine that nobody kills: what a disturbed run is compared with."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wend.core.pack import pack
from wend.engine.batch import Batches, Lane, Tick
from wend.store import days
from wend.store.codec import decode_state
from wend.store.migrate import migrate
from wend.store.postgres import Pool, fetch_all, make_pool

CLEAN = "undisturbed"


def compared(url: str, partitions: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the workspace `wend` came to, and what an undisturbed engine makes of the same log."""
    return asyncio.run(_compared(url, partitions))


async def _compared(url: str, partitions: int) -> tuple[dict[str, Any], dict[str, Any]]:
    async with make_pool(url, schema="wend", smallest=1, largest=2) as pool:
        disturbed = await _answers(pool)
        async with pool.connection() as conn:
            [(last,)] = await fetch_all(conn, "select max(at) from head")
            [(begin,)] = await fetch_all(conn, "select min(at) from log")
    await migrate(url, schema=CLEAN, partitions=partitions)
    async with make_pool(url, schema=CLEAN, smallest=1, largest=2) as pool:
        async with pool.connection() as conn:
            await days.create(conn, begin, last)
            for table in ("plan_change", "log"):
                await conn.execute(f"insert into {table} select * from wend.{table}".encode())
            await conn.execute(
                "update head h set seq = o.seq, at = o.at from wend.head o where o.partition = h.partition"
            )
            await conn.execute("update cursor set epoch = 1")
            heads = await fetch_all(conn, "select partition, at, seq from head")
        batches = Batches(partitions)
        async with pool.connection() as conn:
            for partition, at, seq in heads:
                lane = Lane(partition, 1)
                # What was emitted and merged is in the log already: relays are written, not carried.
                while (await batches.run(conn, lane, Tick(at, seq), clock=last)).more:
                    pass
        return disturbed, await _answers(pool)


async def _answers(pool: Pool) -> dict[str, Any]:
    async with pool.connection() as conn:
        steps = await fetch_all(
            conn,
            "select profile_id, kind, at, journey, version, run, move, node, branch, why, until, detail from step"
            " order by profile_id, at, ordinal",
        )
        people = await fetch_all(conn, "select id, state, attributes, wakes_at from profile")
        effects = await fetch_all(conn, "select effect_id, profile_id, template, at, address from outbox")
        places = await fetch_all(conn, "select profile_id, run, node, entered, until from place order by 1, 2")
        parked = await fetch_all(conn, "select profile_id, kind, reason from parked")
    return {
        "effects": {row[0]: row[1:] for row in effects},
        "steps": [(*row[:-1], None if row[-1] is None else json.loads(row[-1])) for row in steps],
        "states": {
            id: (pack(profile), profile.attributes, wakes_at)
            for id, state, attributes, wakes_at in people
            for profile in [decode_state(id, state, attributes)]
        },
        "places": places,
        "parked": parked,
    }
