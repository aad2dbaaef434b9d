"""A migrated database for each case, cloned from one that is migrated once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from wend.store.embedded import Embedded
from wend.store.migrate import migrate
from wend.store.postgres import Pool, make_pool

TEMPLATE = "test_template_journeys"


@pytest.fixture(scope="session")
def template_db(pg_server: Embedded) -> str:
    with psycopg.connect(pg_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {TEMPLATE} template template0")
    asyncio.run(migrate(pg_server.dsn_of(TEMPLATE), partitions=2))
    return TEMPLATE


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with make_pool(database_url, largest=4) as opened:
        yield opened
