"""A migrated workspace for every test."""

from __future__ import annotations

import pytest
from tests.delivery.templates_db import migrated
from tests.history.stored import PARTITIONS

from wend.store.embedded import Embedded


@pytest.fixture(scope="session")
def template_db(pg_server: Embedded) -> str:
    return migrated(pg_server, "test_history_template", PARTITIONS)
