"""A workspace's database for the inbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wend.store.migrate import migrate
from wend.store.postgres import Pool, make_pool


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    await migrate(database_url, partitions=2)
    async with make_pool(database_url, largest=4) as pool:
        yield pool
