"""A real server: PostgreSQL, the intake, uvicorn on 127.0.0.1, one write key and one API key."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from dataclasses import dataclass
from typing import Any, LiteralString

import httpx2
import msgspec
import psycopg
import pytest
import uvicorn

from wend.intake import Intake, Limits, tracking_app
from wend.intake.protocol import UVICORN_SETTINGS
from wend.store.clock import DatabaseClock
from wend.store.embedded import Embedded
from wend.store.keys import create_key
from wend.store.migrate import migrate
from wend.store.postgres import Pool, fetch_all, make_pool

PARTITIONS = 8


@dataclass
class World:
    """What a test may look at."""

    url: str
    dsn: str
    pool: Pool
    intake: Intake
    key: str
    api_key: str
    client: httpx2.AsyncClient
    port: int

    async def rows(self, query: LiteralString, *args: Any) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as conn:
            return await fetch_all(conn, query, args)

    async def log(self) -> list[tuple[int, str, dict[str, Any]]]:
        """(profile, kind, payload) of all rows, in the order in which they were appended, by time and position."""
        rows = await self.rows("select profile_id, kind, payload from log order by at, seq")
        return [(row[0], row[1], msgspec.json.decode(row[2])) for row in rows]

    async def person(self, namespace: str, value: str) -> int | None:
        rows = await self.rows(
            "select profile_id from identifier where namespace = %s and value = %s", namespace, value
        )
        return rows[0][0] if rows else None

    async def post(self, path: str, content: Any, **more: Any) -> httpx2.Response:
        if not isinstance(content, bytes):
            content = msgspec.json.encode(content)
        arguments: dict[str, Any] = {"auth": (self.key, ""), **more}
        return await self.client.post(path, content=content, **arguments)

    async def one(self, path: str, content: Any) -> tuple[str, dict[str, Any]]:
        """Post what is right, and return (kind, payload) of the last row it made."""
        answer = await self.post(path, content)
        assert answer.status_code == 200, answer.text
        _, kind, payload = (await self.log())[-1]
        return kind, payload

    async def refused(self, path: str, content: Any, **more: Any) -> tuple[int, str]:
        """Post what is wrong, and return status and code; the body must have the one shape that SDKs can read."""
        answer = await self.post(path, content, **more)
        body = answer.json()
        assert set(body) == {"code", "message"}
        assert all(isinstance(text, str) and text for text in body.values())
        return answer.status_code, body["code"]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield  # pytest keeps its own


@pytest.fixture(scope="session")
def template_db(pg_server: Embedded) -> str:
    """A migrated database; each test's is cloned from it."""
    name = "test_intake_template"
    with psycopg.connect(pg_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template template0")
    asyncio.run(migrate(pg_server.dsn_of(name), partitions=PARTITIONS))
    return name


@contextlib.asynccontextmanager
async def serving(dsn: str, limits: Limits | None = None) -> AsyncGenerator[World]:
    async with make_pool(dsn) as pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        async with pool.connection() as conn:
            _, key = await create_key(conn, "write")
            _, api_key = await create_key(conn, "api", scopes=["write"])
        intake = Intake(pool, clock, partitions=PARTITIONS, limits=limits)
        intake.start()
        door = socket.create_server(("127.0.0.1", 0))
        port = door.getsockname()[1]
        server = _Server(uvicorn.Config(tracking_app(intake), log_config=None, **UVICORN_SETTINGS))
        task = asyncio.create_task(server.serve(sockets=[door]))
        while not server.started:
            await asyncio.sleep(0.005)
        url = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            try:
                yield World(url, dsn, pool, intake, key, api_key, client, port)
            finally:
                server.should_exit = True
                await task
                await intake.stop()


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with serving(database_url) as found:
        yield found
