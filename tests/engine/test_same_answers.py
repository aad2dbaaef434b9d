"""engine.md 3, 4, 10, 11, 22: whatever the journeys and the lives, every way of running them gives the same answers.

Drawn by hypothesis: journeys of all sorts of nodes, and what three people do. Compared are the effects (ids, instants),
every recorded step and the packed states. The yardstick is the simulation in memory, or the live engine with big batches.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.stories import Line, heard_twice, journeys, lives
from tests.engine.world import DAY, HOUR, START, Running, World, new_input, person, until

from wend.core.effects import Send
from wend.core.inputs import Identify
from wend.core.pack import pack
from wend.core.plan import Plan, PlanChange
from wend.engine.live import Worker
from wend.engine.publish import publish_journey
from wend.engine.replay import Simulation
from wend.engine.replaying import Replay
from wend.store.codec import decode_state
from wend.store.migrate import migrate
from wend.store.postgres import make_pool

Answers = dict[str, Any]
PARTITIONS = 3
TABLES = (
    "profile, log, seen, outbox, relay, relayed, parked, step, tally, place, plan_change, journey, consent_log, alias"
)
FEW = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@asynccontextmanager
async def empty_world(url: str) -> AsyncGenerator[World]:
    """A workspace in which nothing has happened; made once per database, emptied for every run."""
    async with make_pool(url, smallest=1, largest=8) as pool:
        world = World(pool, PARTITIONS, url)
        async with pool.connection() as conn:
            await conn.execute(f"truncate {TABLES}".encode())
            await conn.execute("update head set seq = 0, at = 0")
            await conn.execute(
                "update cursor set seq = 0, at = 0, outbox_seq = 0, plan = 0, owner = null, lease = 0, tries = 0"
            )
            await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")
        yield world


@pytest.fixture
def url(database_url: str) -> str:
    asyncio.run(migrate(database_url, partitions=PARTITIONS))
    return database_url


async def answers(world: World) -> Answers:
    """Everything that is compared."""
    steps = await world.rows(
        "select profile_id, kind, at, journey, version, run, move, node, branch, why, until, detail from step"
        " order by profile_id, at, ordinal"
    )
    people = await world.rows("select id, state, attributes from profile")
    return {
        "sends": {row[0]: row[1:] for row in await world.rows("select effect_id, template, at, address from outbox")},
        "steps": [(*row[:-1], None if row[-1] is None else json.loads(row[-1])) for row in steps],
        "states": {
            id: (pack(profile), profile.attributes)
            for id, state, attributes in people
            for profile in [decode_state(id, state, attributes)]
        },
        "parked": await world.rows("select profile_id, kind from parked"),
    }


async def nobody_waits_for_the_past(world: World, now: int) -> bool:
    """Whether everything is applied and nobody's next wake lies at or before `now`."""
    due = await world.rows("select 1 from profile where wakes_at <= %s", now)
    behind = await world.rows("select 1 from cursor c join head h using (partition) where c.seq < h.seq")
    carried = await world.rows("select 1 from relay")
    return not due and not behind and not carried


def simulated(documents: list[dict[str, Any]], lines: list[Line], end: int) -> Answers:
    """The yardstick: the same core in memory with a virtual clock."""
    plan = Plan.empty()
    for number, document in enumerate(documents, 1):
        plan = plan.apply(PlanChange(number, START, "publish", document["id"], 1, document))
    simulation = Simulation(plan, now=START)
    for at, id, input in lines:
        simulation.feed(id, input, at)
    simulation.advance(end)
    return {
        "sends": {e.id: (e.template, e.created_at, e.to) for _, e in simulation.effects if isinstance(e, Send)},
        "steps": sorted(((id, *step) for id, step in simulation.steps), key=lambda step: (step[0], step[2])),
        "states": {id: (pack(profile), profile.attributes) for id, profile in simulation.profiles.items()},
        "parked": [],
    }


def same(found: Answers, wanted: Answers) -> None:
    for name, value in wanted.items():
        assert found[name] == value, name


async def replayed(url: str, documents: list[dict[str, Any]], lines: list[Line], end: int, batch: int) -> Answers:
    async with empty_world(url) as world:
        async with Replay(world.pool, batch=batch) as replay:
            await replay.advance(START)
            async with world.pool.connection() as conn:
                for document in documents:
                    await publish_journey(conn, document)
            await replay.append([(at, new_input(id, input)) for at, id, input in lines])
            await replay.advance(end)
            assert await nobody_waits_for_the_past(world, end)
        return await answers(world)


@FEW
@given(
    documents=st.tuples(journeys("first", emits=False), journeys("second", emits=False)),
    lines=lives(guesses=False),
    batch=st.sampled_from([1, 3, 2000]),
    later=st.none() | st.sampled_from([0, 1, 7]),
)
def test_the_live_engine_gives_the_answers_of_the_simulation_also_when_it_hears_everything_twice(
    url: str, documents: tuple[dict[str, Any], ...], lines: list[Line], batch: int, later: int | None
) -> None:
    end = lines[-1][0] + 3 * DAY
    told = lines if later is None else heard_twice(lines, later)
    same(asyncio.run(replayed(url, list(documents), told, end, batch)), simulated(list(documents), lines, end))


def test_a_message_of_a_run_that_its_own_change_restarts_at_that_instant_never_leaves(url: str) -> None:
    """Found by the test above: the live engine withdrew it, the simulation heard of its delivery."""
    document: dict[str, Any] = {
        "id": "renewed",
        "name": "Renewed",
        "entry": {"on": {"attribute_changed": "plan"}, "reentry": "restart"},
        "nodes": {
            "pause": {"wait": "1h", "next": "change"},
            "change": {"set_attribute": {"attribute": "plan", "value": "pro"}, "next": "mail"},
            "mail": {"send": {"channel": "email", "template": "one"}, "next": "done", "failed": "done"},
            "done": {"end": {}},
        },
        "start": "pause",
    }
    lines: list[Line] = [(START + 1, 1, input) for input in person(1, START + 1)]
    lines.append((START + HOUR, 1, Identify({"plan": "free"}, START + HOUR, message_id="m")))
    end = START + DAY
    wanted = simulated([document], lines, end)
    assert [(step[1], step[5]) for step in wanted["steps"] if step[1] in ("sent", "outcome")] == [
        ("sent", "1-1"),
        ("sent", "1-2"),
        ("outcome", "1-2"),
    ]
    same(asyncio.run(replayed(url, [document], lines, end, 2000)), wanted)


async def from_a_backlog(
    url: str, documents: list[dict[str, Any]], lines: list[Line], end: int, work: Callable[[World], Awaitable[object]]
) -> Answers:
    """All inputs lie in the log before anybody begins to work on them, an hour after the last."""
    async with empty_world(url) as world:
        world.clock.now = START
        for document in documents:
            await world.publish(document)
        for at, group in itertools.groupby(lines, key=lambda line: line[0]):
            await world.append(*((id, input) for _, id, input in group), at=at)
        world.clock.now = end
        await work(world)
        assert await nobody_waits_for_the_past(world, end)
        return await answers(world)


def batches_of(size: int) -> Callable[[World], Awaitable[object]]:
    return lambda world: world.run(batch=size)


@FEW
@given(
    documents=st.tuples(journeys("first", emits=True), journeys("second", emits=True)),
    lines=lives(guesses=True),
    batch=st.sampled_from([1, 3]),
    later=st.none() | st.sampled_from([0, 1, 7]),
)
def test_the_size_of_batches_changes_nothing_nor_does_hearing_everything_twice_emitted_events_included(
    url: str, documents: tuple[dict[str, Any], ...], lines: list[Line], batch: int, later: int | None
) -> None:
    end = lines[-1][0] + HOUR
    told = lines if later is None else heard_twice(lines, later)
    wanted = asyncio.run(from_a_backlog(url, list(documents), lines, end, batches_of(2000)))
    same(asyncio.run(from_a_backlog(url, list(documents), told, end, batches_of(batch))), wanted)


def workers_of(count: int, batch: int) -> Callable[[World], Awaitable[object]]:
    async def work(world: World) -> None:
        workers = [Worker(world.pool, world.clock, batch=batch, name=f"w{n}", poll=0.01) for n in range(count)]
        async with Running(*workers):
            await until(lambda: nobody_waits_for_the_past(world, world.clock.now))

    return work


@settings(FEW, max_examples=5)
@given(
    documents=st.tuples(journeys("first", emits=False), journeys("second", emits=False)),
    lines=lives(guesses=True),
    workers=st.sampled_from([1, 2, 3]),
    batch=st.sampled_from([1, 3, 2000]),
)
def test_the_number_of_workers_changes_nothing(
    url: str, documents: tuple[dict[str, Any], ...], lines: list[Line], workers: int, batch: int
) -> None:
    end = lines[-1][0] + HOUR
    wanted = asyncio.run(from_a_backlog(url, list(documents), lines, end, batches_of(2000)))
    same(asyncio.run(from_a_backlog(url, list(documents), lines, end, workers_of(workers, batch))), wanted)
