"""One migrated database per test process, cloned for each test."""

from __future__ import annotations

import asyncio

import psycopg

from wend.store import embedded
from wend.store.migrate import migrate


def migrated(server: embedded.Embedded, name: str, partitions: int) -> str:
    """Makes the database `name` on the server, with a fresh workspace in it."""
    with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    asyncio.run(migrate(server.dsn_of(name), partitions=partitions))
    return name
