"""Publishing over people in flight on the real engine (journeys.md rule 8, engine.md 17): the answers of memory, refusals, impact."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.stories import Line, journeys, lives
from tests.engine.test_same_answers import FEW, Answers, answers, empty_world, nobody_waits_for_the_past, same, url
from tests.engine.world import DAY, HOUR, START, World

from wend.core.effects import Send
from wend.core.pack import pack
from wend.core.plan import Plan, PlanChange, Policy
from wend.engine.moving import AtNode, impact
from wend.engine.publish import MoveRefused, publish_journey
from wend.engine.replay import Simulation
from wend.engine.replaying import Replay
from wend.store.codec import encode_input
from wend.store.log import NewInput

__all__ = ["url"]

Publication = tuple[int, dict[str, Any], Policy]
"""(behind which input, document, policy)."""


def mapping_of(older: list[dict[str, Any]], new: dict[str, Any]) -> dict[str, str] | None:
    """Whatever is gone leads to the end."""
    gone = {node for document in older for node in document["nodes"] if node not in new["nodes"]}
    return dict.fromkeys(sorted(gone), "done") or None


async def replayed(
    url: str, first: dict[str, Any], lines: list[Line], publications: list[Publication], end: int, batch: int
) -> tuple[Answers, list[PlanChange]]:
    """The life of everybody on the real engine; also what was published (another key: people can only be kept)."""
    changes: list[PlanChange] = []
    async with empty_world(url) as world:
        async with Replay(world.pool, batch=batch) as replay:
            await replay.advance(START)

            async def publish(document: dict[str, Any], policy: Policy) -> None:
                mapping = mapping_of([one.document for one in changes if one.document], document)
                async with world.pool.connection() as conn:
                    if policy != "move":
                        mapping = None
                    try:
                        changes.append(await publish_journey(conn, document, policy=policy, mapping=mapping))
                    except MoveRefused as refused:
                        assert {one.where for one in refused.problems} == {"entry.key"}
                        changes.append(await publish_journey(conn, document, policy="exit"))

            await publish(first, "keep")
            for place, (at, id, input) in enumerate(lines):
                await replay.append([(at, NewInput(id, input.KIND, encode_input(input)))])
                for behind, document, policy in publications:
                    if behind == place:
                        await replay.advance(at)
                        await publish(document, policy)
            await replay.advance(end)
            assert await nobody_waits_for_the_past(world, end)
        return await answers(world), changes


def simulated(changes: list[PlanChange], lines: list[Line], end: int) -> Answers:
    simulation = Simulation(Plan.empty().apply(changes[0]), now=START)
    todo = changes[1:]
    for place, (at, id, input) in enumerate(lines):
        simulation.feed(id, input, at)
        while todo and todo[0].at == at and (place + 1 == len(lines) or lines[place + 1][0] > at):
            simulation.change(todo.pop(0))
    simulation.advance(end)
    return {
        "sends": {e.id: (e.template, e.created_at, e.to) for _, e in simulation.effects if isinstance(e, Send)},
        "steps": sorted(((id, *step) for id, step in simulation.steps), key=lambda step: (step[0], step[2])),
        "states": {id: (pack(profile), profile.attributes) for id, profile in simulation.profiles.items()},
        "parked": [],
    }


POLICIES: st.SearchStrategy[Policy] = st.sampled_from(["move", "move", "keep", "exit"])


@FEW
@given(
    first=journeys("first", emits=False),
    lines=lives(guesses=False),
    versions=st.lists(
        st.tuples(st.floats(0, 1), journeys("first", emits=False), POLICIES),
        min_size=1,
        max_size=4,
    ),
    batch=st.sampled_from([1, 3, 2000]),
)
def test_rule_08_publications_in_the_middle_give_the_answers_of_the_simulation(
    url: str, first: dict[str, Any], lines: list[Line], versions: list[tuple[float, dict[str, Any], Policy]], batch: int
) -> None:
    end = lines[-1][0] + 3 * DAY
    lasts = [place for place, line in enumerate(lines) if place + 1 == len(lines) or lines[place + 1][0] > line[0]]
    publications: list[Publication] = sorted(
        ((lasts[int(where * (len(lasts) - 1))], document, policy) for where, document, policy in versions),
        key=lambda one: one[0],
    )
    found, changes = asyncio.run(replayed(url, first, lines, publications, end, batch))
    same(found, simulated(changes, lines, end))


WAITS: dict[str, Any] = {
    "id": "cart",
    "name": "Cart",
    "entry": {"on": {"event": "Product Added"}},
    "nodes": {
        "pause": {"wait": "2h", "next": "mail"},
        "mail": {"send": {"channel": "email", "template": "cart"}, "next": "done"},
        "done": {"end": {}},
    },
    "start": "pause",
}
LONGER = {**WAITS, "nodes": {**WAITS["nodes"], "pause": {"wait": "5h", "next": "mail"}}}
SHORTER = {**WAITS, "nodes": {**WAITS["nodes"], "pause": {"wait": "30m", "next": "mail"}}}
RENAMED = {
    **WAITS,
    "nodes": {"rest": {"wait": "5h", "next": "mail"}, "mail": WAITS["nodes"]["mail"], "done": {"end": {}}},
    "start": "rest",
}


async def over(world: World, document: dict[str, Any], **more: Any) -> PlanChange:
    """Publish at the hand clock's time."""
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
        await conn.execute("update head set at = greatest(at, %s)", (world.clock.now,))
        change = await publish_journey(conn, document, **more)
        await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")
        return change


async def some_inside(world: World, count: int = 3) -> None:
    await world.publish(WAITS)
    await world.known(*range(1, count + 1))
    for id in range(1, count + 1):
        await world.event(id, "Product Added")
    await world.run()


async def test_rule_08_idle_people_are_moved_too_and_the_counts_move_with_them(world: World) -> None:
    await some_inside(world)
    world.clock.now += HOUR
    await over(world, LONGER, policy="move")
    await world.run(batch=1)
    entered = START
    assert await world.rows("select distinct version, node, entered, until from place") == [
        (2, "pause", entered, entered + 5 * HOUR)
    ]
    counted = await world.rows(
        "select version, what, sum(n)::int from tally where node = 'pause' and what like 'waiting%%' group by 1, 2 order by 1, 2"
    )
    assert counted == [(1, "waiting-in", 3), (1, "waiting-out", 3), (2, "waiting-in", 3)]
    world.clock.now += 4 * HOUR
    await world.run()
    assert [row[2] for row in await world.outbox()] == [START + 5 * HOUR] * 3


async def test_rule_08_waits_that_are_over_go_on_and_exit_empties_the_journey(world: World) -> None:
    await some_inside(world)
    world.clock.now += HOUR
    await over(world, SHORTER, policy="move")
    await world.run()
    assert [(row[0], row[2]) for row in await world.outbox()] == [(f"{id}-1.1", world.clock.now) for id in (1, 2, 3)]
    await over(world, LONGER, policy="exit")
    await world.run()
    assert await world.rows("select 1 from place") == []
    assert {row[3] for row in await world.outbox()} == {"withdrawn"}


async def test_rule_08_publishing_is_refused_while_somebody_would_be_left_without_a_place(world: World) -> None:
    await some_inside(world)
    async with world.pool.connection() as conn:
        with pytest.raises(MoveRefused) as refused:
            await publish_journey(conn, RENAMED, policy="move")
        await conn.rollback()
        assert [str(one) for one in refused.value.problems] == [
            "mapping.pause: 3 wait at 'pause' of version 1, which the new version does not have: map it to one of its nodes"
        ]
        with pytest.raises(MoveRefused) as refused:
            await publish_journey(conn, RENAMED, policy="move", mapping={"pause": "rets", "puase": "rest"})
        await conn.rollback()
        assert [str(one) for one in refused.value.problems] == [
            "mapping.pause: the new version has no node 'rets'; did you mean 'rest'?",
            "mapping.puase: no older version has a node 'puase'; did you mean 'pause'?",
        ]
        with pytest.raises(MoveRefused, match="only people who are moved can be mapped, the policy is keep"):
            await publish_journey(conn, RENAMED, mapping={"pause": "rest"})
        await conn.rollback()
        keyed = {**WAITS, "entry": {**WAITS["entry"], "key": "cart_id"}}
        with pytest.raises(MoveRefused, match=r"entry\.key: 3 wait at 'pause' of version 1, told apart without a key"):
            await publish_journey(conn, keyed, policy="move")
        await conn.rollback()
    assert await world.rows("select max(version) from plan_change") == [(1,)]
    await over(world, RENAMED, policy="move", mapping={"pause": "rest"})
    await world.run()
    assert await world.rows("select distinct version, node from place") == [(2, "rest")]


async def test_rule_08_who_arrives_at_a_node_that_is_gone_while_it_is_published_stays_on_the_old_version(
    world: World,
) -> None:
    await world.publish(WAITS)
    await world.known(1)
    await world.event(1, "Product Added")  # not applied yet: nobody is seen at the node
    await over(world, RENAMED, policy="move")
    await world.run()
    assert ("lifted", "pause", "stays") in await world.steps(1)
    world.clock.now += 2 * HOUR
    await world.run()
    assert [row[1] for row in await world.outbox()] == ["cart"]


def ways(*branches: str, join: str = "meet") -> dict[str, Any]:
    nodes: dict[str, Any] = {"p": {"parallel": list(branches), **{name: f"w_{name}" for name in branches}}}
    nodes |= {f"w_{name}": {"wait": "9h", "next": join} for name in branches}
    return {**WAITS, "nodes": {**nodes, join: {"join": {}, "next": "done"}, "done": {"end": {}}}, "start": "p"}


async def test_rule_08_branches_move_end_or_stand_in_the_way(world: World) -> None:
    await world.publish(ways("a", "b"))
    await world.known(1)
    await world.event(1, "Product Added")
    await world.run()
    async with world.pool.connection() as conn:
        found, problems = await impact(conn, ways("a", "c"), "move")
        assert [(one.node, one.fate, one.at_once) for one in found] == [
            ("p", "same", 0),
            ("w_a", "same", 1),
            ("w_b", "ends", 1),
        ]
        assert problems == []
        with pytest.raises(MoveRefused, match="no join for its branches: map the join"):
            await publish_journey(conn, ways("a", "b", join="round"), policy="move")
        await conn.rollback()
    await over(world, ways("a", "c", join="round"), policy="move", mapping={"meet": "round"})
    await world.run()
    assert await world.rows("select node, version from place order by 1") == [("p", 2), ("w_a", 2)]


async def test_rule_08_the_impact_is_known_before_publishing(world: World) -> None:
    await some_inside(world, 2)
    world.clock.now += HOUR
    await over(world, {**LONGER, "name": "Second"})
    await world.event(3, "Product Added")
    await world.run()
    async with world.pool.connection() as conn:
        # The test's people live in the past: by the database's clock all their waits are over.
        found, problems = await impact(conn, WAITS, "move")
        assert found == [AtNode("pause", 1, 2, "same", "pause", 2), AtNode("pause", 2, 1, "same", "pause", 1)]
        assert problems == []
        endless = {**WAITS, "nodes": {**WAITS["nodes"], "pause": {"wait": "9000d", "next": "mail"}}}
        assert [one.at_once for one in (await impact(conn, endless, "move"))[0]] == [0, 0]
        found, problems = await impact(conn, RENAMED, "move")
        assert [(one.fate, one.to) for one in found] == [("removed", None)] * 2 and len(problems) == 2
        found, problems = await impact(conn, RENAMED, "move", {"pause": "mail"})
        assert [(one.fate, one.to, one.at_once) for one in found] == [("mapped", "mail", 2), ("mapped", "mail", 1)]
        assert [one.fate for one in (await impact(conn, RENAMED, "move", {"pause": "done"}))[0]] == ["leaves"] * 2
        assert [one.fate for one in (await impact(conn, RENAMED, "keep"))[0]] == ["stays"] * 2
        assert [one.fate for one in (await impact(conn, RENAMED, "exit"))[0]] == ["leaves"] * 2
        assert await impact(conn, {**WAITS, "id": "new"}, "move") == ([], [])
        dated = {**WAITS, "nodes": {**WAITS["nodes"], "pause": {"wait_for_date": "2090-01-01", "next": "mail"}}}
        assert [one.at_once for one in (await impact(conn, dated, "move"))[0]] == [None, None]
