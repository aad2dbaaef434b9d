"""engine.md 3, 4, 11, 22: the live engine and the one in memory do the same, whatever the batches and however many work."""

import random
from typing import Any

import pytest
from tests.engine.world import CART, DAY, HOUR, MINUTE, START, WELCOME, World, new_input, person

from wend.core.effects import Send
from wend.core.inputs import Event, Input
from wend.core.pack import pack
from wend.core.plan import Plan, PlanChange
from wend.engine.publish import publish_journey
from wend.engine.replay import Simulation
from wend.engine.replaying import Replay, ReplayError
from wend.store.codec import decode_state
from wend.store.migrate import migrate
from wend.store.mode import mode
from wend.store.postgres import make_pool

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


@pytest.mark.parametrize(("seed", "batch", "partitions"), [(1, 1, 3), (2, 7, 4), (3, 2000, 1), (4, 2000, 16)])
async def test_a_replay_sends_what_the_simulation_sends_and_leaves_the_same_states(
    database_url: str, seed: int, batch: int, partitions: int
) -> None:
    inputs = history(seed, 8, 100)
    end = inputs[-1][0] + 3 * DAY
    sends, states = simulated(inputs, end)
    assert len(sends) > 12
    await migrate(database_url, partitions=partitions)
    async with make_pool(database_url) as pool:
        async with Replay(pool, batch=batch) as replay:
            await replay.advance(START)
            for document in (CART, WELCOME):
                async with pool.connection() as conn:
                    change = await publish_journey(conn, document)
                    assert change.at == START
            rows = [(at, new_input(id, input)) for at, id, input in inputs]
            for place in range(0, len(rows), 40):
                await replay.append(rows[place : place + 40])
            await replay.advance(end)
            async with pool.connection() as conn:
                assert await mode(conn) == "replay"
                outbox = await (await conn.execute("select effect_id, template, at, address from outbox")).fetchall()
                people = await (await conn.execute("select id, state, attributes from profile", binary=True)).fetchall()
                left = await (await conn.execute("select count(*) from parked")).fetchone()
        assert {row[0]: row[1:] for row in outbox} == sends
        assert left == (0,)
        for id, state, attributes in people:
            profile = decode_state(id, state, attributes)
            assert (pack(profile), profile.attributes) == states[id], id
        assert len(people) == len(states)


async def test_a_replay_refuses_inputs_that_are_older_than_the_log(world: World) -> None:
    async with Replay(world.pool) as replay:
        await replay.append([(START + 5, new_input(1, Event("Page Viewed", START + 5)))])
        with pytest.raises(ReplayError, match="a log cannot go back"):
            await replay.append([(START, new_input(1, Event("Page Viewed", START)))])
        await replay.advance(START + 10)
        assert replay.applied == 1
