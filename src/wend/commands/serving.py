"""What `wend up` does once the database runs: migrate, make the first keys, open the doors, keep the children, say "ready"."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from wend import __version__
from wend.api.acts.publishing import publish_due
from wend.api.app import build
from wend.api.surface import IntakeNumbers, Process, Surface
from wend.commands.channels import sender_settings, smtp_of
from wend.commands.children import Child, Children
from wend.commands.errors import UserError
from wend.commands.firstkeys import first_keys
from wend.commands.housekeeping import housekeeping
from wend.commands.running import Claim, Running
from wend.commands.secrets import box, secret
from wend.config import Config
from wend.content.links import Links
from wend.delivery.feedback import FeedbackLog
from wend.delivery.pictures import picture_routes
from wend.delivery.render import SenderSettings
from wend.delivery.tracking import tracking_routes
from wend.engine.maintenance import maintain_forever
from wend.engine.scheduled import publish_scheduled
from wend.intake.door import Intake
from wend.intake.limits import Limits
from wend.intake.protocol import UVICORN_SETTINGS
from wend.intake.tracking import owns, tracking_app
from wend.store.clock import DatabaseClock
from wend.store.migrate import migrate
from wend.store.postgres import make_pool

if TYPE_CHECKING:
    from wend.commands.up import Database

ASGI = Callable[[Any, Any, Any], Awaitable[None]]

log = structlog.get_logger("wend.up")


async def serve(config: Config, database: Database, claim: Claim) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    sender = sender_settings(config)
    smtp = smtp_of(config.smtp_url)
    migrated = await migrate(database.url, schema=config.schema, partitions=config.partitions)
    door = _listen(config.host, config.port, "port")
    inbox_port = _free_port(config.smtp_port)
    url = _url(config, door)
    public_url = (config.public_url or url).rstrip("/")
    pool = make_pool(database.url, schema=config.schema, name="wend server", smallest=2, largest=12)
    async with contextlib.AsyncExitStack() as after:  # undone in the opposite order, whatever happens
        await after.enter_async_context(pool)
        clock = DatabaseClock()
        await clock.refresh(pool)
        made = await first_keys(pool, config.data)
        links = Links(await secret(pool, config.data, config.secret_key, "links"), public_url)
        children = Children()
        surface = Surface(
            pool=pool,
            clock=clock,
            partitions=migrated.partitions,
            public_url=public_url,
            password=config.password,
            loopback=config.loopback,
            version=__version__,
            sender=sender,
            secrets=box(config.data, config.secret_key),
            processes=lambda: {child.name: Process(child.restarts, child.numbers) for child in children.kept},
        )
        intake = Intake(pool, clock, partitions=migrated.partitions, limits=_limits(config))
        surface.intake = lambda: IntakeNumbers(intake.groups.waiting, intake.groups.committed, intake.groups.groups)
        recipients = [*tracking_routes(FeedbackLog(pool, clock, migrated.partitions), links), *picture_routes(links)]
        application = doors(build(surface, recipients), tracking_app(intake))
        on_time = publish_scheduled(pool, clock, publish_due)
        for work in (
            clock.run(pool),
            database.watch(),
            maintain_forever(pool, clock),
            housekeeping(pool, clock),
            on_time,
        ):
            after.push_async_callback(_end, asyncio.create_task(work))
        intake.start()
        after.push_async_callback(intake.stop)
        after.push_async_callback(children.stop)
        server = _Server(uvicorn.Config(application, loop="none", log_config=None, **UVICORN_SETTINGS))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        after.push_async_callback(_end_serving, server, serving)
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        if server.started:
            _start_children(config, database, children, sender, smtp, public_url, inbox_port)
            here = Running.here(url=url, database_url=database.url, schema=config.schema, smtp_port=inbox_port)
            claim.announce(here)
            _say_ready(url, made)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        log.info("stopping")
        if serving.done():
            serving.result()  # it ended by itself: say why


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _end_serving(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    server.should_exit = True
    await asyncio.gather(serving, return_exceptions=True)


def _say_ready(url: str, made: Path | None) -> None:
    print(f"Wend is ready at {url}", flush=True)
    if made:
        print(f"The first write key and API key are in {made} (`wend key first` shows them)", flush=True)


def _start_children(
    config: Config,
    database: Database,
    children: Children,
    sender: SenderSettings,
    smtp: dict[str, Any] | None,
    public_url: str,
    inbox_port: int,
) -> None:
    """The workers and the sender."""
    common: dict[str, Any] = {
        "data": str(config.data),
        "log_level": config.log_level,
        "database_url": database.url,
        "schema": config.schema,
        "secret_key": config.secret_key,
    }
    for number in range(1, (config.workers or max(1, (os.cpu_count() or 1) // 2)) + 1):
        children.keep(Child(f"worker-{number}", "worker", common))
    sending = common | {"sender": asdict(sender), "smtp": smtp, "public_url": public_url, "inbox_port": inbox_port}
    children.keep(Child("sender", "sender", sending))


def doors(api: FastAPI, tracking: ASGI) -> ASGI:
    """One application: events to the tracking API, everything else to API and pages."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and owns(scope["path"]):
            await tracking(scope, receive, send)
        else:
            await api(scope, receive, send)

    return dispatch


def _limits(config: Config) -> Limits:
    return Limits(
        item_bytes=config.max_item_bytes, body_bytes=config.max_body_bytes, batch_items=config.max_batch_items
    )


def _free_port(wanted: int) -> int:
    """`wanted`, or any free port for 0; UserError when it is taken. Whoever asked listens on it at once."""
    door = _listen("127.0.0.1", wanted, "smtp-port")
    with door:
        return int(door.getsockname()[1])


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the whole of `wend up` stops in order, not the HTTP server by itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
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
