"""Broadcasts: everybody meant is told once, whatever crashes; live inputs are not starved; nobody is made by one."""

import asyncio
from typing import Any

import pytest
from tests.engine.world import HOUR, Running, World, until

from wend.core.inputs import Chunk, Erase, Event, Identify, Input, MergeAwait, MergeOut, Start
from wend.core.plan import Plan, PlanChange
from wend.engine.broadcast import CHUNK, Audience, Broadcasts, begin, step
from wend.engine.expand import PEOPLE, fitting
from wend.engine.live import Worker
from wend.engine.plans import PlanBook
from wend.engine.replay import Simulation
from wend.store.arrays import int8_array
from wend.store.clock import DatabaseClock
from wend.store.codec import encode_input
from wend.store.log import NewInput
from wend.store.postgres import make_pool

NODES = {"n": {"set_attribute": {"attribute": "got", "value": {"entry": "about"}}, "next": "over"}, "over": {"end": {}}}
API: dict[str, Any] = {"id": "j", "name": "J", "entry": {"on": "api"}, "nodes": NODES, "start": "n"}


def priced(linked: Any) -> dict[str, Any]:
    on = {"business_event": "Price Dropped"} | ({"linked": linked} if linked else {})
    return {**API, "entry": {"on": on}}


async def people(world: World, count: int, *, each: int = 1) -> None:
    """So many people; `each` 4: all of them in partition 0."""
    await world.append(*((id * each, Identify({}, world.clock.now)) for id in range(1, count + 1)))
    await world.run()


async def put(world: World, audience: Audience, input: Input) -> int:
    async with world.pool.connection() as conn:
        return await begin(conn, audience, input, "test", now=world.clock.now)


async def tell(world: World, audience: Audience, input: Input) -> int:
    number = await put(world, audience, input)
    await finish(world)
    return number


async def finish(world: World) -> None:
    broadcasts = Broadcasts(world.pool, world.clock)
    while await world.rows("select from broadcast where ended_at is null"):
        await broadcasts.look()
        await world.run()
    await world.run()


async def started(world: World) -> list[int]:
    return [row[0] for row in await world.rows("select profile_id from step where kind = 'started' order by 1")]


async def test_everybody_is_told_once_in_chunks(world: World) -> None:
    await world.publish(API)
    await people(world, 2_600)
    number = await tell(world, Audience(), Start("j", world.clock.now))
    assert await started(world) == list(range(1, 2_601))
    chunks = await world.rows("select partition, payload from log where kind = 'chunk' order by partition, seq")
    assert len(chunks) == 4 * 2, "650 people in each partition"
    assert [row[0:2] for row in await world.rows("select sum(told), bool_and(done) from broadcast_part")] == [
        (2_600, True)
    ]
    assert number and await world.rows("select count(*) from broadcast where ended_at is null") == [(0,)]


async def test_a_list_of_ids_reaches_those_and_makes_nobody(world: World) -> None:
    await world.publish(API)
    await people(world, 9)
    await tell(world, Audience(ids=[3, 5, 5, 777]), Start("j", world.clock.now))
    assert await started(world) == [3, 5]
    assert await world.rows("select count(*) from profile") == [(9,)]


async def test_a_list_of_nobody_is_done_at_once(world: World) -> None:
    await put(world, Audience(ids=[]), Start("j", 0))
    assert await world.rows("select count(*) from broadcast where ended_at is null") == [(0,)]


async def test_whoever_is_merged_away_or_erased_is_left_out(world: World) -> None:
    await world.publish(API)
    await people(world, 6)
    await world.append(
        (1, MergeAwait(2, world.clock.now)), (2, MergeOut(1, world.clock.now)), (3, Erase(world.clock.now))
    )
    await world.run()
    await tell(world, Audience(), Start("j", world.clock.now))
    assert await started(world) == [1, 4, 5, 6]


async def test_members_of_a_segment_are_told(world: World) -> None:
    await world.publish(API)
    await people(world, 8)
    async with world.pool.connection() as conn:
        await conn.execute(
            "insert into membership select id %% 4, 'vip', id, 0 from unnest(%b::bigint[]) t(id)", (int8_array([2, 7]),)
        )
    await tell(world, Audience(segment="vip"), Start("j", world.clock.now))
    assert await started(world) == [2, 7]


WISHES = {"attribute": "wishlist", "contains": "$about"}
VIEWED = {"event": "Product Viewed", "where": {"property": "product_id", "is": "$about"}, "within": "30d"}


@pytest.mark.parametrize("by_trigger", [True, False])
async def test_a_business_event_reaches_whoever_is_linked(world: World, by_trigger: bool) -> None:
    linked = {"any": [WISHES, VIEWED]}
    await world.publish(priced(linked if by_trigger else None))
    await people(world, 10)
    await world.append((2, Identify({"wishlist": ["p1"]}, world.clock.now)))
    if by_trigger:
        await world.event(4, "Product Viewed", product_id="p1")
        await world.event(5, "Product Viewed", product_id="p2")
    await world.run()
    told = WISHES if not by_trigger else linked
    event = Event("Price Dropped", world.clock.now, {"price": 5}, about="p1")
    await tell(world, Audience(linked=(told,)), event)
    assert await started(world) == ([2, 4] if by_trigger else [2])
    assert (await world.profile(2)).attributes["got"] == "p1"
    assert await world.rows("select sum(told) from broadcast_part") == [(len(await started(world)),)]


async def test_a_crash_in_the_middle_loses_nobody_and_repeats_nobody(world: World) -> None:
    """Rule 5."""
    await world.publish(API)
    await people(world, 2_600)
    await put(world, Audience(), Start("j", world.clock.now))
    async with make_pool(world.url, smallest=1, largest=1) as pool:
        conn = await pool.getconn()
        assert await step(conn, world.appender, PlanBook(), world.clock.now)
        conn.commit = conn.close  # type: ignore[method-assign]
        assert await step(conn, world.appender, PlanBook(), world.clock.now), "it dies where it would commit"
        await pool.putconn(conn)
    assert await world.rows("select count(*) from broadcast_part where done") == [(1,)]
    await finish(world)
    assert await started(world) == list(range(1, 2_601))


async def test_workers_and_two_walkers_side_by_side_tell_everybody_once(world: World) -> None:
    await world.publish(API)
    await people(world, 3_000)
    world.clock.now += HOUR
    clock = DatabaseClock()
    await clock.refresh(world.pool)
    await put(world, Audience(), Start("j", clock.now_ms()))
    walkers = [Broadcasts(world.pool, clock, poll=0.02) for _ in range(2)]
    tasks = [asyncio.create_task(one.run()) for one in walkers]

    async def done() -> bool:
        return len(await started(world)) >= 3_000

    async with Running(Worker(world.pool, clock, poll=0.02), Worker(world.pool, clock, poll=0.02)):
        await until(done)
    for one in walkers:
        one.stop()
    await asyncio.gather(*tasks)
    assert await started(world) == list(range(1, 3_001))


async def test_people_are_added_only_while_the_backlog_is_short(world: World) -> None:
    await world.publish(API)
    await people(world, 2_600, each=4)
    await put(world, Audience(), Start("j", world.clock.now))
    walker = Broadcasts(world.pool, world.clock)
    while await walker.look():
        pass
    assert await world.rows("select count(*) from log where kind = 'chunk'") == [(4,)], "2,000 people"
    await world.run()
    while await walker.look():
        pass
    assert await world.rows("select count(*) from log where kind = 'chunk'") == [(6,)]


async def test_in_replay_mode_walkers_stand_aside(world: World) -> None:
    await people(world, 3)
    await put(world, Audience(), Start("j", world.clock.now))
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
    assert not await Broadcasts(world.pool, world.clock).look()


def test_a_batch_is_cut_where_it_would_come_to_too_many_people() -> None:
    def row(seq: int, size: int) -> Any:
        kind = "chunk" if size else "event"
        payload = encode_input(Chunk(list(range(size)), "list", {"segment": "x", "at": 0})) if size else b"{}"
        return seq, 0, kind, None, payload, False, 0

    each = PEOPLE // CHUNK
    assert fitting([row(at, CHUNK) for at in range(each + 1)]) == each
    assert fitting([row(0, PEOPLE + 1), row(1, 0)]) == 1, "one row alone is taken, however many it means"
    assert fitting([row(at, 0) for at in range(50)]) == 50


async def test_a_batch_of_many_chunks_is_applied_in_several(world: World) -> None:
    await world.publish(API)
    await people(world, 1_500, each=4)
    ids = list(range(4, 6_001, 4))
    now = world.clock.now
    async with world.pool.connection() as conn:
        rows = [
            (0, NewInput(0, "chunk", encode_input(Chunk(ids, "list", {"segment": "x", "at": now})))) for _ in range(4)
        ]
        await world.appender.append_to(conn, rows, at=now)
    results = await world.run(only=[0])
    assert [one.applied for one in results if one.applied] == [3_000, 3_000]


def test_a_simulation_tells_those_who_are_there() -> None:
    simulation = Simulation(_plan(), now=1_000)
    simulation.feed(1, Identify({}, 1_000))
    simulation.feed(2, Identify({}, 1_000))
    simulation.merge(2, into=1)
    simulation.broadcast([3, 2, 1], Start("j", 1_000))
    assert [id for id, one in simulation.steps if one.kind == "started"] == [1]


def _plan() -> Plan:
    return Plan.empty().apply(PlanChange(1, 0, "publish", "j", 1, API))
