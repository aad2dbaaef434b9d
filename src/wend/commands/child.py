"""A process beside the server: `python -m wend.commands.child worker|sender`, started by children.py and by nobody else.

Its orders come as one JSON line on standard input; every two seconds it writes its counters as one JSON line to standard output,
from where they reach `/metrics`. SIGTERM: finish what is in hand, then end.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from wend.commands import logs
from wend.commands.mortal import die_with
from wend.store.clock import DatabaseClock
from wend.store.postgres import Pool, make_pool

_REPORT = 2.0  # seconds
_CIRCLES = 200_000  # objects made between two looks for circles among the young


class Orders(msgspec.Struct):
    """What a child is told. `sender`, `smtp`, `public_url` and `inbox_port` only matter to a sender."""

    name: str
    parent: int
    data: str
    log_level: str
    database_url: str
    schema: str
    secret_key: str = ""
    public_url: str = ""
    sender: dict[str, Any] = {}
    smtp: dict[str, Any] | None = None
    inbox_port: int = 0
    """Port of the built-in inbox's SMTP server."""


@dataclass(slots=True)
class Context:
    """What every role has: its orders, the database, its clock, and the event that asks it to stop."""

    orders: Orders
    pool: Pool
    clock: DatabaseClock
    stop: asyncio.Event
    numbers: Callable[[], dict[str, float]] = dict


async def _worker(context: Context) -> None:
    from wend.commands.secrets import secret
    from wend.engine.broadcast import Broadcasts
    from wend.engine.live import Worker

    key = await secret(context.pool, Path(context.orders.data), context.orders.secret_key, "erasure")
    worker = Worker(context.pool, context.clock, erasure_key=key)
    context.numbers = lambda: {name: getattr(worker.counters, name) for name in type(worker.counters).__slots__}
    broadcasts = Broadcasts(context.pool, context.clock)
    running = asyncio.create_task(worker.run())
    telling = asyncio.create_task(broadcasts.run())
    stopping = asyncio.create_task(context.stop.wait())
    await asyncio.wait({running, telling, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    worker.stop()
    broadcasts.stop()
    await asyncio.gather(running, telling)


async def _sender(context: Context) -> None:
    from wend.channels.inbox import InboxServer
    from wend.commands.channels import providers
    from wend.commands.secrets import box, secret
    from wend.content.links import Links
    from wend.delivery.asks.runner import Asks
    from wend.delivery.bounces import read_bounce
    from wend.delivery.feedback import FeedbackLog
    from wend.delivery.render import SenderSettings
    from wend.delivery.sender import Sender
    from wend.store.log import partitions

    orders = context.orders
    async with context.pool.connection() as conn:
        count = await partitions(conn)
    links = Links(await secret(context.pool, Path(orders.data), orders.secret_key, "links"), orders.public_url)
    bounces = partial(read_bounce, FeedbackLog(context.pool, context.clock, count), links)
    inbox = InboxServer(context.pool, context.clock.now_ms, port=orders.inbox_port, on_bounce=bounces)
    await inbox.start()
    channels = providers(context.pool, orders.smtp, inbox.port)
    sender = Sender(context.pool, context.clock, channels, links, SenderSettings(**orders.sender), count)
    secrets = box(Path(orders.data), orders.secret_key)
    asks = Asks(
        context.pool, context.clock, secrets, links, SenderSettings(**orders.sender), count, email=channels["email"]
    )
    context.numbers = lambda: {f"{name}/{status}": n for (name, status), n in (sender.counts + asks.counts).items()}
    running = asyncio.gather(sender.run(), asks.run())
    stopping = asyncio.create_task(context.stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await asyncio.gather(sender.stop(), asks.stop())
    await running
    for provider in set(channels.values()):
        await provider.close()
    await inbox.stop()


ROLES = {"worker": (_worker, 5), "sender": (_sender, 12)}
"""Role → what it does, and the most connections it needs."""


async def _run(role: str, orders: Orders) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    work, connections = ROLES[role]
    pool = make_pool(orders.database_url, schema=orders.schema, name=f"wend {orders.name}", largest=connections)
    async with pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        context = Context(orders, pool, clock, stop)
        helpers = [asyncio.create_task(clock.run(pool)), asyncio.create_task(_report(context))]
        try:
            await work(context)
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)


async def _report(context: Context) -> None:
    while True:
        sys.stdout.write(json.dumps(context.numbers()) + "\n")
        sys.stdout.flush()
        await asyncio.sleep(_REPORT)


def main() -> None:
    """Entry point."""
    import uvloop

    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    die_with(orders.parent)
    logs.start(Path(orders.data), orders.log_level, process=orders.name)
    # A batch makes and drops hundreds of thousands of objects that are in no circle: looking for circles among them is a waste.
    gc.freeze()
    gc.set_threshold(_CIRCLES, 20, 50)
    uvloop.run(_run(sys.argv[1], orders))


if __name__ == "__main__":
    main()
