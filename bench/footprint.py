"""Benchmark `footprint`: from the command to serving, and the memory of an idle `wend up` with everything in it."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

from rich.progress import Progress

from bench.processes import memory, scratch
from bench.record import Record
from bench.stack import wend_up

_IDLE = 10.0


def run(progress: Progress, *, quick: bool) -> list[Record]:
    """The records."""
    warm_starts = 1 if quick else 3
    task = progress.add_task("footprint: starts", total=1 + warm_starts)
    with scratch() as folder:
        fresh, _, _ = _start(folder, 0.0)
        progress.advance(task)
        warm: list[float] = []
        python = postgres = 0.0
        for number in range(warm_starts):
            took, python, postgres = _start(folder, _IDLE if number == 0 else 0.0, (python, postgres))
            warm.append(took)
            progress.advance(task)
    how = (
        "Start: from executing `wend up` to the first 200 of /readyz; fresh: the data folder did not exist (the database is made), warm:"
        f" median of {warm_starts}. Idle: {_IDLE:.0f} s after that, PSS of server, worker, sender and all of PostgreSQL, nothing published."
    )
    return [
        Record("footprint", "fresh start to serving", fresh, "s", 5, lower=True, how=how),
        Record("footprint", "warm start to serving", sorted(warm)[len(warm) // 2], "s", 5, lower=True),
        Record("footprint", "idle memory", python + postgres, "MB", 400, lower=True),
        Record("footprint", "of it Python", python, "MB"),
        Record("footprint", "of it PostgreSQL", postgres, "MB"),
    ]


def _start(folder: Path, idle: float, known: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float, float]:
    begin = time.monotonic()
    with wend_up(folder / "data") as stack:
        while True:
            try:
                with urllib.request.urlopen(f"{stack.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.01)
        took = time.monotonic() - begin
        if idle:
            time.sleep(idle)
            known = memory(stack.process.pid, stack.postmaster)
        return took, *known
