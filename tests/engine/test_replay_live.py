"""engine.md 3, 4, 11, 22: the live engine and the one in memory do the same, whatever the batches and however many work."""

import asyncio
import itertools
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.world import CART, DAY, HOUR, MINUTE, START, WELCOME, Running, World, new_input, person, until

from wend.core.effects import Send
from wend.core.inputs import Event, Input
from wend.core.pack import pack
from wend.core.plan import Plan, PlanChange
from wend.engine.live import Worker
from wend.engine.publish import publish_journey
from wend.engine.replay import Simulation
from wend.engine.replaying import Replay, ReplayError
from wend.store.clock import now_ms
from wend.store.codec import decode_state
from wend.store.migrate import migrate
from wend.store.mode import mode
from wend.store.postgres import fetch_all, make_pool

NAMES = ("Product Added", "Order Completed", "Came Back", "Signed Up", "Page Viewed")


PACE = (0, 0, 1, MINUTE, HOUR, HOUR, 2 * HOUR, DAY)


def history(seed: int, people: int, inputs: int, pace: tuple[int, ...] = PACE) -> list[tuple[int, int, Input]]:
    """(instant, person, input) in order, some instants and message ids twice, over some weeks."""
    chance = random.Random(seed)
    found: list[tuple[int, int, Input]] = [
        (START + 1, id, input) for id in range(1, people + 1) for input in person(id, START + 1)
    ]
    at = START + HOUR
    for number in range(inputs):
        at += chance.choice(pace)
        message = f"m{chance.randrange(number + 1)}" if chance.random() < 0.1 else f"m{number}"
        id = chance.randrange(1, people + 1)
        found.append((at, id, Event(chance.choice(NAMES), at, {"price": chance.randrange(9)}, message_id=message)))
    return found


def simulated(inputs: list[tuple[int, int, Input]], end: int) -> tuple[dict[str, tuple[Any, ...]], dict[int, Any]]:
    plan = Plan.empty()
    for number, document in enumerate((CART, WELCOME), 1):
        plan = plan.apply(PlanChange(number, START, "publish", document["id"], 1, document))
    simulation = Simulation(plan, now=START)
    for at, id, input in inputs:
        simulation.feed(id, input, at)
    simulation.advance(end)
    sends = {
        effect.id: (effect.template, effect.created_at, effect.to)
        for _, effect in simulation.effects
        if isinstance(effect, Send)
    }
    return sends, {id: (pack(profile), profile.attributes) for id, profile in simulation.profiles.items()}


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1 << 30),
    batch=st.sampled_from([1, 7, 2000]),
    partitions=st.sampled_from([1, 4, 16]),
    at_once=st.sampled_from([1, 30, 1000]),
)
def test_a_replay_sends_what_the_simulation_sends_and_leaves_the_same_states(
    database_url: str, seed: int, batch: int, partitions: int, at_once: int
) -> None:
    asyncio.run(replays_as_simulated(database_url, f"w{next(_names)}", seed, batch, partitions, at_once))


_names = itertools.count()


async def replays_as_simulated(url: str, schema: str, seed: int, batch: int, partitions: int, at_once: int) -> None:
    inputs = history(seed, 6, 60)
    end = inputs[-1][0] + 3 * DAY
    sends, states = simulated(inputs, end)
    await migrate(url, schema=schema, partitions=partitions)
    async with make_pool(url, schema=schema, largest=4) as pool:
        async with Replay(pool, batch=batch) as replay:
            await replay.advance(START)
            for document in (CART, WELCOME):
                async with pool.connection() as conn:
                    assert (await publish_journey(conn, document)).at == START
            rows = [(at, new_input(id, input)) for at, id, input in inputs]
            for place in range(0, len(rows), at_once):
                await replay.append(rows[place : place + at_once])
                if at_once < 1000 and place % 20 == 0:
                    await replay.advance(rows[place : place + at_once][-1][0])
            await replay.advance(end)
            async with pool.connection() as conn:
                assert await mode(conn) == "replay"
                outbox = await fetch_all(conn, "select effect_id, template, at, address from outbox")
                people = await fetch_all(conn, "select id, state, attributes from profile")
                left = await fetch_all(conn, "select 1 from parked")
        assert {row[0]: row[1:] for row in outbox} == sends
        assert left == []
        for id, state, attributes in people:
            profile = decode_state(id, state, attributes)
            assert (pack(profile), profile.attributes) == states[id], id
        assert len(people) == len(states)


async def test_leaving_the_replay_lets_time_pass_to_the_present(world: World) -> None:
    async with Replay(world.pool) as replay:
        await replay.advance(START)
        async with world.pool.connection() as conn:
            await publish_journey(conn, CART)
        await replay.append([(START + 1, new_input(1, input)) for input in person(1, START + 1)])
        await replay.append([(START + 2, new_input(1, Event("Product Added", START + 2)))])
        await replay.finish()
    assert [row[:2] + row[3:] for row in await world.outbox()] == [
        ("1-1.1", "first", "accepted"),
        ("1-1.3", "second", "accepted"),
    ]
    async with world.pool.connection() as conn:
        assert await mode(conn) == "live"
        now = await now_ms(conn)
    assert all(now - row[0] < 60_000 for row in await world.rows("select at from head"))
    assert await world.rows("select distinct owner from cursor") == [(None,)]


async def test_a_replay_that_broke_off_is_taken_up_again(world: World) -> None:
    with pytest.raises(KeyboardInterrupt):
        async with Replay(world.pool) as replay:
            await replay.append([(START + 5, new_input(1, Event("Page Viewed", START + 5)))])
            await replay.advance(START + 6)
            raise KeyboardInterrupt
    async with Replay(world.pool) as replay:
        assert replay.at == START + 6
        await replay.append([(START + 7, new_input(1, Event("Page Viewed", START + 7)))])
        await replay.advance(START + 8)
    assert (await world.profile(1)).facts.last_seen == START + 7


async def test_workers_stand_aside_while_history_is_replayed(world: World) -> None:
    worker = Worker(world.pool, world.clock, name="w", poll=0.01)
    async with Running(worker):
        await until(lambda: len(worker.owned) == 4)
        async with Replay(world.pool) as replay:
            await replay.append([(START + 5, new_input(1, Event("Page Viewed", START + 5)))])
            await replay.advance(START + 6)
            await until(lambda: not worker.owned)
            assert await world.rows("select distinct owner from cursor") == [("replay",)]
            await replay.finish()
        await until(lambda: len(worker.owned) == 4)


async def test_a_replay_refuses_inputs_that_are_older_than_the_log(world: World) -> None:
    async with Replay(world.pool) as replay:
        await replay.append([(START + 5, new_input(1, Event("Page Viewed", START + 5)))])
        with pytest.raises(ReplayError, match="a log cannot go back"):
            await replay.append([(START, new_input(1, Event("Page Viewed", START)))])
        await replay.advance(START + 10)
        assert replay.applied == 1
