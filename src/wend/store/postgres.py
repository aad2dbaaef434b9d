"""Connections to PostgreSQL, and the named SQL blocks of queries/.

Rules: every connection has the workspace's schema as its search_path; a session whose host died loses its locks
(engine.md 26); json and jsonb come back as raw bytes, to be decoded by msgspec where they are used; arrays are passed
with `%b`, never `%s` (ten times faster, storage.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, LiteralString, cast

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg_pool import AsyncConnectionPool

from wend.store import arrays

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]
Args = Sequence[Any] | dict[str, Any]

# A worker that stops answering holds its cursor and heads no longer than this (milliseconds).
_IDLE_IN_TRANSACTION = 15_000
_TCP_USER_TIMEOUT = 15_000
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,40}")


class _RawText(Loader):
    """json and jsonb in text format, json in binary format: the bytes as they are."""

    format = Format.TEXT

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class _RawBinary(_RawText):
    format = Format.BINARY


class _RawJsonb(Loader):
    """jsonb in binary format: a version byte, then the text."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)[1:]


def schema_name(schema: str) -> str:
    """The name itself when it is a plain identifier; ValueError otherwise."""
    if not _SCHEMA_NAME.fullmatch(schema):
        raise ValueError(
            f"schema {schema!r}: a workspace's schema is 1-41 of a-z, 0-9 and _, not starting with a digit"
        )
    return schema


def connection_options(schema: str) -> str:
    """The `options` of a connection to the workspace in `schema`."""
    return (
        f"-c search_path={schema_name(schema)} -c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION}"
        f" -c tcp_user_timeout={_TCP_USER_TIMEOUT} -c timezone=UTC -c jit=off"
    )


async def configure(conn: Connection) -> None:
    """Prepare one connection: json and jsonb come as raw bytes, packed arrays can be sent."""
    arrays.register(conn)
    conn.adapters.register_loader("json", _RawText)
    conn.adapters.register_loader("jsonb", _RawText)
    conn.adapters.register_loader("json", _RawBinary)
    conn.adapters.register_loader("jsonb", _RawJsonb)


async def connect(dsn: str, *, schema: str = "wend", name: str = "wend", autocommit: bool = False) -> Connection:
    """One connection of its own (LISTEN, migrations, tests), configured like those of a pool."""
    conn = await psycopg.AsyncConnection.connect(
        dsn, options=connection_options(schema), application_name=name, autocommit=autocommit
    )
    await configure(conn)
    return conn


def make_pool(dsn: str, *, schema: str = "wend", name: str = "wend", smallest: int = 1, largest: int = 8) -> Pool:
    """A closed pool: `async with make_pool(…) as pool` opens it and closes it at the end.

    `async with pool.connection() as conn` commits at its end and rolls back when an exception leaves it.
    """
    return AsyncConnectionPool(
        dsn,
        kwargs={"options": connection_options(schema), "application_name": name},
        min_size=smallest,
        max_size=largest,
        open=False,
        configure=configure,
        name=name,
        timeout=30,
    )


@cache
def _blocks() -> dict[str, LiteralString]:
    found: dict[str, LiteralString] = {}
    for file in sorted(files("wend.store").joinpath("queries").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        parts = re.split(r"^-- name: (\w+).*$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"queries/{file.name}: the name {name!r} is taken")
            lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--")]
            found[name] = cast("LiteralString", "\n".join(lines).rstrip(";"))
    return found


def sql(name: str) -> LiteralString:
    """The block `-- name: <name>` of queries/*.sql, without comments. KeyError names what is missing."""
    try:
        return _blocks()[name]
    except KeyError:
        raise KeyError(f"no block '-- name: {name}' in store/queries/") from None


async def fetch_one(conn: Connection, query: LiteralString, args: Args = ()) -> tuple[Any, ...] | None:
    """The first row of a query in binary format, or None."""
    return await (await conn.execute(query, args, binary=True)).fetchone()


async def fetch_all(conn: Connection, query: LiteralString, args: Args = ()) -> list[tuple[Any, ...]]:
    """All rows of a query in binary format."""
    return await (await conn.execute(query, args, binary=True)).fetchall()
