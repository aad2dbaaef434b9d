"""The whole API on a real database: events come in by the real intake, the real worker applies them; only HTTP has no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import msgspec
import psycopg
import pytest
from fastapi import FastAPI

from wend.api.acts import keys
from wend.api.app import build
from wend.api.surface import Surface
from wend.engine.live import Worker
from wend.intake.door import Intake
from wend.intake.items import Envelope, ItemReader
from wend.store.clock import DatabaseClock
from wend.store.embedded import Embedded
from wend.store.migrate import migrate
from wend.store.postgres import Pool, fetch_all, make_pool

PARTITIONS = 2
DEADLINE = 20.0  # seconds

MAIL = {
    "id": "hello-mail",
    "channel": "email",
    "subject": "Hello {{ profile.first_name | default: 'friend' }}",
    "html": "<p>Your lamp waits.</p><script>alert(1)</script>",
}
JOURNEY: dict[str, Any] = {
    "id": "hello",
    "name": "Hello <b>you</b>",
    "entry": {"on": {"event": "Signed Up", "where": {"property": "plan", "is": "pro"}}, "reentry": "once"},
    "nodes": {
        "mail": {"send": {"channel": "email", "template": "hello-mail", "transactional": True}, "next": "pause"},
        "pause": {"wait_for_event": {"event": "Came Back", "timeout": "2h"}, "happened": "done", "timed_out": "done"},
        "done": {"end": {}},
    },
    "start": "mail",
}


@dataclass
class World:
    """What a test may use. `client` carries an API key with all scopes."""

    pool: Pool
    surface: Surface
    client: httpx2.AsyncClient
    intake: Intake

    async def tell(self, *items: dict[str, Any]) -> None:
        """Send events in and let the engine apply them."""
        now = self.surface.clock.now_ms()
        reader = ItemReader(self.intake.limits)
        await self.intake.take([reader.read_raw(msgspec.json.encode(item), Envelope(now)) for item in items])
        await self.settle()

    async def settle(self) -> None:
        """Run a worker until every input is applied."""
        worker = Worker(self.pool, self.surface.clock)
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(DEADLINE):
                while await self.behind():
                    await asyncio.sleep(0.02)
        finally:
            worker.stop()
            await running

    async def behind(self) -> bool:
        """Whether inputs wait or are on their way (merges), or somebody is due (after a change of the plan: to be lifted)."""
        async with self.pool.connection() as conn:
            query = (
                "select 1 from cursor c join head h using (partition) where h.seq > c.seq"
                " union all select 1 from relay union all select 1 from profile where wakes_at <= %s limit 1"
            )
            return bool(await fetch_all(conn, query, (self.surface.clock.now_ms(),)))

    async def publish(self, journey: dict[str, Any] = JOURNEY, template: dict[str, Any] = MAIL) -> None:
        """Put the template and publish the journey."""
        put = await self.client.put(f"/api/templates/{template['id']}", json=template)
        assert put.status_code == 200, put.text
        done = await self.client.post(f"/api/journeys/{journey['id']}/publish", json=journey)
        assert done.status_code == 200, done.text

    async def someone(self, user: str = "ada", **traits: Any) -> None:
        """Somebody who signs up with the plan that the journey wants."""
        traits = {"email": f"{user}@example.com", "first_name": user.title(), **traits}
        await self.tell(
            {"type": "identify", "userId": user, "messageId": f"{user}-1", "traits": traits},
            {
                "type": "track",
                "userId": user,
                "messageId": f"{user}-2",
                "event": "Signed Up",
                "properties": {"plan": "pro"},
            },
        )

    async def get(self, path: str, status: int = 200, **more: Any) -> Any:
        """The JSON of a GET that answers `status`."""
        answer = await self.client.get(path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def as_somebody(self, **headers: str) -> httpx2.AsyncClient:
        """A client without the API key."""
        return httpx2.AsyncClient(transport=self.client._transport, base_url="http://127.0.0.1", headers=headers)


@pytest.fixture(scope="session")
def template_db(pg_server: Embedded) -> str:
    """A migrated database; each test's is cloned from it."""
    name = "test_api_template"
    with psycopg.connect(pg_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template template0")
    asyncio.run(migrate(pg_server.dsn_of(name), partitions=PARTITIONS))
    return name


@pytest.fixture(scope="session")
def application() -> FastAPI:
    """Built once: only what it serves changes from test to test."""
    return build(Surface(pool=cast(Any, None), clock=DatabaseClock(), partitions=PARTITIONS, version="test"))


@pytest.fixture
async def world(database_url: str, application: FastAPI) -> AsyncIterator[World]:
    async with make_pool(database_url, smallest=1, largest=8) as pool:
        clock = DatabaseClock()
        await clock.refresh(pool)
        async with pool.connection() as conn:
            _, secret = await keys.make(conn, "api", "tests", [], who="tests")
        surface = Surface(pool=pool, clock=clock, partitions=PARTITIONS, public_url="http://127.0.0.1", version="test")
        intake = Intake(pool, clock, partitions=PARTITIONS)
        intake.start()
        application.state.surface = surface
        transport = httpx2.ASGITransport(app=application, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
            yield World(pool, surface, client, intake)
        await intake.stop()
