"""engine.md 3, 4, 10, 11, 24: what is done depends neither on the size of batches nor on the number of workers."""

import random
from typing import Any

import pytest
from tests.engine.test_replay_live import history
from tests.engine.world import CART, DAY, HOUR, MINUTE, START, WELCOME, HandClock, Running, World, until

from wend.core.inputs import Event, Feedback, Input
from wend.engine.live import Worker
from wend.engine.publish import change_life
from wend.store.migrate import migrate
from wend.store.postgres import make_pool


def with_outcomes(inputs: list[tuple[int, int, Input]], seed: int) -> list[tuple[int, int, Input]]:
    """The same with guessed outcomes of messages in between, right and wrong ones."""
    chance = random.Random(seed)
    found: list[tuple[int, int, Input]] = []
    for at, id, input in inputs:
        found.append((at, id, input))
        if chance.random() < 0.5:
            run, move = f"{id}-{chance.randrange(1, 6)}", chance.choice((0, 1, 3))
            found.append((at, id, Feedback(f"{run}.{move}", "accepted", at, run, move)))
    return found


async def fill(world: World, inputs: list[tuple[int, int, Input]]) -> None:
    world.clock.now = START
    await world.publish(CART)
    await world.publish(WELCOME)
    half = len(inputs) // 2
    for place, (at, id, input) in enumerate(inputs):
        if place == half:
            async with world.pool.connection() as conn:
                await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
                await change_life(conn, "pause", "cart")
                await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")
        await world.append((id, input), at=at)
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
        await change_life(conn, "resume", "cart")
        await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")


async def everything(world: World) -> dict[str, Any]:
    return {
        "states": await world.states(),
        "outbox": await world.outbox(),
        "places": sorted(await world.rows("select profile_id, run, journey, node, started, entered, until from place")),
        # Who comes and goes within one batch is not counted as waiting: compare what is left.
        "tally": sorted(
            await world.rows("""
            select journey, version, node, replace(replace(what, '-in', ''), '-out', ''),
                sum(case what when 'waiting-out' then -n else n end)::int
            from tally group by 1, 2, 3, 4 having sum(case what when 'waiting-out' then -n else n end) <> 0""")
        ),
        "steps": sorted(
            (row[0], row[1], row[2], row[3], row[4])
            for row in await world.rows("select profile_id, at, kind, node, branch from step")
        ),
        "cursor": await world.rows("select partition, seq, plan from cursor order by partition"),
    }


async def test_batches_of_1_of_7_and_of_2000_and_three_workers_do_the_same(database_url: str) -> None:
    # within the lifetime of a message, or the outage would have them all dropped
    inputs = with_outcomes(history(11, 9, 160, (0, 0, 1, MINUTE, 20 * MINUTE)), 11)
    end = inputs[-1][0] + 3 * HOUR
    results: list[dict[str, Any]] = []
    for schema, batch, workers in (("b1", 1, 0), ("b7", 7, 0), ("b2000", 2000, 0), ("w3", 7, 3)):
        await migrate(database_url, schema=schema, partitions=4)
        async with make_pool(database_url, schema=schema, largest=12) as pool:
            world = World(pool, 4, database_url)
            await fill(world, inputs)
            world.clock.now = end
            if workers:
                three = [Worker(pool, world.clock, batch=batch, name=f"w{n}", poll=0.01) for n in range(workers)]
                async with Running(*three):

                    async def done(world: World = world) -> bool:
                        due = await world.rows("select 1 from profile where wakes_at <= %s", end)
                        behind = await world.rows(
                            "select 1 from cursor c join head h using (partition) where c.seq < h.seq"
                        )
                        return not due and not behind

                    await until(done)
            else:
                await world.run(batch=batch)
            results.append(await everything(world))
    first = results[0]
    assert len(first["outbox"]) > 10
    for result in results[1:]:
        for name, value in result.items():
            assert value == first[name], name


async def test_a_wait_of_two_hours_does_not_give_up_when_the_order_is_next_in_a_backlog(world: World) -> None:
    """engine.md 3 and 5: a backlog of an hour is drained without a false time-out."""
    await world.publish(CART)
    await world.known(1, 2)
    await world.event(1, "Product Added")
    await world.event(2, "Product Added")
    world.clock.now += 2 * HOUR - 1
    await world.event(1, "Order Completed")
    world.clock.now += HOUR  # nobody worked in the meantime
    await world.run()
    assert [(row[0], row[1]) for row in await world.outbox()] == [("2-1.1", "first")]


async def test_at_a_tie_the_timer_goes_first(world: World) -> None:
    await world.publish(CART)
    await world.known(1)
    await world.event(1, "Product Added")
    world.clock.now += 2 * HOUR
    await world.event(1, "Order Completed")
    await world.run()
    assert [row[:2] + row[3:] for row in await world.outbox()] == [("1-1.1", "first", "withdrawn")]


async def test_after_an_outage_a_wait_behind_a_message_counts_from_real_time(world: World) -> None:
    """engine.md 4: lag is real, so nobody gets two messages in one second."""
    await world.publish(CART)
    await world.known(1)
    await world.event(1, "Product Added")
    began = world.clock.now
    world.clock.now += 30 * HOUR  # nobody works; the wait fell due at 2 h
    await world.run()
    [(effect, _, _, _)] = await world.outbox()
    await world.append((1, Feedback(effect, "accepted", world.clock.now, "1-1", 1)))
    await world.run()
    assert len(await world.outbox()) == 1
    [(_, _, wakes_at)] = (await world.states()).values()
    assert wakes_at >= began + 30 * HOUR + DAY - MINUTE


async def test_a_message_id_counts_once_for_seven_days_and_again_later(world: World) -> None:
    """engine.md 10, in one batch, in a later one, and after a week."""
    await world.publish(WELCOME)
    await world.known(1)
    await world.event(1, "Signed Up", message_id="m")
    await world.event(1, "Signed Up", message_id="m")
    await world.run()
    world.clock.now += 3 * DAY
    await world.event(1, "Signed Up", message_id="m")
    await world.event(2, "Page Viewed", message_id="m")
    assert sum(result.duplicates for result in await world.run()) == 1
    assert len(await world.rows("select 1 from step where kind = 'started'")) == 1
    assert (await world.profile(2)).facts.last_seen == world.clock.now
    world.clock.now += 4 * DAY + 1
    [(effect, _, _, _)] = await world.outbox()
    await world.append((1, Feedback(effect, "accepted", world.clock.now, "1-1", 0)))
    await world.event(1, "Signed Up", message_id="m")
    await world.run()
    assert len(await world.rows("select 1 from step where kind = 'started'")) == 2


async def test_a_hundred_inputs_of_one_person_resent_are_applied_once(world: World) -> None:
    await world.publish(WELCOME)
    inputs: list[tuple[int, Input]] = [
        (5, Event("Page Viewed", world.clock.now, message_id=f"m{number}")) for number in range(100)
    ]
    await world.append(*inputs)
    await world.append(*inputs)
    results = await world.run(batch=30)
    await world.append(*inputs)
    results += await world.run()
    assert sum(result.applied for result in results) == 100
    assert sum(result.duplicates for result in results) == 200


async def test_an_input_that_is_heard_again_from_the_log_asks_for_the_same_effects(world: World) -> None:
    """engine.md 11: the log is read again from the start; no effect is added, and effect ids are the same."""
    await world.publish(WELCOME)
    await world.known(1)
    await world.event(1, "Signed Up")
    await world.run()
    before = await world.outbox()
    async with world.pool.connection() as conn:
        await conn.execute("delete from profile")
        await conn.execute("delete from place")
        await conn.execute("update cursor set seq = 0, at = 0, plan = 0")
    world.lanes.clear()
    await world.run()
    assert await world.outbox() == before


async def test_the_log_never_goes_back_when_the_clock_does(world: World) -> None:
    """engine.md 1: a clock that jumps back an hour stops nothing and reorders nothing."""
    await world.publish(WELCOME)
    await world.known(1)
    await world.run()
    reached = world.clock.now
    world.clock.now -= HOUR
    await world.event(1, "Signed Up")
    await world.run()
    assert len(await world.outbox()) == 1
    assert (await world.rows("select min(at) from log where kind = 'event'"))[0][0] >= reached
    assert (await world.profile(1)).last >= reached


async def test_a_person_who_is_not_due_is_left_alone(world: World) -> None:
    await world.publish(CART)
    await world.known(1)
    await world.event(1, "Product Added")
    await world.run()
    world.clock.now += HOUR
    assert sum(result.wakes for result in await world.run()) == 0
    world.clock.now += HOUR
    assert sum(result.wakes for result in await world.run()) == 1
    assert len(await world.outbox()) == 1


@pytest.mark.parametrize("limit", [1, 3])
async def test_more_due_people_than_a_batch_takes_are_woken_batch_by_batch(world: World, limit: int) -> None:
    await world.publish(CART)
    await world.known(*range(1, 11))
    for id in range(1, 11):
        await world.event(id, "Product Added")
    await world.run()
    world.clock.now += 2 * HOUR
    await world.event(3, "Order Completed")
    await world.run(batch=limit)
    assert len(await world.outbox()) == 10
    await world.run()
    assert not await world.rows("select 1 from profile where wakes_at <= %s", world.clock.now)


async def test_nothing_that_cannot_be_written_as_text_stops_a_partition(world: World) -> None:
    """NUL characters and huge numbers, in attributes, in properties, everywhere."""
    await world.publish(WELCOME)
    await world.known(1)
    odd: dict[str, Any] = {"huge": 10**40, "nul": "a\0b", "\0": {"deep": ["\0"]}}
    from wend.core.inputs import Consent, Identify

    await world.append((1, Identify(odd, world.clock.now)))
    await world.append((1, Consent("opted_in", world.clock.now, channel="sms", source="\0", text="\0", ip="\0")))
    await world.event(1, "Signed Up", **odd)
    results = await world.run()
    assert sum(result.failed for result in results) == 0
    assert len(await world.outbox()) == 1
    assert (await world.profile(1)).attributes["nul"] == "ab"


async def test_counts_of_those_who_wait_at_a_node_follow_them(world: World) -> None:
    await world.publish(CART)
    await world.known(1, 2)
    await world.event(1, "Product Added")
    await world.event(2, "Product Added")
    await world.run()
    query = "select node, what, sum(n)::int from tally where what like 'waiting%%' group by 1, 2 order by 1, 2"
    assert await world.rows(query) == [("pause", "waiting-in", 2)]
    world.clock.now += 2 * HOUR
    await world.run()
    assert await world.rows(query) == [
        ("mail", "waiting-in", 2),
        ("pause", "waiting-in", 2),
        ("pause", "waiting-out", 2),
    ]
    assert await world.rows("select profile_id, node from place order by 1") == [(1, "mail"), (2, "mail")]


def test_a_hand_clock_stands_still() -> None:
    assert HandClock().now_ms() == START
