"""A migrated workspace, to be emptied for every history."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.history.stored import PARTITIONS

from wend.store.migrate import migrate


@pytest.fixture
def url(database_url: str) -> str:
    # In a thread of its own: the tests that take it may run in a loop, or make their own.
    thread = threading.Thread(target=lambda: asyncio.run(migrate(database_url, partitions=PARTITIONS)))
    thread.start()
    thread.join()
    return database_url
