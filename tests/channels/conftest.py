"""A workspace's database for the inbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.delivery.templates_db import migrated

from wend.store import embedded
from wend.store.postgres import Pool, make_pool


@pytest.fixture(scope="session")
def template_db(pg_server: embedded.Embedded) -> str:
    return migrated(pg_server, "test_channels", 2)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with make_pool(database_url, largest=4) as pool:
        yield pool
