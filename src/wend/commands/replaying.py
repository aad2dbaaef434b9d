"""Replay mode for commands: the live engine over recorded history, its messages caught by the built-in inbox at their own time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from wend.channels import inbox_email
from wend.channels.contract import Provider
from wend.channels.inbox import InboxChannel
from wend.commands import running
from wend.commands.channels import sender_settings
from wend.commands.errors import UserError
from wend.commands.reading import read_told
from wend.commands.secrets import box, secret
from wend.config import Config
from wend.content.links import Links
from wend.core.consent import CHANNELS
from wend.delivery.asks.runner import Asks
from wend.delivery.sender import Sender
from wend.engine.replaying import Replay
from wend.intake.import_job import job_id
from wend.reports.sentences import clock as clock_text
from wend.store.postgres import Pool, fetch_one, sql


class _Reached:
    """A clock that stands where the replay stands."""

    def __init__(self) -> None:
        self.at = 0

    def now_ms(self) -> int:
        """How far the replay has come (ms UTC)."""
        return self.at


@asynccontextmanager
async def replayed(config: Config, pool: Pool, partitions: int) -> AsyncGenerator[Replay]:
    """The workspace in replay mode. Leaving without `finish` keeps it there, to be gone on with. Nothing reaches real people."""
    served = running.find(config.data)
    base = config.public_url or (served.url if served else f"http://{config.host}:{config.port}")
    clock = _Reached()
    channels: dict[str, Provider] = {name: InboxChannel(name, pool) for name in CHANNELS}
    if served is not None and served.smtp_port:
        channels["email"] = inbox_email("127.0.0.1", served.smtp_port)
    links = Links(await secret(pool, config.data, config.secret_key, "links"), base)
    common = sender_settings(config)
    sender = Sender(pool, clock, channels, links, common, partitions, virtual=True)
    asks = Asks(pool, clock, box(config.data, config.secret_key), links, common, partitions, virtual=True)

    async def deliver(at: int) -> int:
        clock.at = at
        return await sender.drain() + await asks.drain()

    try:
        async with Replay(pool, deliver=deliver) as replay:
            yield replay
    finally:
        for provider in set(channels.values()):
            await provider.close()


async def must_not_go_back(pool: Pool, file: Path) -> None:
    """UserError when the log has gone beyond the oldest event of `file`: a log cannot go back, and nothing was changed yet.

    An import of this very file that was cut off may go on. A fresh workspace is not asked to read the file once more.
    """
    async with pool.connection() as conn:
        heads = await fetch_one(conn, "select max(at) from head")
        begun = await fetch_one(conn, sql("import_get"), (job_id(file, kind="events", replay=True),))
    reached = int(heads[0]) if heads else 0
    if reached == 0 or (begun is not None and begun[0] > 0):
        return
    told, _ = read_told(file)
    if told and told[0].at < reached:
        raise UserError(
            str(file),
            f"its oldest event is of {clock_text(told[0].at)}, but the log has reached {clock_text(reached)} and cannot go back",
            "replay into a fresh workspace (another --data), or import without --replay",
        )
