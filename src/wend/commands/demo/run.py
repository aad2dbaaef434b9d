"""`wend demo`: Wend with a year of real orders behind it, and then live events, to look at.

The order of things: `wend up` as a process of its own; in replay mode the journeys are published at the beginning of the history, and
the history runs through the live engine, its messages into the inbox; back in real time, live events come in by a real Segment client.
A demo folder that was filled before is only started again.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from wend.commands import running
from wend.commands.demo import invented, live, orders
from wend.commands.errors import UserError
from wend.commands.output import console
from wend.commands.replaying import replayed
from wend.config import Config
from wend.store.postgres import Pool, make_pool

SEGMENTS = ("inactive-30", "inactive-90", "class-a", "class-b", "repeat-browser")
JOURNEYS = ("app-download", "win-back", "cart-recovery", "unopened-reminder", "trial-welcome")
_READY = 60
"""Seconds that `wend up` may take to serve, on a slow machine."""
_DONE = "demo.done"


def demo(config: Config) -> None:
    """Fill the data folder (once), start Wend, post live events, and stay until Ctrl-C or SIGTERM. UserError when it cannot start."""
    began = time.monotonic()
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _server(config) as server:
        here = _wait_for(server, config.data)
        if not (config.data / _DONE).exists():
            asyncio.run(_fill(config, here))
            (config.data / _DONE).touch()
        keys = _keys(config.data)
        live.post(here.url, keys["Write key"])
        _say(here.url, keys, time.monotonic() - began)
        try:
            server.wait()
        except KeyboardInterrupt:
            print()


@contextmanager
def _server(config: Config) -> Generator[subprocess.Popen[bytes]]:
    """`wend up` on the demo's folder; stopped at the end, whatever happens."""
    command = [sys.executable, "-m", "wend.cli", "up", "--data", str(config.data), "--port", str(config.port)]
    # A year of a small shop: few partitions make a replay's rounds cheap.
    server = subprocess.Popen(command, start_new_session=True, env={**os.environ, "WEND_PARTITIONS": "8"})
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield server
    finally:
        signal.signal(signal.SIGTERM, before)
        if server.poll() is None:
            server.terminate()
        server.wait()


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _wait_for(server: subprocess.Popen[bytes], data: Path) -> running.Running:
    end = time.monotonic() + _READY
    while time.monotonic() < end:
        found = running.find(data)
        if found is not None and found.pid == server.pid:
            return found
        if server.poll() is not None:
            raise UserError("demo", f"`wend up` ended with code {server.returncode}", f"see {data / 'wend.log'}")
        time.sleep(0.05)
    raise UserError("demo", f"`wend up` did not serve within {_READY} s", f"see {data / 'wend.log'}")


def _keys(data: Path) -> dict[str, str]:
    lines = (data / "keys.txt").read_text().splitlines()
    return {name: key.strip() for name, _, key in (line.partition(":") for line in lines) if key}


async def _fill(config: Config, here: running.Running) -> None:
    """A year of history, in a minute."""
    from wend.intake.files import import_events
    from wend.store.clock import DatabaseClock
    from wend.store.log import partitions

    now = int(time.time() * 1000)
    history = config.data / "demo-history.ndjson.gz"
    _write(history, now)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rows]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("A year of orders, replayed", total=history.stat().st_size, rows="")

        def progress(done: int, total: int, accepted: int, rejected: int) -> None:
            bar.update(task, completed=done, total=total, rows=f"{accepted} events")

        async with make_pool(here.database_url, schema=config.schema, name="wend demo", largest=8) as pool:
            clock = DatabaseClock()
            await clock.refresh(pool)
            async with pool.connection() as conn:
                count = await partitions(conn)
            async with replayed(config, pool, count) as replay:
                await _publish(pool)
                done = await import_events(
                    history,
                    pool=pool,
                    clock=clock,
                    partitions=count,
                    progress=progress,
                    replay=replay.advance,
                    slice_length=await replay.span(),
                )
                await replay.finish()
    print(f"{done.accepted} events of a year replayed through the live engine, {done.rejected} refused", flush=True)


def _write(path: Path, now: int) -> None:
    if orders.FILE.exists():
        real = orders.read(orders.FILE)
        print(
            f"{len(real)} real orders (UCI Online Retail, CC BY 4.0), shifted to end now; addresses, consent, app installs and carts are invented"
        )
    else:
        real = orders.sample()
        print(f"{orders.FILE} is not here: {len(real)} made-up orders take its place, everything else is invented too")
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.writelines(invented.lines(invented.messages(orders.shifted(real, now), now)))


async def _publish(pool: Pool) -> None:
    """Some of the gallery's journeys with their messages, and some segments."""
    from wend.api.acts import gallery as acts
    from wend.api.acts import journeys, segments
    from wend.content import gallery

    async with pool.connection() as conn:
        for name in SEGMENTS:
            await segments.publish(conn, gallery.segment(name), who="demo")
        for name in JOURNEYS:
            await acts.take(conn, name, who="demo")
            await journeys.publish(conn, gallery.entries()[name].raw, who="demo")


def _say(url: str, keys: dict[str, str], seconds: float) -> None:
    print(f"\nReady after {seconds:.0f} s. Open:")
    print(f"  {url}/inbox                    every message, as people would see it")
    for name in ("win-back", "app-download", "cart-recovery"):
        print(f"  {url}/journeys/{name:<14}  the drawing, and where people are")
    print(f"  {url}/segments                 who is in which segment")
    print(f"  {url}/people?q=live-ada        a person's timeline")
    for name, key in keys.items():
        print(f"{name}: {key}")
    print("Ctrl-C stops it; the same command starts it again.", flush=True)
