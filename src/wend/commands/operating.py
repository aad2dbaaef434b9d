"""`wend worker` and `wend migrate`: for those who bring their own PostgreSQL and run Wend on several machines."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Annotated

import typer

from wend.commands.context import Data, settings
from wend.commands.errors import UserError


def worker(
    count: Annotated[int, typer.Option("--count", min=1, max=256, help="Worker processes to run here.")] = 1,
    data: Data = None,
) -> None:
    """Run the journeys, beside other workers on this or other machines, until Ctrl-C. Needs WEND_DATABASE_URL or a running Wend."""
    from wend.commands import logs
    from wend.commands.children import Child, Children
    from wend.commands.database import opened, url_of
    from wend.store.log import partitions

    config = settings(data)
    url = url_of(config)
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs.start(config.data, config.log_level, process="workers")

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with opened(config) as conn:
            total = await partitions(conn)
        children = Children()
        orders = {
            "data": str(config.data),
            "log_level": config.log_level,
            "database_url": url,
            "schema": config.schema,
            "secret_key": config.secret_key,
        }
        for number in range(1, count + 1):
            children.keep(Child(f"worker-{os.getpid()}-{number}", "worker", orders))
        print(f"{count} workers share {total} partitions with all others; Ctrl-C stops them", flush=True)
        await stop.wait()
        await children.stop()

    asyncio.run(run())


def migrate(data: Data = None) -> None:
    """Create the workspace or bring its tables up to date. Starts the embedded PostgreSQL for it when no Wend runs here."""
    import psycopg

    from wend.commands.database import url_of
    from wend.commands.running import Claim
    from wend.commands.up import Database
    from wend.store.migrate import migrate as bring_up_to_date

    config = settings(data)

    def go(url: str) -> None:
        try:
            done = asyncio.run(bring_up_to_date(url, schema=config.schema, partitions=config.partitions))
        except psycopg.OperationalError as error:
            said = " ".join(str(error).split())
            raise UserError("database", said, "check WEND_DATABASE_URL, and that the server runs") from None
        said = ", ".join(done.applied) or "nothing to do"
        print(f"schema {config.schema}, {done.partitions} partitions: {said}")

    try:
        url = url_of(config)
    except UserError:
        claim = Claim(config.data)
        try:
            database = Database(config)
            try:
                go(database.url)
            finally:
                database.stop()
        finally:
            claim.release()
    else:
        go(url)
