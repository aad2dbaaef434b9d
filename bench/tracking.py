"""Benchmark `tracking`: events per second through the tracking API of a whole `wend up`, durable before the answer.

Twice: with its worker and sender held still (the API and PostgreSQL alone), and with them at work on the same events.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import psutil
from rich.progress import Progress

from bench.processes import scratch, used
from bench.record import Record
from bench.stack import Stack, load, wend_up

BATCH = 100


def run(progress: Progress, *, quick: bool) -> list[Record]:
    """The records, without and with the engine beside."""
    records: list[Record] = []
    first = 1
    batched, single = (20_000, 5_000) if quick else (200_000, 60_000)
    task = progress.add_task("tracking: events are posted", total=3 * batched + single)
    with scratch() as folder, wend_up(folder) as stack:
        key = stack.key()
        load(stack, key, batch=BATCH, clients=4, events=20_000, first=first)  # everybody is known, everything warm
        first += 20_000
        with _still(stack):
            records += _batched(stack, key, batched, first, "alone", 15_000)
            progress.advance(task, batched)
            first += batched
            records += _single(stack, key, single, first)
            progress.advance(task, single)
            first += single
        records += _batched(stack, key, 2 * batched, first, "worker and sender at work beside it", None)
        progress.advance(task, 2 * batched)
    return records


def _batched(stack: Stack, key: str, events: int, first: int, beside: str, bar: float | None) -> list[Record]:
    before = used([stack.process.pid], stack.postmaster)
    said = load(stack, key, batch=BATCH, clients=16, events=events, first=first)
    spent = used([stack.process.pid], stack.postmaster) - before
    how = (
        f"Batches of {BATCH} ({beside}): {events:,} events of {said['bytes']:.0f} B (HTTP included) of 20,000 people who are known, 16 keep-alive"
        " connections from one loading process on the same machine; answered after the commit; one server process."
    )
    return [
        Record("tracking", f"batches of {BATCH}, {beside}", events / said["seconds"], "events/s", bar, how=how),
        Record("tracking", f"CPU time of the server (Python), {beside}", spent.python / events * 1e6, "µs/event"),
        Record("tracking", f"CPU time of PostgreSQL, {beside}", spent.postgres / events * 1e6, "µs/event"),
    ]


def _single(stack: Stack, key: str, events: int, first: int) -> list[Record]:
    said = load(stack, key, batch=1, clients=200, events=events, first=first)
    how = f"Single events, alone: {events:,}, one a request, 200 clients, each sends when its last one was answered."
    return [
        Record("tracking", "single events, 200 clients", events / said["seconds"], "events/s", how=how),
        Record("tracking", "single events, p50", said["p50"] * 1000, "ms"),
        Record("tracking", "single events, p99", said["p99"] * 1000, "ms"),
    ]


@contextmanager
def _still(stack: Stack) -> Generator[None]:
    """Worker and sender stopped by signal, as if there were nothing to do."""
    children = [psutil.Process(pid) for pid in stack.children]
    for child in children:
        child.suspend()
    try:
        yield
    finally:
        for child in children:
            child.resume()
