"""What `wend up` does once the database runs: migrate, make the first keys, open the doors, keep the children, say "ready"."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog
import uvicorn

from wend import __version__
from wend.api.app import build
from wend.api.surface import Surface
from wend.commands.children import Children
from wend.commands.errors import UserError
from wend.commands.firstkeys import first_keys
from wend.commands.running import Claim, Running
from wend.config import Config
from wend.store.clock import DatabaseClock
from wend.store.migrate import migrate
from wend.store.postgres import make_pool

if TYPE_CHECKING:
    from wend.commands.up import Database

log = structlog.get_logger("wend.up")


async def serve(config: Config, database: Database, claim: Claim) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    migrated = await migrate(database.url, schema=config.schema, partitions=config.partitions)
    door = _listen(config.host, config.port, "port")
    url = _url(config, door)
    async with make_pool(database.url, schema=config.schema, name="wend server", smallest=2) as pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        made = await first_keys(pool, config.data)
        surface = Surface(
            pool=pool,
            clock=clock,
            partitions=migrated.partitions,
            public_url=(config.public_url or url).rstrip("/"),
            password=config.password,
            loopback=config.loopback,
            version=__version__,
        )
        children = Children()
        background = [asyncio.create_task(clock.run(pool)), asyncio.create_task(database.watch())]
        server = _Server(uvicorn.Config(
            build(surface), loop="none", http="httptools", ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, backlog=2048, timeout_keep_alive=30, timeout_graceful_shutdown=3,
        ))  # fmt: skip
        serving = asyncio.create_task(server.serve(sockets=[door]))
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0.005)
            if server.started:
                claim.announce(Running.here(url=url, database_url=database.url, schema=config.schema, smtp_port=0))
                print(f"Wend is ready at {url}", flush=True)
                if made:
                    print(f"Keys for your first events and calls are in {made}", flush=True)
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        finally:
            log.info("stopping")
            server.should_exit = True
            await asyncio.gather(serving, children.stop(), return_exceptions=True)
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the whole of `wend up` stops in order, not the HTTP server by itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int, what: str) -> socket.socket:
    """A bound socket; UserError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        todo = f"free it, or choose another with --{what} (0 takes any free one)"
        raise UserError(f"{host}:{port}", os.strerror(error.errno or 0).lower(), todo) from None
    return door


def _url(config: Config, door: socket.socket) -> str:
    host = "127.0.0.1" if config.host == "0.0.0.0" else config.host
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{door.getsockname()[1]}"
