"""Benchmark `latency`: from the event's request to the final dot at a mail server, 2,000 events/s, the whole of `wend up`.

The mail server is the sink of sink.py, in a process of its own. Every mail must come, and come once.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

from rich.progress import Progress

from bench.processes import end, scratch, spawn, used
from bench.record import Record
from bench.stack import Stack, load, wend_up

RATE = 2_000
BATCH = 20
PEOPLE = 20_000
EVERY = (10, 1)
"""Parts: every 10th event asks for a mail; every event does."""
DOCUMENTS = Path(__file__).parent / "latency_documents"
_PATIENCE = 120.0


def run(progress: Progress, *, quick: bool) -> list[Record]:
    """Both parts, each with a fresh Wend."""
    records: list[Record] = []
    seconds = 5 if quick else 20
    task = progress.add_task("latency: events are posted", total=RATE * seconds * len(EVERY))
    for every in EVERY:
        records += _part(every, RATE * seconds)
        progress.advance(task, RATE * seconds)
    return records


def _part(every: int, events: int) -> list[Record]:
    with scratch() as folder:
        arrivals = folder / "arrivals.json"
        sink = spawn(["-m", "bench.sink", str(arrivals)], stdin=True)
        try:
            assert sink.stdout is not None
            port = int(sink.stdout.readline())
            with wend_up(folder / "data", {"smtp_url": f'"smtp://127.0.0.1:{port}?security=none"'}) as stack:
                key = stack.key()
                _prepare(stack, key)
                before = used(stack.python, stack.postmaster)
                said = load(
                    stack,
                    key,
                    batch=BATCH,
                    clients=64,
                    events=events,
                    first=PEOPLE,
                    rate=RATE,
                    people=PEOPLE,
                    name="Bench Asked",
                    every=every,
                )
                numbers = range(PEOPLE, PEOPLE + events)
                wanted = {
                    one: said["began"] + (one - PEOPLE) // BATCH * BATCH / RATE for one in numbers if one % every == 0
                }
                _await_mails(stack, len(wanted))
                spent = used(stack.python, stack.postmaster) - before
            assert sink.stdin is not None
            sink.stdin.close()
            sink.wait(30)
            arrived = {int(number): times for number, times in json.loads(arrivals.read_text()).items()}
        finally:
            end(sink)
    return _records(every, events, wanted, arrived, said["late"], (spent.python + spent.postgres) / events * 1e6)


def _records(
    every: int, events: int, wanted: dict[int, float], arrived: dict[int, list[float]], late: float, cpu: float
) -> list[Record]:
    missing = [number for number in wanted if number not in arrived]
    strange = [number for number, times in arrived.items() if number not in wanted or len(times) != 1]
    if missing or strange:
        raise RuntimeError(
            f"not exactly once: {len(missing)} mails missing, {len(strange)} twice or unasked: {missing[:5]} {strange[:5]}"
        )
    took = sorted(arrived[number][0] - due for number, due in wanted.items())
    part = "every event asks for a mail" if every == 1 else f"every {every}th event asks for a mail"
    how = (
        f"{part}: {events:,} events at {RATE:,}/s in batches of {BATCH} (the loader was {late * 1000:.0f} ms late at p99, which counts),"
        f" {len(wanted):,} mails, all arrived exactly once; measured from the instant at which the event's request was due to the final dot at the"
        " mail server; one server, one worker, one sender, PostgreSQL, loader and mail server on this machine."
    )
    bars = (1.0, 3.0) if every != 1 else (None, None)
    return [
        Record("latency", f"{part}: p50", took[len(took) // 2], "s", bars[0], lower=True, how=how),
        Record("latency", f"{part}: p99", took[len(took) * 99 // 100], "s", bars[1], lower=True),
        Record("latency", f"{part}: longest", took[-1], "s"),
        Record("latency", f"{part}: CPU time of all parts of Wend", cpu, "µs/event"),
    ]


def _prepare(stack: Stack, key: str) -> None:
    for command in (
        ["template", "push", str(DOCUMENTS / "mail.yaml")],
        ["journey", "publish", str(DOCUMENTS / "journey.yaml")],
    ):
        made = spawn(["-m", "wend.cli", *command, "--data", str(stack.data)])
        said, _ = made.communicate(timeout=60)
        if made.returncode:
            raise RuntimeError(f"wend {' '.join(command)}: {said}")
    load(stack, key, batch=100, clients=4, events=PEOPLE, name="identify", people=PEOPLE)
    time.sleep(3)  # the engine has made the people


def _await_mails(stack: Stack, count: int) -> None:
    import psycopg

    database = json.loads((stack.data / "wend.run").read_text())
    limit, settled = time.monotonic() + _PATIENCE, 0
    with closing(psycopg.connect(database["database_url"], autocommit=True)) as conn:
        query = "select count(*) from wend.outbox where status not in ('queued', 'sending')"
        while time.monotonic() < limit:
            settled = sum(row[0] for row in conn.execute(query))
            if settled >= count:
                return
            time.sleep(1)
    raise RuntimeError(f"of {count} mails only {settled} were settled in {_PATIENCE:.0f} s; see {stack.data}/wend.log")
