"""`wend up`: everything on one machine. Claims the data folder, starts the database, then serves until asked to stop.

Order of starting: folder, log, PostgreSQL, migrations, keys, HTTP socket, children, "ready". Stopping goes the other way.
Whatever fails in between, no process of ours is left.
"""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType

import structlog

from wend.commands import logs
from wend.commands.errors import UserError
from wend.commands.running import Claim
from wend.config import Config
from wend.store import embedded

log = structlog.get_logger("wend.up")


class Database:
    """The database of this Wend: the embedded server (ours to start, watch and stop), or one that was given by URL."""

    def __init__(self, config: Config) -> None:
        self._data = config.data
        self._server: embedded.Embedded | None = None
        self.url = config.database_url
        if not self.url:
            try:
                self._server = embedded.start(config.data)
            except embedded.EmbeddedError as error:
                raise UserError("database", str(error)) from None
            self.url = self._server.dsn

    async def watch(self) -> None:
        """Start the embedded server again when it was killed (its address stays the same). Runs until cancelled."""
        while self._server:
            await asyncio.sleep(0.5)
            if not self._server.alive():
                log.error("PostgreSQL ended, it is started again", log=str(self._server.log))
                self._server.stop()  # frees the folder
                with suppress(embedded.EmbeddedError):  # its log tells; we try again
                    self._server = await asyncio.to_thread(embedded.start, self._data)

    def stop(self) -> None:
        """Stop the embedded server; a given one is left alone."""
        if self._server:
            self._server.stop()


def up(config: Config) -> None:
    """Serve until SIGINT or SIGTERM. Raises UserError when it cannot start."""
    signal.signal(signal.SIGTERM, _interrupt)  # until the server listens for it itself
    claim = Claim(config.data)
    try:
        logs.start(config.data, config.log_level, process="server", aside=True)
        with suppress(KeyboardInterrupt):
            _run(config, claim)
    finally:
        claim.release()


def _run(config: Config, claim: Claim) -> None:
    with ThreadPoolExecutor(1, "start database") as beside:
        starting = beside.submit(Database, config)
        try:
            # Loading the server takes about as long as starting PostgreSQL: side by side.
            import uvloop

            from wend.commands.serving import serve

            uvloop.run(serve(config, starting.result(), claim))
        finally:
            if starting.exception() is None:
                starting.result().stop()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
