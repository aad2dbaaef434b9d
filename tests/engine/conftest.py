"""A migrated workspace of four partitions, and hands to feed it and look into it."""

from collections.abc import AsyncIterator

import pytest
from tests.engine.world import World

from wend.store.migrate import migrate
from wend.store.postgres import make_pool


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    await migrate(database_url, partitions=4)
    async with make_pool(database_url, smallest=1, largest=12) as pool:
        yield World(pool, 4, database_url)
