"""A workspace with people in it, ways to queue messages, and the built-in inbox as a real SMTP server."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.delivery.templates_db import migrated

from wend.channels import inbox_email
from wend.channels.inbox import InboxChannel, InboxServer
from wend.content.links import Links
from wend.content.store import push_template
from wend.core.profile import Profile
from wend.delivery.render import SenderSettings
from wend.delivery.sender import Sender
from wend.store import embedded
from wend.store.codec import decode_input, encode_attributes, encode_state
from wend.store.postgres import Pool, make_pool

PARTITIONS = 4
LINKS = Links(b"0123456789abcdef0123456789abcdef", "http://127.0.0.1:8000")
SETTINGS = SenderSettings(name="Wend Shop", address="shop@example.com", postal_address="1 High Street, London")
NOON = 1_790_000_000_000


@dataclass
class SetClock:
    """A clock that stands where it is put."""

    ms: int = NOON

    def now_ms(self) -> int:
        return self.ms


@dataclass
class World:
    """One workspace of a test."""

    dsn: str
    pool: Pool
    clock: SetClock = field(default_factory=SetClock)
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def person(self, **given: Any) -> Profile:
        """A person with consent to e-mail and SMS unless told otherwise."""
        number = next(self.counter)
        attributes = given.pop(
            "attributes", {"email": f"ann{number}@example.com", "first_name": "Ann", "phone": "+491701234567"}
        )
        consent = given.pop("consent", {"email": ["opted_in", 1], "sms": ["opted_in", 1]})
        profile = Profile(id=1000 + number, attributes=attributes, consent=consent, **given)
        async with self.pool.connection() as conn:
            await conn.execute(
                "insert into profile (partition, id, attributes, state) values (%s, %s, %s::jsonb, %s)",
                (
                    profile.id % PARTITIONS,
                    profile.id,
                    encode_attributes(profile.attributes).decode(),
                    encode_state(profile),
                ),
            )
        return profile

    async def template(self, **fields: Any) -> None:
        document = {"id": "hello", "channel": "email", "subject": "Hello {{ profile.first_name }}", "html": "<p>Hi</p>"}
        async with self.pool.connection() as conn:
            await push_template(conn, {**document, **fields})

    async def queue(self, profile: Profile, **given: Any) -> str:
        """An outbox row as the engine writes it; its effect id."""
        number = next(self.counter)
        row: dict[str, Any] = {
            "partition": profile.id % PARTITIONS,
            "effect_id": f"r{profile.id}-{number}.1",
            "outbox_seq": number,
            "profile_id": profile.id,
            "channel": "email",
            "journey": "welcome",
            "version": 1,
            "node": "mail",
            "run": f"r{profile.id}-{number}",
            "move": 1,
            "template": "hello",
            "address": "",
            "at": self.clock.ms,
            "expires_at": self.clock.ms + 86_400_000,
            "updated_at": self.clock.ms,
            **given,
        }
        row["data"] = json.dumps(row.get("data", {}))
        columns = ", ".join(row)
        async with self.pool.connection() as conn:
            await conn.execute(
                f"insert into outbox ({columns}) values ({', '.join(['%s'] * len(row))})".encode(), list(row.values())
            )
        return row["effect_id"]

    async def rows(self, query: str, *args: Any) -> list[dict[str, Any]]:
        async with await psycopg.AsyncConnection.connect(self.dsn, options="-c search_path=wend") as conn:
            cursor = conn.cursor(row_factory=dict_row)
            await cursor.execute(query.encode(), args)
            return await cursor.fetchall()

    async def message(self, effect_id: str) -> dict[str, Any]:
        (row,) = await self.rows("select * from outbox where effect_id = %s", effect_id)
        return row

    async def inputs(self) -> list[Any]:
        """Everything in the log, decoded, in order of partition and position."""
        found = await self.rows("select kind, payload::text as payload from log order by partition, seq")
        return [decode_input(row["kind"], row["payload"].encode()) for row in found]

    async def states(self) -> list[str]:
        return [input.state for input in await self.inputs()]

    def sender(self, channels: dict[str, Any], **given: Any) -> Sender:
        settings = given.pop("settings", SETTINGS)
        return Sender(self.pool, self.clock, channels, LINKS, settings, PARTITIONS, **given)


@pytest.fixture(scope="session")
def template_db(pg_server: embedded.Embedded) -> str:
    return migrated(pg_server, "test_delivery", PARTITIONS)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with make_pool(database_url, largest=6) as pool:
        yield World(database_url, pool)


@pytest.fixture
async def inbox(world: World) -> AsyncIterator[dict[str, Any]]:
    """The channels of a fresh installation: e-mail by SMTP into the inbox, the others straight into it."""
    server = InboxServer(world.pool, lambda: int(time.time() * 1000))
    await server.start()
    email = inbox_email("127.0.0.1", server.port)
    try:
        yield {"email": email, "sms": InboxChannel("sms", world.pool), "web_push": InboxChannel("web_push", world.pool)}
    finally:
        await email.close()
        await server.stop()
