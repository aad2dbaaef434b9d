"""A migrated workspace, made once per test and emptied for every drawn history."""

from __future__ import annotations

import asyncio

import pytest
from tests.history.stored import PARTITIONS

from wend.store.migrate import migrate


@pytest.fixture
def url(database_url: str) -> str:
    asyncio.run(migrate(database_url, partitions=PARTITIONS))
    return database_url
