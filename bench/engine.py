"""Benchmark `engine`: inputs per second and timers per second, a million people, ten journeys, two workers.

The log is loaded beforehand and no intake or sender runs beside, so that this is the engine and PostgreSQL alone. Workers
are the shipped child processes. "Drained" is when every cursor has reached its head.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.progress import Progress

from bench import database, population
from bench.database import PARTITIONS
from bench.processes import Used, end, scratch, spawn, used
from bench.record import Record
from wend.store import embedded
from wend.store.postgres import Connection, connect

WORKERS = 2
TEMPLATES = 3_000
_PATIENCE = 900.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    people: int
    inputs: int
    timers: int


FULL = Size(1_000_000, 400_000, 300_000)
QUICK = Size(50_000, 40_000, 20_000)
_SIZE = (600, 1_100)
"""Bytes of state and attributes that the figures may be compared by; the bar speaks of 800."""


def run(progress: Progress, *, quick: bool) -> list[Record]:
    """The records of both parts."""
    with scratch() as folder, embedded.start(folder) as server:
        return asyncio.run(_run(progress, folder, server, QUICK if quick else FULL))


async def _run(progress: Progress, folder: Path, server: embedded.Embedded, size: Size) -> list[Record]:
    await database.prepare(server.dsn)
    conn = await connect(server.dsn, name="wend bench")
    try:
        now = await database.instant(conn)
        changes = population.plan_changes(now - population.LIFE - population.DAY)
        await database.publish(conn, changes)
        plan = population.plan_of(changes)
        task = progress.add_task("engine: people live 60 days", total=TEMPLATES)
        templates = [one for one in population.templates(plan, TEMPLATES, now) if not progress.advance(task)]
        task = progress.add_task("engine: people are loaded", total=size.people)
        loaded = await database.load_people(conn, templates, size.people, 1, lambda n: progress.advance(task, n))
        records = await _inputs(progress, conn, folder, server, loaded, size.inputs)
        return records + await _timers(progress, conn, folder, server, plan, size.timers)
    finally:
        await conn.close()


async def _inputs(
    progress: Progress,
    conn: Connection,
    folder: Path,
    server: embedded.Embedded,
    people: list[tuple[int, population.Template]],
    inputs: int,
) -> list[Record]:
    task = progress.add_task("engine: inputs are loaded", total=inputs)
    begin = await database.instant(conn) + 30_000 + inputs // 4
    payload, hashes = await database.load_inputs(conn, people, inputs, begin, lambda n: progress.advance(task, n))
    await database.settle(conn)
    sizes = "select avg(length(state) + length(attributes::text)) from (select state, attributes from profile limit 20000) p"
    size = await database.count(conn, sizes)
    assert _SIZE[0] <= size <= _SIZE[1], f"state and attributes are {size} bytes: not the size that the bar speaks of"
    task = progress.add_task("engine: inputs are applied", total=inputs)
    left = "select sum(h.seq - c.seq) from head h join cursor c using (partition)"
    async with workers_of(conn, folder, server.dsn) as workers:
        await database.release(conn, begin)
        seconds, cpu = await _drain(conn, workers, server, left, lambda n: progress.update(task, completed=inputs - n))
    heard = await database.count(conn, "select count(*) from seen")
    assert heard == hashes, f"of {hashes} inputs with a message id {heard} were applied"
    steps = await database.count(conn, f"select count(*) from step where at >= {begin}")
    sends = await database.count(conn, f"select count(*) from outbox where at >= {begin}")
    how = (
        f"{inputs:,} inputs (44 % page views, 21 % products viewed, 10 % added to a cart, 4 % orders, 6 % identify, 10 % feedback,"
        f" 5 % others; payload {payload:.0f} B on average) of {len(people):,} people at random, 10 journeys and 20 segments live,"
        f" {PARTITIONS} partitions,"
        f" {WORKERS} worker processes, nothing else running; state + attributes {size} B on average; {steps / inputs:.2f} steps"
        f" and {sends / inputs:.3f} messages an input; timers that fall due meanwhile are included; message ids de-duplicated."
    )
    return [
        Record("engine", "inputs applied", inputs / seconds, "inputs/s", 20_000, how=how),
        Record("engine", "CPU time of the workers (Python)", cpu.python / inputs * 1e6, "µs/input"),
        Record("engine", "CPU time of PostgreSQL", cpu.postgres / inputs * 1e6, "µs/input"),
        Record("engine", "state + attributes", size, "B", 800, lower=True),
    ]


async def _timers(
    progress: Progress, conn: Connection, folder: Path, server: embedded.Embedded, plan: population.Plan, timers: int
) -> list[Record]:
    # Everybody put something into a cart two hours before `due`: then the wait of cart-recovery is over, and a mail goes out.
    due = await database.instant(conn) + 20_000 + timers // 4
    made = list(population.templates(plan, TEMPLATES, due, last=("added", 2 * population.HOUR), seed=8))
    made = [one for one in made if one.wakes_at is not None and due - population.SPREAD <= one.wakes_at <= due]
    task = progress.add_task("engine: people with waits are loaded", total=timers)
    await database.load_people(conn, made, timers, 2, lambda n: progress.advance(task, n))
    await database.settle(conn)
    before = await database.count(conn, "select count(*) from outbox")
    rest = f"select count(*) from profile where wakes_at <= {due}"
    left = await database.count(conn, rest)
    task = progress.add_task("engine: timers fire", total=left)
    async with workers_of(conn, folder, server.dsn) as workers:
        await asyncio.sleep(max(0.0, (due - population.SPREAD - await database.instant(conn)) / 1000))
        seconds, cpu = await _drain(conn, workers, server, rest, lambda n: progress.update(task, completed=left - n))
    sends = await database.count(conn, "select count(*) from outbox") - before
    how = f"{left:,} waits (of cart-recovery) that fall due within 2 s; {sends / left:.2f} messages a timer; otherwise as for inputs."
    return [
        Record("engine", "due waits", left / seconds, "timers/s", how=how),
        Record("engine", "CPU time of the workers (Python), timers", cpu.python / left * 1e6, "µs/timer"),
        Record("engine", "CPU time of PostgreSQL, timers", cpu.postgres / left * 1e6, "µs/timer"),
    ]


async def _drain(
    conn: Connection, workers: list[int], server: embedded.Embedded, left: str, told: Callable[[int], None]
) -> tuple[float, Used]:
    """Wait until `left` says 0; seconds and CPU from now to then."""
    begin, cpu = time.monotonic(), used(workers, server.pid)
    while True:
        # Looking costs as well: seldom, and only by a cheap query (the heads, or an index).
        await asyncio.sleep(0.25)
        rest = await database.count(conn, left)
        told(rest)
        if rest == 0:
            return time.monotonic() - begin, used(workers, server.pid) - cpu
        if time.monotonic() > begin + _PATIENCE or not all(psutil.pid_exists(pid) for pid in workers):
            raise RuntimeError(f"the workers did not finish: {rest} left; see wend.log in the folder of the run")


@asynccontextmanager
async def workers_of(conn: Connection, folder: Path, dsn: str) -> AsyncGenerator[list[int]]:
    """The worker processes, when they have shared the partitions out."""
    orders = {"parent": os.getpid(), "data": str(folder), "log_level": "warning", "database_url": dsn, "schema": "wend"}
    workers = [spawn(["-m", "wend.commands.child", "worker"], stdin=True) for _ in range(WORKERS)]
    try:
        for number, worker in enumerate(workers):
            assert worker.stdin is not None
            worker.stdin.write(json.dumps({"name": f"worker-{number}", **orders}) + "\n")
            worker.stdin.close()
        shares = f"select case when count(distinct owner) = {WORKERS} then min(n) end from (select owner, count(*) n from cursor group by owner) c"
        while await database.count(conn, shares) < PARTITIONS // WORKERS:
            await asyncio.sleep(0.1)
        yield [worker.pid for worker in workers]
    finally:
        for worker in workers:
            end(worker)
