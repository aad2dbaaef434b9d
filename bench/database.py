"""A durable database with the benchmark's journeys, people and inputs in it, loaded in bulk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import LiteralString, cast

from bench import population
from bench.population import Template
from wend.core.plan import PlanChange
from wend.store import days
from wend.store.clock import now_ms
from wend.store.codec import encode_json
from wend.store.log import message_hash
from wend.store.migrate import migrate
from wend.store.postgres import Connection, sql

PARTITIONS = 64
_MANY = 20_000
Progress = Callable[[int], None]


async def prepare(dsn: str) -> None:
    """The shipped tables, 64 partitions."""
    await migrate(dsn, partitions=PARTITIONS)


async def publish(conn: Connection, changes: Sequence[PlanChange]) -> None:
    """Journeys that were published long ago: every partition has passed their place in its log."""
    for change in changes:
        document, reads = encode_json(change.document).decode(), encode_json(change.reads).decode()
        row = (change.number, change.at, change.kind, change.journey, change.version, "keep", document, reads, None)
        await conn.execute(sql("plan_write"), row)
        await conn.execute(
            sql("journey_published"), (change.journey, change.journey, "live", change.version, change.at, change.at)
        )
    await conn.execute("update cursor set plan = %s", (len(changes),))
    await conn.commit()


async def load_people(
    conn: Connection, templates: Sequence[Template], count: int, seed: int, progress: Progress
) -> list[tuple[int, Template]]:
    """`count` people copied from `templates`, with their rows of `place`; returns (id, template) of each."""
    chance = Random(seed)
    people = [(population.random_id(chance), templates[number % len(templates)]) for number in range(count)]
    for begin in range(0, count, _MANY):
        part = people[begin : begin + _MANY]
        async with conn.cursor() as cursor:
            async with cursor.copy("copy profile (partition, id, attributes, state, wakes_at) from stdin") as copy:
                for id, template in part:
                    state, attributes = population.copy_of(template, id)
                    await copy.write_row((id % PARTITIONS, id, attributes.decode(), state, template.wakes_at))
            columns = "partition, profile_id, run, journey, version, node, started, entered, until"
            async with cursor.copy(f"copy place ({columns}) from stdin") as copy:
                for id, template in part:
                    for run, *rest in template.places:
                        name = run.replace(f"{template.id:x}", f"{id:x}")
                        await copy.write_row((id % PARTITIONS, id, name, *rest))
        await conn.commit()
        progress(len(part))
    return people


async def load_inputs(
    conn: Connection, people: Sequence[tuple[int, Template]], count: int, now: int, progress: Progress
) -> tuple[float, int]:
    """`count` inputs into the log, of log time `now`, which must not have come yet: rows are never older than what was applied.

    Returns the mean size of a payload in bytes, and how many inputs have a message id.
    """
    await days.create(conn, now - days.DAY, now + days.DAY)
    seqs = dict.fromkeys(range(PARTITIONS), 0)
    for partition, seq in await (await conn.execute("select partition, seq from head")).fetchall():
        seqs[partition] = seq
    size = hashes = 0
    made = population.inputs(Random(11), people, count, now)
    for begin in range(0, count, _MANY):
        part = [next(made) for _ in range(min(_MANY, count - begin))]
        async with conn.cursor() as cursor, cursor.copy(sql("log_copy").replace(" (format binary)", "")) as copy:
            for id, input in part:
                kind, payload, message_id = population.encoded(input)
                size += len(payload)
                partition = id % PARTITIONS
                seqs[partition] += 1
                hashed = message_hash(message_id) if message_id else None
                hashes += hashed is not None
                await copy.write_row((partition, seqs[partition], now, id, kind, hashed, payload.decode()))
        progress(len(part))
    await conn.commit()
    return size / count, hashes


async def release(conn: Connection, now: int) -> None:
    """Move the heads to the end of the log that was loaded for `now`, when that has come: from this commit on there is work."""
    await asyncio.sleep(max(0.0, (now - await instant(conn)) / 1000))
    rows = await (await conn.execute("select partition, max(seq) from log group by partition")).fetchall()
    for partition, seq in sorted(rows):
        await conn.execute(
            "update head set seq = %s, at = greatest(at, %s) where partition = %s", (seq, now, partition)
        )
    await conn.commit()


async def settle(conn: Connection) -> None:
    """What autovacuum would do in a quiet hour, done now, so that it is not measured with what follows.

    No checkpoint: right after one every page is written to the WAL as a whole, which in steady work happens to few.
    """
    await conn.commit()
    await conn.set_autocommit(True)
    for name in ("profile", "place", "log", "step", "seen"):
        await conn.execute(f"vacuum (analyze) {name}")
    await conn.set_autocommit(False)


async def instant(conn: Connection) -> int:
    """Now by the database's clock, ms UTC; nothing is left open."""
    now = await now_ms(conn)
    await conn.commit()
    return now


async def count(conn: Connection, query: str) -> int:
    """One number; nothing is left open."""
    row = await (await conn.execute(cast("LiteralString", query))).fetchone()
    await conn.commit()
    assert row is not None
    return int(row[0] or 0)
