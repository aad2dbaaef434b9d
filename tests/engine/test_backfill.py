"""engine.md 19: a new version of a segment is back-filled from the log, exactly, silently, and whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.filling import TWICE, by_hand, do, fill, members, publish
from tests.engine.test_same_answers import PARTITIONS, empty_world
from tests.engine.world import DAY, HOUR, START, Running, World, until

from wend.core.condition.member import key_of
from wend.core.inputs import Erase, Event, Identify, ListChange, MergeAwait, MergeOut
from wend.core.plan import Plan
from wend.engine.live import Worker
from wend.engine.replay import Simulation
from wend.engine.segments import publish_segment, retire_segment
from wend.store.clock import DatabaseClock
from wend.store.migrate import migrate


async def test_people_who_did_it_before_it_was_published_are_in_it(world: World) -> None:
    await world.known(1, 2, 3)
    for id, times in ((1, 3), (2, 1), (3, 2)):
        for _ in range(times):
            await world.event(id, "Bought")
            world.clock.now += HOUR
    await world.run()
    await publish(world, TWICE)
    await world.run()
    assert await members(world) == {}
    await fill(world)
    await world.run()
    assert await members(world) == {"twice": {1, 3}}
    world.clock.now += 31 * DAY
    await world.run()
    assert await members(world) == {}, "left by mere passing of time"


# --- the same as in memory ---

NAMES = ("A", "B")
CONDITIONS: list[dict[str, Any]] = [
    {"event": "A", "count": {"gte": 2}, "within": "3d"},
    {"event": "A", "count": {"lt": 2}, "within": "3d"},
    {"event": "A", "sum": "price", "gt": 7},
    {"event": "*", "where": {"property": "price", "gt": 6}},
    {"inactive": "2d"},
    {"all": [{"event": "A"}, {"not": {"event": "B", "within": "1d"}}]},
    {"event": "A", "first": {"before": {"ago": "2d"}}},
    {"recent": "viewed", "where": {"property": "category", "is": "Toys"}},
    {"compare": [{"event": "A", "within": "2d"}, "gt", {"event": "B", "within": "2d"}]},
]


async def merge(world: World, absorbed: int, survivor: int) -> None:
    """What identify does, in one transaction with one instant."""
    at = world.clock.now
    await do(world, "update alias set survivor = %s where survivor = %s", survivor, absorbed)
    await do(world, "insert into alias (absorbed, survivor, at) values (%s, %s, %s)", absorbed, survivor, at)
    await world.append((absorbed, MergeOut(survivor, at)), (survivor, MergeAwait(absorbed, at)))


def inside(simulation: Simulation, name: str) -> set[int]:
    return {id for id, one in simulation.profiles.items() if key_of(name) in one.segments}


def some_event(id: int, number: int, at: int) -> Event:
    """One of several, with a message id that comes again now and then."""
    if number % 5 == 4:
        return Event("Product Viewed", at, {"product_id": str(id), "category": ["Toys", "Books"][number % 2]})
    late = [0, 0, HOUR, 2 * DAY][number % 4]
    return Event(NAMES[number % 2], at - late, {"price": number % 9}, message_id=f"{id}-{number % 17}")


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_whatever_is_asked_and_whoever_takes_over_after_each_slice_it_is_as_in_memory(
    world: World, condition: dict[str, Any]
) -> None:
    simulation = Simulation(Plan.empty(), now=START)
    chance = random.Random(str(condition))
    number = 0
    for hour in range(30):
        world.clock.now = START + hour * 4 * HOUR
        told: list[tuple[int, Event]] = []
        for _ in range(3):
            number += 1
            id = chance.randrange(1, 15)
            told.append((id, some_event(id, number, world.clock.now)))
        await world.append(*told)
        for id, event in told:
            simulation.feed(id, event, world.clock.now)
    await world.run()
    document = {"id": "s", "condition": condition}
    simulation.segment(document)
    await publish(world, document)
    await world.run()
    while await fill(world, slice=2, steps=1):
        world.lanes.clear()  # its owner is dead: somebody else claims the partition
        await world.run()
        await do(world, "delete from backfill_row where segment = 'other'")
    assert await world.rows("select bool_and(done) from backfill") == [(True,)]
    for _ in range(3):
        assert await members(world) == ({"s": inside(simulation, "s")} if inside(simulation, "s") else {})
        world.clock.now += DAY
        simulation.advance(world.clock.now)
        await world.run()


_WHO = st.integers(1, 5)
_ACTS = st.one_of(
    st.tuples(st.just("event"), _WHO, st.integers(0, 40)),
    st.tuples(st.just("event"), _WHO, st.integers(0, 40)),
    st.tuples(st.just("merge"), _WHO, _WHO),
    st.tuples(st.just("time"), st.sampled_from([1, HOUR, DAY]), st.just(0)),
    st.tuples(st.just("run"), st.integers(0, PARTITIONS - 1), st.just(0)),
    st.tuples(st.just("fill"), st.integers(1, 4), st.just(0)),
)


@pytest.fixture
def url(database_url: str) -> str:
    asyncio.run(migrate(database_url, partitions=PARTITIONS))
    return database_url


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(before=st.lists(_ACTS, max_size=12), after=st.lists(_ACTS, max_size=12), condition=st.sampled_from(CONDITIONS))
def test_merges_repeats_and_late_partitions_in_the_middle_of_it_make_no_difference(
    url: str, before: list[tuple[Any, ...]], after: list[tuple[Any, ...]], condition: dict[str, Any]
) -> None:
    asyncio.run(_interleaved(url, before, after, {"id": "s", "condition": condition}))


async def _interleaved(
    url: str, before: list[tuple[Any, ...]], after: list[tuple[Any, ...]], document: dict[str, Any]
) -> None:
    async with empty_world(url) as world:
        await do(world, "truncate segment, membership, backfill, backfill_row")
        simulation = Simulation(Plan.empty(), now=START)
        gone: set[int] = set()

        async def act(what: str, first: int, second: int) -> None:
            match what:
                case "event":
                    event = some_event(first, second, world.clock.now)
                    await world.append((first, event))
                    simulation.feed(first, event, world.clock.now)
                case "merge" if first != second and not {first, second} & gone:
                    gone.add(first)
                    await merge(world, first, second)
                    simulation.advance(world.clock.now)
                    simulation.merge(first, into=second)
                case "time":
                    world.clock.now += first
                case "run":
                    await world.run(only=[first])
                case "fill":
                    await fill(world, slice=1, steps=first)
                case _:
                    pass

        for one in before:
            await act(*one)
        simulation.advance(world.clock.now)
        simulation.segment(document)
        await publish(world, document)
        for one in after:
            await act(*one)
        await world.run()
        while await fill(world, slice=1):
            await world.run()
        assert await world.rows("select status from segment") == [("live",)]
        for _ in range(3):
            simulation.advance(world.clock.now)
            assert await members(world) == ({"s": inside(simulation, "s")} if inside(simulation, "s") else {})
            world.clock.now += DAY
            await world.run()


# --- while everything else goes on ---


async def test_a_state_keeps_what_the_log_no_longer_has(world: World) -> None:
    """Days of the log were dropped; a segment that counted the same had it kept."""
    await publish(world, TWICE)
    await world.event(1, "Bought")
    await world.run()
    await fill(world)
    await world.run()
    world.clock.now += 2 * DAY
    await world.event(1, "Bought")
    await world.event(2, "Bought")
    await world.run()
    await do(world, "delete from log where at < %s", START + DAY)
    await publish(world, {**TWICE, "id": "again"})
    await world.run()
    await fill(world)
    await world.run()
    assert await members(world) == {"twice": {1}, "again": {1}}
    (kept,) = (await world.profile(1)).windows.values()
    assert kept == [START, START + 2 * DAY]


async def test_only_people_who_may_match_are_touched(world: World) -> None:
    await world.known(*range(1, 30))
    await world.event(5, "Bought")
    await world.event(5, "Bought")
    await world.run()
    before = await world.states()
    await publish(world, TWICE)
    await world.run()
    await fill(world)
    await world.run()
    changed = {id for id, state in (await world.states()).items() if state != before[id]}
    assert changed == {5}
    assert await world.rows("select sum(people)::int, sum(matched)::int from backfill") == [(29, 1)]


async def test_inputs_that_come_meanwhile_count_live_and_nothing_counts_twice(world: World) -> None:
    await world.known(*range(1, 9))
    for id in range(1, 9):
        await world.event(id, "Bought")
    await world.run()
    await publish(world, TWICE)
    await world.run()
    for id in range(1, 9):
        await fill(world, slice=1, steps=1)
        if id % 2:
            await world.event(id, "Bought", message_id=f"m{id}")
            await world.event(id, "Bought", message_id=f"m{id}")
        await world.run(only=[id % 4])
    while await fill(world, slice=1):
        await world.run()
    assert (await members(world))["twice"] == {1, 3, 5, 7}
    for id in (1, 2):
        (kept,) = (await world.profile(id)).windows.values()
        assert len(kept) == 1 + id % 2


async def test_a_newer_version_takes_the_place_of_one_that_is_being_back_filled(world: World) -> None:
    await world.known(1, 2)
    for id in (1, 1, 2):
        await world.event(id, "Bought")
    await world.run()
    await publish(world, TWICE)
    await world.run()
    while not await world.rows("select 1 from membership"):
        assert await fill(world, slice=1, steps=1)
    await publish(world, {"id": "twice", "condition": {"event": "Bought"}})
    while await fill(world, slice=1) or await world.rows("select 1 from segment where status = 'warming'"):
        await world.run()
    await world.run()
    assert await members(world) == {"twice": {1, 2}}
    assert await world.rows("select distinct version from backfill") == [(2,)]
    assert await world.rows("select 1 from backfill_row") == []
    await world.event(1, "Looked")
    await world.run()
    assert set((await world.profile(1)).segments) == {key_of("twice")}


async def test_who_reads_a_segment_hears_that_a_new_version_took_force(world: World) -> None:
    await world.append(*((id, Identify({"city": city}, START)) for id, city in ((1, "Oslo"), (2, "Rome"), (3, "Bonn"))))
    await publish(world, {"id": "base", "condition": {"attribute": "city", "is": "Oslo"}})
    await world.run()
    while await fill(world):
        await world.run()
    await publish(world, {"id": "above", "condition": {"not": {"segment": "base"}}})
    await world.run()
    while await fill(world):
        await world.run()
    assert await members(world) == {"base": {1}, "above": {2, 3}}
    world.clock.now += HOUR
    await publish(world, {"id": "base", "condition": {"attribute": "city", "in": ["Oslo", "Rome"]}})
    await world.run()
    while await fill(world):
        await world.run()
    assert await members(world) == {"base": {1, 2}, "above": {3}}
    since = "select since from membership where segment = 'base' and profile_id = 1"
    assert await world.rows(since) == [(START,)], "who stays is in it since when they were"


async def test_the_erased_are_in_no_segment_and_leave_nothing_behind(world: World) -> None:
    await publish(world, {"id": "friends", "list": True})
    await world.append((1, ListChange("friends", START)))
    await world.event(1, "Bought")
    await world.run()
    await publish(world, TWICE)
    await world.run()
    await fill(world, steps=4)
    assert await world.rows("select profile_id from backfill_row") == [(1,)]
    await world.append((1, Erase(START)))
    await world.run()
    assert await world.rows("select 1 from backfill_row") == [] and await members(world) == {}
    while await fill(world):
        await world.run()
    assert await members(world) == {}


async def test_a_segment_that_is_retired_while_it_is_back_filled_is_given_up(world: World) -> None:
    await world.event(1, "Bought")
    await world.event(1, "Bought")
    await world.run()
    await publish(world, TWICE)
    await world.run()
    await fill(world, steps=6)
    async with by_hand(world), world.pool.connection() as conn:
        await retire_segment(conn, "twice")
    await world.run()
    assert await fill(world) == 0
    assert await members(world) == {} and await world.rows("select 1 from backfill_row") == []


async def test_somebody_who_failed_goes_on_standing_still_and_is_judged(world: World) -> None:
    await world.event(1, "Bought")
    await world.event(1, "Bought")
    await world.run()
    await do(
        world,
        "insert into parked (partition, profile_id, seq, at, kind, payload, reason, error, tries)"
        " values (1, 1, 0, %s, 'wake', '{}', 'error', 'tests', 1)",
        START,
    )
    await publish(world, TWICE)
    await world.run()
    while await fill(world):
        await world.run()
    assert await members(world) == {"twice": {1}}
    assert await world.rows("select wakes_at from profile where id = 1") == [(None,)]


async def test_workers_that_die_and_lose_their_connections_finish_it_together(world: World) -> None:
    """Two workers, whose connections are cut again and again; one of them is stopped for good."""
    clock = DatabaseClock()
    await clock.refresh(world.pool)
    people = range(1, 120)
    rows = [(id, Event("Bought", clock.now_ms())) for id in people for _ in range(1 + id % 2)]
    await world.append(*rows, at=clock.now_ms())
    workers = [Worker(world.pool, clock, name=f"w{n}") for n in range(2)]
    async with Running(*workers):
        async with world.pool.connection() as conn:
            await publish_segment(conn, TWICE)
        await publish_more(world)
        for cut in range(3):
            await asyncio.sleep(0)
            await do(
                world,
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid() and state <> 'idle'",
            )
            if cut == 1:
                workers[0].stop()

        async def done() -> bool:
            return not await world.rows("select 1 from segment where status = 'warming'")

        await until(done)

        async def switched() -> bool:
            return not await world.rows("select 1 from membership where segment like '%%@%%'")

        await until(switched)
    found = await members(world)
    assert found["twice"] == {id for id in people if id % 2}
    assert found["all"] == set(people)


async def publish_more(world: World) -> None:
    async with world.pool.connection() as conn:
        await publish_segment(conn, {"id": "all", "condition": {"not": {"event": "Sold"}}})
