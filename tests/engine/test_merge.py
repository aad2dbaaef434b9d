"""engine.md 12, 13: people who turn out to be one; inputs that travel between partitions."""

import pytest
from tests.engine.world import CART, ECHO, HOUR, START, WELCOME, World

from wend.core.inputs import Event, Identify, MergeAwait, MergeOut
from wend.engine import relay as relays
from wend.engine.relay import relay


async def merge(world: World, absorbed: int, survivor: int) -> int:
    """What identify does, in one transaction with one instant."""
    at = world.clock.now
    return await world.append((absorbed, MergeOut(survivor, at)), (survivor, MergeAwait(absorbed, at)))


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]])
async def test_a_cart_left_anonymously_and_ordered_after_the_login_causes_no_mail(
    world: World, order: list[int]
) -> None:
    await world.publish(CART)
    await world.event(1, "Product Added")
    await world.run()
    await world.known(2)
    world.clock.now += HOUR
    await merge(world, 1, 2)
    await world.event(2, "Order Completed")
    await world.run(only=order)
    world.clock.now += 3 * HOUR
    await world.run(only=order)
    assert await world.outbox() == []
    profile = await world.profile(2)
    assert (profile.runs, profile.awaiting, profile.facts.orders) == ([], [], profile.facts.orders)
    assert ("ended", "pause", "") in [(kind, node, branch) for kind, node, branch in await world.steps(2)]
    assert await world.rows("select 1 from parked") == []
    assert await world.rows("select 1 from place") == []


async def test_the_survivor_stands_still_until_the_absorbed_state_has_come(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(2)
    await world.append((1, Identify({"city": "Ulm"}, world.clock.now)))
    await world.run()
    await merge(world, 1, 2)
    await world.event(2, "Signed Up")
    await world.run_partition(2)  # the owner of the absorbed one is slow
    assert (await world.profile(2)).awaiting == [1]
    assert await world.rows("select kind, reason from parked") == [("event", "merge")]
    assert await world.outbox() == []
    await world.run()
    assert [row[0] for row in await world.outbox()] == ["2-1.0"]
    assert (await world.profile(2)).attributes["city"] == "Ulm"
    assert (await world.profile(1)).survivor == 2
    assert await world.rows("select 1 from parked") == []


async def test_a_tombstone_forwards_whatever_comes_also_along_chains(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(3)
    await world.event(1, "Page Viewed")
    await world.event(2, "Page Viewed")
    await world.run()
    await merge(world, 1, 2)
    await world.run()
    await merge(world, 2, 3)
    await world.run()
    await world.event(1, "Signed Up", message_id="late")
    await world.run()
    await world.event(2, "Signed Up", message_id="late")  # the same message by another way
    await world.run()
    await world.event(3, "Signed Up", message_id="late")
    await world.run()
    assert [row[0] for row in await world.outbox()] == ["3-1.0"]


async def test_merging_somebody_nobody_heard_of_releases_the_survivor(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(2)
    await merge(world, 77, 2)
    await world.event(2, "Signed Up")
    await world.run()
    assert len(await world.outbox()) == 1


async def test_a_merge_that_asks_a_tombstone_again_is_answered(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(2, 3)
    await merge(world, 1, 2)
    await world.run()
    await merge(world, 1, 3)
    await world.event(3, "Signed Up")
    await world.run()
    assert len(await world.outbox()) == 1
    assert (await world.profile(3)).awaiting == []


async def test_two_merges_at_once_are_both_waited_for_in_their_order(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(2)
    await world.append((1, Identify({"a": 1}, world.clock.now)), (3, Identify({"b": 2}, world.clock.now)))
    await world.run()
    await merge(world, 1, 2)
    await world.event(2, "Page Viewed")
    await merge(world, 3, 2)
    await world.event(2, "Signed Up")
    for partitions in ([2], [3], [2], [1], [2], [0, 1, 2, 3]):
        await world.run(only=partitions)
    profile = await world.profile(2)
    assert (profile.attributes["a"], profile.attributes["b"], profile.awaiting) == (1, 2, [])
    assert len(await world.outbox()) == 1
    assert await world.rows("select 1 from parked") == []


async def test_message_ids_move_with_a_merge(world: World) -> None:
    """engine.md 10: what the absorbed person heard, the survivor does not hear again."""
    await world.publish(WELCOME)
    await world.known(2)
    await world.event(1, "Signed Up", message_id="m")
    await world.run()
    await merge(world, 1, 2)
    await world.event(2, "Signed Up", message_id="m")
    await world.run()
    await world.event(2, "Signed Up", message_id="m")
    await world.run()
    started = await world.rows("select profile_id from step where kind = 'started'")
    assert started == [(1,)]


@pytest.mark.parametrize("batch", [1, 2000])
async def test_what_a_tombstone_passes_on_is_heard_also_when_it_came_in_the_batch_of_the_merge(
    world: World, batch: int
) -> None:
    """The message ids that move with the state must not be those of what the survivor has yet to hear."""
    await world.known(1, 2, 3)
    await world.event(1, "Order Completed", message_id="before")
    await merge(world, 1, 2)
    for number in range(5):
        await world.event(1, "Order Completed", message_id=f"late{number}")
    await world.event(1, "Order Completed", message_id="before")
    await world.run(batch=batch)
    assert (await world.profile(2)).facts.orders == 6
    # A chain: whoever is absorbed next stands still when the merge and what follows it come.
    await merge(world, 1, 3)  # asks the tombstone: 3 is released with nothing
    await world.run(batch=batch)
    await merge(world, 77, 2)
    await merge(world, 2, 3)
    await world.event(2, "Order Completed", message_id="parked")
    await world.event(1, "Order Completed", message_id="two steps")
    await world.event(2, "Order Completed", message_id="late1")
    await world.run(batch=batch, only=[2])
    await world.run(batch=batch)
    assert (await world.profile(3)).facts.orders == 8
    assert await world.rows("select 1 from parked") == []


async def test_an_emitted_event_comes_back_through_the_log_once(world: World) -> None:
    listens = {**WELCOME, "entry": {"on": {"event": "Echoed"}, "reentry": "always"}}
    await world.publish(ECHO)
    await world.publish(listens)
    await world.known(1)
    await world.event(1, "Shout")
    await world.run()
    assert len(await world.outbox()) == 1
    assert await world.rows("select 1 from relay") == []
    assert len(await world.rows("select 1 from log where payload->>'name' = 'Echoed'")) == 1


async def test_a_relay_killed_between_append_and_delete_appends_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.publish(ECHO)
    await world.event(1, "Shout")
    await world.event(1, "Shout")
    await world.run_partition(1)  # up to the plan
    await world.run_partition(1)
    assert len(await world.rows("select 1 from relay")) == 2
    real = relays.sql

    def sql(name: str) -> object:
        if name == "relay_delete":
            raise KeyboardInterrupt
        return real(name)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(relays, "sql", sql)
        async with world.pool.connection() as conn:
            await relay(conn, world.appender, 1)
    echoed = "select seq from log where payload->>'name' = 'Echoed'"
    assert len(await world.rows(echoed)) == 2
    async with world.pool.connection() as conn:
        assert await relay(conn, world.appender, 1) == 2
    assert len(await world.rows(echoed)) == 2
    assert await world.rows("select 1 from relay") == []


async def test_two_who_believe_to_own_a_source_append_its_relays_once(world: World) -> None:
    import asyncio

    rows = [(1, number, number % 4, number % 4, "event", '{"name":"E","at":1}') for number in range(1, 200)]
    async with world.pool.connection() as conn, conn.cursor() as cursor:
        await cursor.executemany(
            "insert into relay (partition, outbox_seq, target, profile_id, kind, payload) values (%s,%s,%s,%s,%s,%s)",
            rows,
        )

    async def carry() -> None:
        async with world.pool.connection() as conn:
            while await relay(conn, world.appender, 1):
                pass

    await asyncio.gather(*(carry() for _ in range(4)))
    assert await world.rows("select count(*) from log where kind = 'event'") == [(199,)]


async def test_a_state_of_the_previous_release_is_loaded_with_defaults(world: World) -> None:
    import msgspec

    await world.publish(WELCOME)
    async with world.pool.connection() as conn:
        short = msgspec.msgpack.encode([0, START, 4])
        await conn.execute("insert into profile (partition, id, state) values (1, 1, %s)", (short,))
    await world.append((1, Identify({"email": "p1@example.com"}, START)), (1, Event("Signed Up", START)))
    await world.run()
    assert (await world.profile(1)).next_run == 5
