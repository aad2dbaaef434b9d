"""What stands behind every way in: reading items, writing them in groups, refusing with a reason."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import psycopg
from psycopg_pool import PoolTimeout

from wend.content.catalogue.replenishment import Replenishment
from wend.intake.dead_letters import DeadLetter
from wend.intake.group_commit import GroupCommit
from wend.intake.items import ItemReader, Message
from wend.intake.limits import Limits
from wend.intake.places import Places
from wend.intake.writing import StoreAway, Writer
from wend.store.clock import Clock
from wend.store.keys import Key, Keys
from wend.store.log import Appender
from wend.store.postgres import Pool

_CATALOGUE_AGAIN = 10.0  # seconds; the geofences likewise
_KEY_AGAIN = 1.0  # seconds for which the latest key is not even looked up in the cache of keys


class Intake:
    """One per process and workspace. `start` inside the event loop, `stop` at the end; both once.

    `clock` must have been refreshed; its owner keeps it true. `partitions`: the workspace's number.
    """

    def __init__(self, pool: Pool, clock: Clock, *, partitions: int, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.clock = clock
        self.replenishment = Replenishment()
        self.places = Places()
        self.reader = ItemReader(self.limits, replenishment=self.replenishment, places=self.places)
        self._pool = pool
        writer = Writer(pool, Appender(partitions), clock, store_seconds=self.limits.store_seconds)
        self.groups = GroupCommit(writer, self.limits)
        self._keys = Keys(pool)
        self._refreshing: asyncio.Task[None] | None = None
        self._last_key: tuple[str, float, Key | None] = ("", 0.0, None)

    def start(self) -> None:
        """Begin to write what is taken."""
        self.groups.start()
        self._refreshing = asyncio.create_task(self._refresh(), name="catalogue at the door")

    async def stop(self) -> None:
        """Take nothing more, write what was taken, end. Requests that come later are answered 503."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        await self.groups.stop()

    async def _refresh(self) -> None:
        """Keep what the catalogue says of orders, and the geofences; a store that is away is asked again later."""
        while True:
            with suppress(OSError, PoolTimeout, psycopg.Error):
                async with self._pool.connection() as conn:
                    await self.replenishment.refresh(conn)
                    await self.places.refresh(conn)
            await asyncio.sleep(_CATALOGUE_AGAIN)

    async def key(self, secret: str) -> Key | None:
        """The key with this secret, or None. Raises StoreAway."""
        if not secret or len(secret) > 200:
            return None
        now = time.monotonic()
        last, found_at, found = self._last_key
        if secret == last and now - found_at < _KEY_AGAIN:
            return found
        try:
            async with asyncio.timeout(self.limits.store_seconds):
                found = await self._keys.find(secret)
        except (TimeoutError, PoolTimeout, OSError, psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise StoreAway(str(error)) from error
        self._last_key = (secret, now, found)
        return found

    async def take(self, messages: Sequence[Message], letters: Sequence[DeadLetter] = ()) -> list[int]:
        """Durable when it returns; see GroupCommit.submit."""
        return await self.groups.submit(messages, letters)
