"""Segments on the live engine: the same memberships as in memory, whatever is published when; publishing and retiring."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.stories import Line, lives
from tests.engine.test_same_answers import FEW, TABLES, empty_world, url
from tests.engine.world import CART, DAY, HOUR, START, World, new_input

from wend.core.condition.member import key_of
from wend.core.inputs import ListChange
from wend.core.plan import Plan
from wend.core.react import react
from wend.engine.plans import load_plan
from wend.engine.publish import PublishError, publish_journey, publish_settings
from wend.engine.replay import Simulation
from wend.engine.replaying import Replay
from wend.engine.segments import publish_segment, retire_segment
from wend.store.codec import decode_state

__all__ = ["url"]

_EVENT = st.sampled_from(["Looked", "Added", "Ordered", "Left"])
_WITHIN = st.sampled_from(["1h", "2h", "1d", "3d"])
_SIMPLE: st.SearchStrategy[Any] = st.one_of(
    st.builds(lambda name, n, w: {"event": name, "count": {"gte": n}, "within": w}, _EVENT, st.integers(1, 3), _WITHIN),
    st.builds(lambda name, n: {"event": name, "count": {"lt": n}, "within": "1d"}, _EVENT, st.integers(1, 3)),
    st.builds(lambda name, w: {"event": name, "sum": "price", "gt": 8, "within": w}, _EVENT, _WITHIN),
    st.builds(lambda name: {"event": name, "where": {"property": "price", "gt": 4}}, _EVENT),
    st.builds(lambda name: {"event": name, "distinct": "cart", "gte": 2}, _EVENT),
    st.builds(lambda w: {"inactive": w}, _WITHIN),
    st.builds(lambda name: {"event": name, "first": {"before": {"ago": "2h"}}}, _EVENT),
    st.just({"attribute": "plan", "is": "pro"}),
    st.just({"event": "*", "count": {"gte": 4}, "within": "1d"}),
    st.just({"compare": [{"event": "Looked", "within": "1d"}, "gt", {"event": "Added", "within": "3d"}]}),
    st.just({"orders": {"gte": 0}}),
)
CONDITIONS = st.recursive(
    _SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=4,
)
SEGMENT_TABLES = f"{TABLES}, segment, membership, backfill, backfill_row"


def in_memory(lines: list[Line], published: list[tuple[int, dict[str, Any]]], end: int) -> dict[str, set[int]]:
    """Who is in which segment at `end`. `published`: documents with the number of lines before them."""
    simulation = Simulation(Plan.empty(), now=START)
    waiting = list(published)
    for number, (at, id, input) in enumerate(lines):
        while waiting and waiting[0][0] == number:
            simulation.segment(waiting.pop(0)[1])
        simulation.feed(id, input, at)
    for _, document in waiting:
        simulation.segment(document)
    simulation.advance(end)
    names = {document["id"] for _, document in published}
    return {
        name: {id for id, profile in simulation.profiles.items() if key_of(name) in profile.segments} for name in names
    }


async def live(
    url: str, lines: list[Line], published: list[tuple[int, dict[str, Any]]], end: int, batch: int
) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """The same on the live engine: as SQL sees it, and as the states say."""
    async with empty_world(url) as world:
        async with world.pool.connection() as conn:
            await conn.execute(f"truncate {SEGMENT_TABLES}".encode())
        names = {document["id"] for _, document in published}
        async with Replay(world.pool, batch=batch) as replay:
            await replay.advance(START)
            done = 0
            for number, document in [*published, (len(lines), None)]:
                part = lines[done:number]
                done = number
                await replay.append([(at, new_input(id, input)) for at, id, input in part])
                if part:
                    await replay.advance(part[-1][0])
                if document is not None:
                    async with world.pool.connection() as conn:
                        await publish_segment(conn, document)
            await replay.advance(end)
        by_sql: dict[str, set[int]] = {name: set() for name in names}
        for name, id in await world.rows("select segment, profile_id from membership"):
            by_sql.setdefault(name, set()).add(id)
        people = await world.rows("select id, state, attributes from profile")
        async with world.pool.connection() as conn:
            plan = await load_plan(conn)
        # Whoever nothing concerned since a version took force has it under its old name until somebody looks: so look.
        profiles = [react(plan, decode_state(*row), None, end, None).profile for row in people]
        return by_sql, {name: {one.id for one in profiles if key_of(name) in one.segments} for name in names}


@FEW
@given(
    lines=lives(guesses=False),
    first=CONDITIONS,
    second=CONDITIONS,
    places=st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)),
    batch=st.sampled_from([1, 3, 2000]),
    later=st.sampled_from([0, HOUR, DAY]),
)
def test_memberships_equal_those_in_memory_whatever_is_published_in_the_middle_of_history(
    url: str, lines: list[Line], first: Any, second: Any, places: tuple[int, int, int], batch: int, later: int
) -> None:
    one, two, three = sorted(min(place, len(lines)) for place in places)
    nested = {"any": [{"segment": "a"}, {"all": [{"segment": "a"}, second]}]}
    published = [
        (one, {"id": "a", "condition": first}),
        (two, {"id": "b", "condition": nested}),
        (three, {"id": "a", "condition": second}),
    ]
    end = lines[-1][0] + later
    by_sql, by_state = asyncio.run(live(url, lines, published, end, batch))
    wanted = in_memory(lines, published, end)
    assert by_sql == wanted
    assert by_state == wanted


# --- publishing and retiring ---

VIP: dict[str, Any] = {"id": "vip", "condition": {"attribute": "city", "is": "Oslo"}}
FRIENDS: dict[str, Any] = {"id": "friends", "name": "Friends", "list": True}


async def publish(world: World, document: dict[str, Any]) -> Any:
    async with world.pool.connection() as conn:
        return await publish_segment(conn, document)


def asks(condition: dict[str, Any]) -> dict[str, Any]:
    """The cart journey, with a condition at its entry."""
    return {**CART, "entry": {**CART["entry"], "where": condition}}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"id": "x"}, "either a condition or"),
        ({"id": "x", "condition": {"event": 3}}, "condition.event: expected the name"),
        ({"id": "x", "condition": {"segment": "frends"}}, "there is no segment 'frends'; did you mean 'friends'"),
        ({"id": "x", "condition": {"segment": "x"}}, "circle: x → x"),
        ({"id": "friends", "condition": {"tag": "x"}}, "'friends' is a list so far"),
        ({"id": "vip", "list": True}, "'vip' is a condition so far"),
    ],
)
async def test_what_makes_no_segment_is_refused_and_changes_nothing(
    world: World, document: dict[str, Any], why: str
) -> None:
    await publish(world, FRIENDS)
    await publish(world, VIP)
    with pytest.raises(PublishError, match=why):
        await publish(world, document)
    assert await world.rows("select max(number) from plan_change") == [(2,)]
    assert await world.rows("select id from segment order by id") == [("friends",), ("vip",)]


async def test_lists_are_in_force_at_once_and_conditions_when_they_are_back_filled(world: World) -> None:
    await publish(world, FRIENDS)
    await publish(world, VIP)
    rows = await world.rows("select id, name, kind, status, version, live_version from segment order by id")
    assert rows == [("friends", "Friends", "list", "live", 1, 1), ("vip", "vip", "live", "warming", 1, 0)]
    assert await world.rows("select count(*) from backfill where segment = 'vip'") == [(world.partitions,)]


async def test_a_journey_that_uses_a_segment_which_is_not_in_force_is_refused_with_node_and_field(world: World) -> None:
    await publish(world, VIP)
    bad = asks({"any": [{"segment": "vip"}, {"segment": "vipp"}]})
    bad["nodes"] = {**CART["nodes"], "tag": {"list_add": {"list": "vip"}, "next": "done"}}
    with pytest.raises(PublishError) as refused:
        await world.publish(bad)
    told = str(refused.value)
    assert "entry.where: there is no segment 'vipp'; did you mean 'vip'?" in told
    assert "entry.where: segment 'vip' is still being back-filled" in told
    assert "nodes.tag.list_add.list: 'vip' is no list" in told


async def test_what_is_used_cannot_be_retired_and_says_by_whom(world: World) -> None:
    await publish(world, FRIENDS)
    await publish(world, {"id": "above", "condition": {"segment": "friends"}})
    async with world.pool.connection() as conn:
        await publish_journey(conn, asks({"segment": "friends"}))
    async with world.pool.connection() as conn:
        with pytest.raises(PublishError, match=r"journey 'cart' \(version 1, entry.where\), segment 'above'"):
            await retire_segment(conn, "friends")
        with pytest.raises(PublishError, match="there is no segment 'foes'"):
            await retire_segment(conn, "foes")
    async with world.pool.connection() as conn:
        await retire_segment(conn, "above")
    assert await world.rows("select id from segment") == [("friends",)]
    assert await world.rows("select count(*) from backfill") == [(0,)]


async def test_what_a_stage_of_the_funnel_reads_cannot_be_retired(world: World) -> None:
    await publish(world, FRIENDS)
    async with world.pool.connection() as conn:
        await publish_settings(conn, {"funnel": {"stages": [{"id": "ally", "when": {"segment": "friends"}}]}})
    async with world.pool.connection() as conn:
        with pytest.raises(PublishError, match="stage 'ally' of the funnel"):
            await retire_segment(conn, "friends")


async def test_a_list_that_is_retired_is_empty_and_versions_go_on(world: World) -> None:
    await publish(world, FRIENDS)
    await world.known(1, 2)
    await world.append((1, ListChange("friends", 0)), (2, ListChange("friends", 0)))
    await world.append((2, ListChange("friends", 0, add=False)))
    world.clock.now = (await world.rows("select max(at) from head"))[0][0]
    await world.run()
    assert await world.rows("select segment, profile_id from membership") == [("friends", 1)]
    async with world.pool.connection() as conn:
        await retire_segment(conn, "friends")
    world.clock.now = (await world.rows("select max(at) from head"))[0][0]
    await world.run()
    assert await world.rows("select 1 from membership") == []
    assert (await publish(world, FRIENDS)).version == 2
    world.clock.now = (await world.rows("select max(at) from head"))[0][0]
    await world.run()
    await world.event(1, "Looked")
    await world.run()
    assert not (await world.profile(1)).segments
