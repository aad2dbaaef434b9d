"""Score, funnel and classes on the live engine: idle people are lifted over new settings, and live equals simulated."""

from __future__ import annotations

from typing import Any

from tests.engine.world import DAY, HOUR, START, World

from wend.core.inputs import Event
from wend.core.plan import Plan, PlanChange
from wend.core.segment import SCORE
from wend.engine.publish import publish_settings
from wend.engine.replay import Simulation

ENGAGEMENT = {"weights": {"Signed Up": 10}, "decay": {"after": "7d", "every": "1d", "points": 4}, "floor": 0}
FUNNEL = {
    "stages": [
        {"id": "visitor"},
        {"id": "lead", "when": {"known": True}},
        {"id": "hot", "when": {"score": {"gte": 20}}},
    ]
}


async def settle(world: World, settings: dict[str, Any]) -> PlanChange:
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
        await conn.execute("update head set at = greatest(at, %s)", (world.clock.now,))
        change = await publish_settings(conn, settings)
        await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")
        return change


async def test_a_funnel_is_brought_to_idle_people_one_after_the_other_without_a_trigger(world: World) -> None:
    await world.known(*range(1, 41))
    greet = {
        "id": "greet",
        "entry": {"on": {"stage_changed": {"to": "lead"}}},
        "nodes": {"n": {"end": {}}},
        "start": "n",
    }
    await world.publish(greet)
    await world.run()
    world.clock.now += HOUR
    await settle(world, {"funnel": FUNNEL})
    await world.run()
    world.clock.now += 60_000
    await world.run()
    for id in range(1, 41):
        profile = await world.profile(id)
        assert (profile.stage, profile.plan) == ("lead", 2), id
    assert await world.steps(1) == []


async def test_scores_decay_live_as_they_do_in_a_simulation(world: World) -> None:
    await settle(world, {"engagement": ENGAGEMENT, "funnel": FUNNEL})
    await world.known(1, 2)
    for id in (1, 1, 2):
        await world.event(id, "Signed Up")
    await world.run()
    assert (await world.profile(1)).stage == "hot"
    world.clock.now += 8 * DAY + HOUR
    await world.run()
    first = await world.profile(1)
    assert (first.score, first.stage) == (12, "hot"), "two periods; a stage is not left by itself"
    assert first.turns[SCORE] == START + 9 * DAY
    world.clock.now += 300 * DAY
    await world.run()
    assert [(await world.profile(id)).score for id in (1, 2)] == [0, 0]
    assert [row[2] for row in (await world.states()).values()] == [None, None], "at the floor nobody waits for anything"

    simulated = Simulation(Plan.empty(), now=START - 1)
    simulated.change(PlanChange(1, START, "settings", document={"engagement": ENGAGEMENT, "funnel": FUNNEL}))
    for _ in range(2):
        simulated.feed(1, Event("Signed Up", START), at=START)
    simulated.advance(START + 8 * DAY + HOUR)
    assert simulated.profiles[1].score == 12


async def test_new_settings_reach_everybody_in_a_simulation_too() -> None:

    simulated = Simulation(Plan.empty(), now=START)
    simulated.feed(1, Event("Signed Up", START), at=START)
    stages = {"stages": [{"id": "new"}, {"id": "old", "when": {"inactive": "1d"}}]}
    simulated.change(PlanChange(1, START + 2 * DAY, "settings", document={"funnel": stages}))
    assert simulated.profiles[1].stage == "old"
