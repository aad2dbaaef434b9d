"""engine.md 13: whatever two people did before they turned out to be one, the live engine answers as the simulation does.

Drawn by hypothesis: journeys (one starts when somebody enters a segment), lives of three people, and who of them is whom, when.
After a merge everything of the absorbed person is told to the survivor, as intake does.
"""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.stories import Line, journeys, lives
from tests.engine.test_same_answers import FEW, Answers, answers, empty_world, nobody_waits_for_the_past, same
from tests.engine.test_same_answers import url as url
from tests.engine.world import DAY, START, new_input

from wend.core.effects import Send
from wend.core.inputs import Feedback, MergeAwait, MergeOut
from wend.core.pack import pack
from wend.core.plan import Plan, PlanChange
from wend.engine.publish import publish_journey
from wend.engine.replay import Simulation
from wend.engine.replaying import Replay
from wend.engine.segments import publish_segment, segment_live

SEGMENT: dict[str, Any] = {
    "id": "keen",
    "name": "Keen",
    "condition": {"event": "Ordered", "count": {"gte": 2}, "within": "2d"},
}
ENTERED: dict[str, Any] = {
    "id": "third",
    "name": "Third",
    "entry": {"on": {"segment_entered": "keen"}, "reentry": "always"},
    "exit_when": {"not": {"segment": "keen"}},
    "nodes": {
        "mail": {"send": {"channel": "email", "template": "keen"}, "next": "pause", "failed": "pause"},
        "pause": {"wait": "3d", "next": "tag"},
        "tag": {"add_tag": {"tag": "x"}, "next": "done"},
        "done": {"end": {}},
    },
    "start": "mail",
}


def merged(lines: list[Line], place: int, absorbed: int, survivor: int) -> list[Line]:
    """The same lines with a merge before the line at `place`; who is absorbed is told of as the survivor from then on."""
    at = lines[place][0]
    made: list[Line] = [(at, survivor, MergeAwait(absorbed, at)), (at, absorbed, MergeOut(survivor, at))]
    after = [(at, survivor if id == absorbed else id, input) for at, id, input in lines[place:]]
    return [*lines[:place], *made, *after]


def simulated(documents: list[dict[str, Any]], lines: list[Line], end: int) -> Answers:
    plan = Plan.empty()
    changes = [("segment", "keen", SEGMENT), ("segment_live", "keen", None)]
    changes += [("publish", document["id"], document) for document in documents]
    for number, (kind, id, document) in enumerate(changes, 1):
        plan = plan.apply(PlanChange(number, START, kind, id, 1, document))  # pyright: ignore[reportArgumentType]
    simulation = Simulation(plan, now=START)
    for at, id, input in lines:
        simulation.feed(id, input, at)
    simulation.advance(end)
    assert any(profile.survivor for profile in simulation.profiles.values())
    return {
        "sends": {e.id: (e.template, e.created_at, e.to) for _, e in simulation.effects if isinstance(e, Send)},
        "steps": sorted(((id, *step) for id, step in simulation.steps), key=lambda step: (step[0], step[2])),
        "states": {id: (pack(profile), profile.attributes) for id, profile in simulation.profiles.items()},
        "parked": [],
    }


async def replayed(url: str, documents: list[dict[str, Any]], lines: list[Line], end: int, batch: int) -> Answers:
    async with empty_world(url) as world:
        async with world.pool.connection() as conn:
            await conn.execute("truncate segment, membership, backfill")
        async with Replay(world.pool, batch=batch) as replay:
            await replay.advance(START)
            async with world.pool.connection() as conn:
                await publish_segment(conn, SEGMENT)
                await segment_live(conn, "keen", 1)
                for document in documents:
                    await publish_journey(conn, document)
            await replay.append([(at, new_input(id, input)) for at, id, input in lines])
            await replay.advance(end)
            assert await nobody_waits_for_the_past(world, end)
        found = await answers(world)
        members = await world.rows("select profile_id from membership where segment = 'keen' order by 1")
        assert [row[0] for row in members] == sorted(
            id for id, (state, _) in found["states"].items() if len(state) > 18 and state[18]
        )
        return found


@FEW
@given(
    documents=st.tuples(journeys("first", emits=False), journeys("second", emits=False)),
    lines=lives(guesses=False),
    merges=st.lists(st.integers(0, 1000), min_size=1, max_size=2),
    batch=st.sampled_from([1, 3, 2000]),
)
def test_engine_13_people_who_turn_out_to_be_one_get_the_same_from_both_engines(
    url: str, documents: tuple[dict[str, Any], ...], lines: list[Line], merges: list[int], batch: int
) -> None:
    lines = [line for line in lines if not isinstance(line[2], Feedback)]
    # 3 → 2, then 2 → 1: also a chain, with the first merge still under way in the live engine.
    for (absorbed, survivor), draw in zip(((3, 2), (2, 1)), sorted(merges), strict=False):
        lines = merged(lines, draw % (len(lines) - 12) + 12, absorbed, survivor)
    end = lines[-1][0] + 4 * DAY
    told = [*documents, ENTERED]
    same(asyncio.run(replayed(url, told, lines, end, batch)), simulated(told, lines, end))
