"""engine.md 17, 18 and journeys.md rules 9, 13: a change of the plan stands at one place in every partition's log."""

import asyncio

import pytest
from tests.engine.world import CART, HOUR, START, WELCOME, World

from wend.engine.plans import load_plan
from wend.engine.publish import PublishError, change_life, publish_journey, publish_settings


async def test_a_publication_has_one_instant_in_all_partitions_and_is_seen_from_there_on(world: World) -> None:
    await world.known(1, 2, 3, 4)
    for id in range(1, 5):
        await world.event(id, "Signed Up")
    world.clock.now += 1000
    change = await world.publish(WELCOME)
    world.clock.now += 1000
    for id in range(1, 5):
        await world.event(id, "Signed Up")
    await world.run()
    rows = await world.rows("select partition, at from log where kind = 'plan' order by 1")
    assert rows == [(partition, change.at) for partition in range(4)]
    assert [row[0] for row in await world.outbox()] == [f"{id}-1.0" for id in range(1, 5)]
    assert [row[2] for row in await world.outbox()] == [START + 2000] * 4
    assert await world.rows("select distinct plan from cursor") == [(1,)]


async def test_a_publisher_that_is_killed_leaves_all_partitions_on_the_old_plan(world: World) -> None:
    async with world.pool.connection() as conn:
        await publish_journey(conn, WELCOME)
        await conn.rollback()
    assert await world.rows("select 1 from log") == []
    assert await world.rows("select 1 from plan_change") == []
    await world.known(1)
    await world.event(1, "Signed Up")
    await world.run()
    assert await world.outbox() == []


async def test_publishers_at_once_get_numbers_in_the_order_of_their_instants(world: World) -> None:
    async def publish(number: int) -> None:
        async with world.pool.connection() as conn:
            await publish_journey(conn, {**WELCOME, "id": f"j{number}"})

    await asyncio.gather(*(publish(number) for number in range(6)))
    rows = await world.rows("select number, at from plan_change order by number")
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    per_partition = await world.rows(
        "select partition, array_agg((payload->>'number')::int order by seq) from log where kind = 'plan' group by 1"
    )
    assert all(numbers == [1, 2, 3, 4, 5, 6] for _, numbers in per_partition)


async def test_a_document_that_makes_no_plan_is_refused_and_changes_nothing(world: World) -> None:
    async with world.pool.connection() as conn:
        with pytest.raises(PublishError, match="welcome"):
            await publish_journey(conn, {**WELCOME, "nodes": {"mail": {"sned": {}}}})
        await conn.commit()
        with pytest.raises(PublishError, match="never published"):
            await change_life(conn, "pause", "welcome")
    assert await world.rows("select 1 from plan_change") == []
    assert await world.rows("select 1 from log") == []


async def test_only_a_live_journey_can_be_paused_and_only_a_paused_one_resumed(world: World) -> None:
    await world.publish(WELCOME)
    async with world.pool.connection() as conn:
        with pytest.raises(PublishError, match="it is live"):
            await change_life(conn, "resume", "welcome")
        await conn.commit()
        await change_life(conn, "stop", "welcome")
        await conn.commit()
        with pytest.raises(PublishError, match="it is stopped"):
            await change_life(conn, "pause", "welcome")
    assert await world.rows("select status, version from journey") == [("stopped", 1)]


async def change(world: World, kind: str) -> None:
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
        await conn.execute("update head set at = greatest(at, %s)", (world.clock.now,))
        await change_life(conn, kind, "cart")  # pyright: ignore[reportArgumentType]
        await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")


async def test_timers_of_a_paused_journey_run_at_its_resumption(world: World) -> None:
    await world.publish(CART)
    await world.known(1, 2)
    await world.event(1, "Product Added")
    await world.event(2, "Product Added")
    await world.run()
    world.clock.now += HOUR
    await change(world, "pause")
    await world.run()
    assert await world.rows("select 1 from profile where wakes_at is not null") == []
    world.clock.now += 5 * HOUR
    await world.event(2, "Order Completed")  # exits count while it is paused
    await world.run()
    assert await world.outbox() == []
    world.clock.now += HOUR
    await change(world, "resume")
    await world.run()
    [(effect, _, at, _)] = await world.outbox()
    assert (effect, at) == ("1-1.1", world.clock.now)


async def test_stopping_lets_everybody_leave_also_who_is_idle_and_withdraws_their_mail(world: World) -> None:
    await world.publish(CART)
    await world.known(1, 2)
    await world.event(1, "Product Added")
    await world.run()
    world.clock.now += 2 * HOUR
    await world.event(2, "Product Added")
    await world.run(batch=1)
    await change(world, "stop")
    await world.run(batch=1)
    assert [row[3] for row in await world.outbox()] == ["withdrawn"]
    assert await world.rows("select 1 from place") == []
    assert (await world.profile(2)).runs == []


async def test_settings_are_part_of_the_plan(world: World) -> None:
    async with world.pool.connection() as conn:
        await publish_settings(conn, {"zone": "Europe/Berlin"})
        await conn.commit()
        plan = await load_plan(conn)
        assert (plan.number, plan.zone) == (1, "Europe/Berlin")
        assert (await load_plan(conn, 0)).zone == "UTC"
        with pytest.raises(LookupError, match="change 9"):
            await load_plan(conn, 9)


async def test_what_templates_read_is_kept_with_the_version(world: World) -> None:
    async with world.pool.connection() as conn:
        await publish_journey(conn, WELCOME, reads={"entry": {"price"}, "event": (), "facts": ["cart"]})
        await conn.commit()
        plan = await load_plan(conn)
    assert plan.compiled("welcome", 1).cut({"price": 1, "colour": "red"}) == {"price": 1}
