"""What the engine's tests share: journeys, a workspace in real PostgreSQL, a clock that is set by hand."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wend.core.inputs import Consent, Event, Identify, Input
from wend.core.plan import PlanChange
from wend.core.profile import Profile
from wend.engine.batch import Batches, Lane, Result, raise_head
from wend.engine.live import Worker
from wend.engine.publish import publish_journey
from wend.engine.relay import relay, sources
from wend.store.codec import decode_state, encode_input
from wend.store.log import Appender, NewInput, message_hash
from wend.store.postgres import Pool, fetch_all

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_760_000_000_000

CART: dict[str, Any] = {
    "id": "cart",
    "name": "Cart",
    "entry": {"on": {"event": "Product Added"}, "reentry": "always"},
    "exit_when": {"event": "Order Completed"},
    "nodes": {
        "pause": {"wait": "2h", "next": "mail"},
        "mail": {"send": {"channel": "email", "template": "first"}, "next": "later", "failed": "done"},
        "later": {
            "wait_for_event": {"event": "Came Back", "timeout": "1d"},
            "happened": "tag",
            "timed_out": "again",
        },
        "tag": {"add_tag": {"tag": "returned"}, "next": "done"},
        "again": {"send": {"channel": "email", "template": "second"}, "next": "done", "failed": "done"},
        "done": {"end": {}},
    },
    "start": "pause",
}
WELCOME: dict[str, Any] = {
    "id": "welcome",
    "name": "Welcome",
    "entry": {"on": {"event": "Signed Up"}, "reentry": "always"},
    "nodes": {
        "mail": {"send": {"channel": "email", "template": "hello"}, "next": "done", "failed": "done"},
        "done": {"end": {}},
    },
    "start": "mail",
}
ECHO: dict[str, Any] = {
    "id": "echo",
    "name": "Echo",
    "entry": {"on": {"event": "Shout"}, "reentry": "always"},
    "nodes": {"emit": {"emit": {"event": "Echoed"}, "next": "done"}, "done": {"end": {}}},
    "start": "emit",
}


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    now: int = START

    def now_ms(self) -> int:
        return self.now


def person(id: int, at: int) -> list[Input]:
    """What makes somebody reachable by e-mail."""
    return [
        Identify({"email": f"p{id}@example.com"}, at, user_id=f"u{id}"),
        Consent("opted_in", at, channel="email", source="test"),
    ]


def new_input(id: int, input: Input) -> NewInput:
    message_id = getattr(input, "message_id", "")
    return NewInput(id, input.KIND, encode_input(input), message_hash(message_id) if message_id else None)


@dataclass
class World:
    """One workspace. `run` applies batches by hand, at the instant the clock shows; workers are started by tests."""

    pool: Pool
    partitions: int
    url: str
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.appender = Appender(self.partitions)
        self.batches = Batches(self.partitions)
        self.lanes: dict[int, Lane] = {}

    async def append(self, *inputs: tuple[int, Input], at: int | None = None) -> int:
        """Append at the hand clock's time (the log never goes back, whatever the clock does)."""
        async with self.pool.connection() as conn:
            rows = [new_input(id, input) for id, input in inputs]
            return await self.appender.append(conn, rows, at=self.clock.now if at is None else at)

    async def known(self, *ids: int) -> None:
        """Make these people known and reachable."""
        await self.append(*((id, input) for id in ids for input in person(id, self.clock.now)))

    async def event(self, id: int, name: str, *, message_id: str = "", **properties: Any) -> None:
        await self.append((id, Event(name, self.clock.now, properties, message_id=message_id)))

    async def publish(self, document: dict[str, Any]) -> PlanChange:
        """Publish at the hand clock's time: the heads are raised to it first, publishing never goes back."""
        async with self.pool.connection() as conn:
            await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
            await conn.execute("update head set at = greatest(at, %s)", (self.clock.now,))
            change = await publish_journey(conn, document)
            await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")
            return change

    async def run(self, *, batch: int = 2000, lag: bool = True, only: Sequence[int] | None = None) -> list[Result]:
        """Everything up to now, relays too. `lag` False: as in a replay."""
        self.batches.batch = batch
        results: list[Result] = []
        async with self.pool.connection() as conn:
            again = True
            while again:
                again = False
                for partition in range(self.partitions) if only is None else only:
                    lane = self.lanes.get(partition) or await self.claim(partition)
                    tick = await raise_head(conn, partition, self.clock.now)
                    while True:
                        result = await self.batches.run(conn, lane, tick, clock=self.clock.now if lag else None)
                        results.append(result)
                        if not result.more:
                            break
                for source in await sources(conn, list(range(self.partitions))):
                    again = await relay(conn, self.appender, source, at=self.clock.now) > 0 or again
        return results

    async def run_partition(self, id: int) -> None:
        """One batch of the partition of person `id`, without carrying relays."""
        partition = id % self.partitions
        lane = self.lanes.get(partition) or await self.claim(partition)
        async with self.pool.connection() as conn:
            tick = await raise_head(conn, partition, self.clock.now)
            await self.batches.run(conn, lane, tick, clock=self.clock.now)

    async def claim(self, partition: int) -> Lane:
        async with self.pool.connection() as conn:
            row = await (
                await conn.execute(
                    "update cursor set epoch = epoch + 1, owner = 'test' where partition = %s returning epoch",
                    (partition,),
                )
            ).fetchone()
        assert row is not None
        self.lanes[partition] = Lane(partition, row[0])
        return self.lanes[partition]

    async def rows(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as conn:
            return await fetch_all(conn, query, args)  # pyright: ignore[reportArgumentType]

    async def outbox(self) -> list[tuple[str, str, int, str]]:
        """(effect id, template, instant, status) of all messages, in order of effect id."""
        return [
            (row[0], row[1], row[2], row[3])
            for row in await self.rows("select effect_id, template, at, status from outbox order by effect_id")
        ]

    async def states(self) -> dict[int, tuple[Any, ...]]:
        """profile → packed state, attributes, next wake."""
        rows = await self.rows("select id, state, attributes, wakes_at from profile")
        return {row[0]: (row[1], json.loads(row[2]), row[3]) for row in rows}

    async def profile(self, id: int) -> Profile:
        [(state, attributes)] = await self.rows("select state, attributes from profile where id = %s", id)
        return decode_state(id, state, attributes)

    async def steps(self, id: int) -> list[tuple[str, str, str]]:
        return [
            (row[0], row[1], row[2])
            for row in await self.rows(
                "select kind, node, branch from step where profile_id = %s order by at, ordinal", id
            )
        ]


async def until(done: Any, *, seconds: float = 30.0) -> None:
    """Poll `done()` (may be async) until it is true."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        value = done()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


class Running:
    """Workers that run while the block is open."""

    def __init__(self, *workers: Worker) -> None:
        self.workers = workers

    async def __aenter__(self) -> "Running":
        self.tasks = [asyncio.create_task(worker.run()) for worker in self.workers]
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.stop()
        await asyncio.gather(*self.tasks)
