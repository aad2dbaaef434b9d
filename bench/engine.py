"""Benchmark `engine`: inputs per second and timers per second, a million people, ten journeys, two workers.

The log is loaded beforehand and no intake or sender runs beside, so that this is the engine and PostgreSQL alone. Workers
are the shipped child processes. "Drained" is when every cursor has reached its head.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import Progress

from bench import database, population
from bench.database import PARTITIONS
from bench.processes import Used, end, scratch, spawn, used
from bench.record import Record
from wend.store import embedded
from wend.store.clock import now_ms
from wend.store.postgres import Connection, connect

WORKERS = 2
TEMPLATES = 3_000
_PATIENCE = 900.0
_SIZE = (700, 1_000)
"""Bytes of state and attributes that count as the bar's "about 800"."""


def run(progress: Progress, *, quick: bool) -> list[Record]:
    """The records of both parts."""
    with scratch() as folder, embedded.start(folder) as server:
        return asyncio.run(_run(progress, folder, server, 50_000 if quick else 1_000_000, quick))


async def _run(progress: Progress, folder: Path, server: embedded.Embedded, people: int, quick: bool) -> list[Record]:
    await database.prepare(server.dsn)
    conn = await connect(server.dsn, name="wend bench")
    try:
        now = await now_ms(conn)
        await conn.commit()
        changes = population.plan_changes(now - population.LIFE - population.DAY)
        await database.publish(conn, changes)
        plan = population.plan_of(changes)
        task = progress.add_task("engine: people live 60 days", total=TEMPLATES)
        templates = [one for one in population.templates(plan, TEMPLATES, now) if not progress.advance(task)]
        task = progress.add_task("engine: people are loaded", total=people)
        loaded = await database.load_people(conn, templates, people, 1, lambda n: progress.advance(task, n))
        inputs = 40_000 if quick else 400_000
        task = progress.add_task("engine: inputs are loaded", total=inputs)
        now = await now_ms(conn)
        payload = await database.load_inputs(conn, loaded, inputs, now, lambda n: progress.advance(task, n))
        await database.settle(conn)
        records = await _inputs(progress, conn, folder, server, inputs, people, payload)
        return records + await _timers(progress, conn, folder, server, plan, 20_000 if quick else 300_000)
    finally:
        await conn.close()


async def _inputs(
    progress: Progress,
    conn: Connection,
    folder: Path,
    server: embedded.Embedded,
    inputs: int,
    people: int,
    payload: float,
) -> list[Record]:
    size = await database.count(
        conn,
        "select avg(length(state) + length(attributes::text)) from (select state, attributes from profile limit 20000) p",
    )
    assert _SIZE[0] <= size <= _SIZE[1], f"state and attributes are {size} bytes: not the size that the bar speaks of"
    task = progress.add_task("engine: inputs are applied", total=inputs)
    seconds, cpu = await _drain(
        conn, folder, server, "select sum(h.seq - c.seq) from head h join cursor c using (partition)",
        lambda left: progress.update(task, completed=inputs - left),
    )  # fmt: skip
    steps, sends = (
        await database.count(conn, "select count(*) from step"),
        await database.count(conn, "select count(*) from outbox"),
    )
    how = (
        f"{inputs:,} inputs (44 % page views, 21 % products viewed, 10 % added to a cart, 4 % orders, 6 % identify, 10 % feedback,"
        f" 5 % others; payload {payload:.0f} B on average) of {people:,} people at random, 10 journeys live, {PARTITIONS} partitions,"
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
    # Everybody put something into a cart two hours ago: the wait of cart-recovery falls due about now, and a mail goes out.
    now = await now_ms(conn) + 1_000
    await conn.commit()
    made = list(population.templates(plan, TEMPLATES, now, last=("added", 2 * population.HOUR), seed=8))
    made = [one for one in made if one.wakes_at is not None and one.wakes_at <= now]
    task = progress.add_task("engine: people with due waits are loaded", total=timers)
    await database.load_people(conn, made, timers, 2, lambda n: progress.advance(task, n))
    await database.settle(conn)
    await asyncio.sleep(1)
    before = await database.count(conn, "select count(*) from outbox")
    task = progress.add_task("engine: timers fire", total=timers)
    due = f"select count(*) from profile where wakes_at <= {now}"
    left = await database.count(conn, due)
    seconds, cpu = await _drain(conn, folder, server, due, lambda rest: progress.update(task, completed=left - rest))
    sends = await database.count(conn, "select count(*) from outbox") - before
    how = f"{left:,} waits (of cart-recovery) that were due at the start; {sends / left:.2f} messages a timer; otherwise as for inputs."
    return [
        Record("engine", "due waits", left / seconds, "timers/s", how=how),
        Record("engine", "CPU time of the workers (Python), timers", cpu.python / left * 1e6, "µs/timer"),
        Record("engine", "CPU time of PostgreSQL, timers", cpu.postgres / left * 1e6, "µs/timer"),
    ]


async def _drain(
    conn: Connection, folder: Path, server: embedded.Embedded, left: str, told: object
) -> tuple[float, Used]:
    """Start the workers, wait until `left` says 0; seconds and CPU from the first progress to then (starting Python is not counted)."""
    total = await database.count(conn, left)
    with _workers(folder, server.dsn) as workers:
        pids = [worker.pid for worker in workers]
        limit = time.monotonic() + _PATIENCE
        begin, cpu = time.monotonic(), used(pids, server.pid)
        started = False
        while True:
            # Looking costs as well: seldom, and only the cheap query (the heads, or an index).
            await asyncio.sleep(0.05 if not started else 0.25)
            rest = await database.count(conn, left)
            if not started and rest == total:
                begin, cpu = time.monotonic(), used(pids, server.pid)
            started = started or rest < total
            told(rest)  # pyright: ignore[reportCallIssue]
            if rest == 0:
                return time.monotonic() - begin, used(pids, server.pid) - cpu
            if time.monotonic() > limit or any(worker.poll() is not None for worker in workers):
                raise RuntimeError(f"the workers did not finish: {rest} left; see {folder}/wend.log")


@contextmanager
def _workers(folder: Path, dsn: str) -> Iterator[list[subprocess.Popen[str]]]:
    orders = {"parent": os.getpid(), "data": str(folder), "log_level": "warning", "database_url": dsn, "schema": "wend"}
    workers = [spawn(["-m", "wend.commands.child", "worker"], stdin=True) for _ in range(WORKERS)]
    try:
        for number, worker in enumerate(workers):
            assert worker.stdin is not None
            worker.stdin.write(json.dumps({"name": f"worker-{number}", **orders}) + "\n")
            worker.stdin.close()
        yield workers
    finally:
        for worker in workers:
            end(worker)
