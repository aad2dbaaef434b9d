"""Benchmark `backfill`: a million people, two segments published one after the other, two workers; how many people a second are
looked at until the segment is in force. One that few match (an event that 3 % did, among two rows of the log a person), one that
concerns everybody (`inactive`: every state is read and written)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from rich.progress import Progress

from bench import database, population
from bench.database import PARTITIONS
from bench.engine import TEMPLATES, WORKERS, workers_of
from bench.processes import scratch
from bench.record import Record
from wend.engine.segments import publish_segment
from wend.store import days, embedded
from wend.store.postgres import Connection, connect

_PATIENCE = 900.0
FEW: dict[str, Any] = {
    "id": "contracts",
    "condition": {"event": "Contract Signed", "count": {"gte": 2}, "within": "30d"},
}
ALL: dict[str, Any] = {"id": "quiet", "condition": {"inactive": "25d"}}

# Two rows a person in the past fortnight; three in a hundred signed contracts.
_ROWS = """
insert into log (partition, seq, at, profile_id, kind, payload)
select partition, %(seq)s + row_number() over (partition by partition order by n, id), %(at)s, id, 'event',
    json_build_object('name', case when abs(hashint8(id)) %% 100 < 3 then 'Contract Signed' else 'Page Viewed' end, 'at', %(at)s,
        'properties', json_build_object('url', 'https://shop.example/' || n), 'message_id', id || '-' || n)
from profile cross join generate_series(1, 2) n
"""


def run(progress: Progress, *, quick: bool) -> list[Record]:
    """One record for each segment."""
    with scratch() as folder, embedded.start(folder) as server:
        return asyncio.run(_run(progress, folder, server, 50_000 if quick else 1_000_000))


async def _run(progress: Progress, folder: Path, server: embedded.Embedded, people: int) -> list[Record]:
    await database.prepare(server.dsn)
    conn = await connect(server.dsn, name="wend bench")
    try:
        now = await database.instant(conn)
        changes = population.plan_changes(now - population.LIFE - population.DAY)
        await database.publish(conn, changes)
        plan = population.plan_of(changes)
        task = progress.add_task("backfill: people live 60 days", total=TEMPLATES)
        templates = [one for one in population.templates(plan, TEMPLATES, now) if not progress.advance(task)]
        task = progress.add_task("backfill: people are loaded", total=people)
        await database.load_people(conn, templates, people, 1, lambda n: progress.advance(task, n))
        at = now - 14 * days.DAY
        await days.create(conn, at, at)
        first = await database.count(conn, "select max(seq) from head")
        await conn.execute(_ROWS, {"seq": first, "at": at})
        top = "update {} t set seq = l.seq, at = {} from (select partition, max(seq) as seq from log group by 1) l where l.partition = t.partition"
        for table in ("head", "cursor"):
            await conn.execute(top.format(table, now).encode())
        await conn.commit()
        await database.settle(conn)
        records: list[Record] = []
        async with workers_of(conn, folder, server.dsn):
            for what, document in (("few match", FEW), ("everybody is concerned", ALL)):
                task = progress.add_task(f"backfill: {what}", total=people)
                seconds = await _publish(conn, document, lambda n, task=task: progress.update(task, completed=n))
                inside = await database.count(
                    conn, f"select count(*) from membership where segment = '{document['id']}'"
                )
                how = (
                    f"{document['condition']}, {people:,} people, {2 * people:,} rows in the log, {PARTITIONS} partitions, {WORKERS} worker"
                    f" processes; {inside:,} people are in it; from publishing to in force everywhere."
                )
                records.append(Record("backfill", what, people / seconds, "people/s", 100_000, how=how))
        return records
    finally:
        await conn.close()


async def _publish(conn: Connection, document: dict[str, Any], told: Any) -> float:
    """Seconds from publishing until every partition has the version in force."""
    begin = time.monotonic()
    await publish_segment(conn, document)
    await conn.commit()
    rest = f"""select count(*) from cursor where plan < coalesce(
        (select number from plan_change where kind = 'segment_live' and journey = '{document["id"]}'), 1 << 30)"""
    while await database.count(conn, rest):
        told(await database.count(conn, "select sum(people) from backfill"))
        await asyncio.sleep(0.1)
        if time.monotonic() > begin + _PATIENCE:
            raise RuntimeError("the workers did not finish; see wend.log in the folder of the run")
    return time.monotonic() - begin
