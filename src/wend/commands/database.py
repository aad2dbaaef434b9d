"""How a command reaches the database: the server given by URL, else that of the Wend that runs on the data folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import psycopg

from wend.commands import running
from wend.commands.errors import UserError
from wend.config import Config
from wend.store import embedded
from wend.store.postgres import Connection, connect

T = TypeVar("T")
WHO = "command line"
"""Who did it, in the audit log."""


def url_of(config: Config) -> str:
    """URL of the database. UserError when no Wend runs on the data folder."""
    if config.database_url:
        return config.database_url
    found = running.find(config.data)
    if found is not None:
        return found.database_url
    dsn = embedded.find(config.data) if config.data.exists() else None
    if dsn is None:
        todo = "start it with `wend up`, name its folder with --data, or set WEND_DATABASE_URL"
        raise UserError(str(config.data), "no Wend runs here", todo)
    return dsn


@asynccontextmanager
async def opened(config: Config) -> AsyncGenerator[Connection]:
    """A connection to the workspace; commits at the end, rolls back when an exception leaves it."""
    try:
        conn = await connect(url_of(config), schema=config.schema, name="wend command")
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise UserError("database", said, "check WEND_DATABASE_URL, and that the server runs") from None
    try:
        yield conn
        await conn.commit()
    except psycopg.errors.UndefinedTable:
        raise UserError("database", "it holds no Wend workspace", "run `wend migrate`") from None
    finally:
        await conn.close()


def with_database(config: Config, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Run `work` with a connection (see `opened`)."""

    async def run() -> T:
        async with opened(config) as conn:
            return await work(conn)

    return asyncio.run(run())
