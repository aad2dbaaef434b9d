"""engine.md 15: an erased person is gone from every table at once; suppressed addresses stay suppressed, as hashes."""

from tests.engine.test_merge import merge
from tests.engine.world import CART, HOUR, WELCOME, World

from wend.core.inputs import Erase, Suppress
from wend.engine.batch import Batches
from wend.engine.erase import address_hash

TABLES = {
    "log": "profile_id",
    "parked": "profile_id",
    "seen": "profile_id",
    "outbox": "profile_id",
    "relay": "profile_id",
    "step": "profile_id",
    "place": "profile_id",
    "consent_log": "profile_id",
    "identifier": "profile_id",
    "alias": "survivor",
    "identity_conflict": "profile_id",
}


async def left(world: World, id: int) -> list[str]:
    return [
        name for name, column in TABLES.items() if await world.rows(f"select 1 from {name} where {column} = %s", id)
    ]


async def test_nothing_is_left_of_an_erased_person_and_everything_of_the_others(world: World) -> None:
    world.batches = Batches(4, erasure_key=b"k" * 32)
    await world.publish(WELCOME)
    await world.publish(CART)
    await world.known(1, 5)
    async with world.pool.connection() as conn:
        await conn.execute("insert into identifier values ('user_id', 'user-1', 1, 0), ('user_id', 'user-5', 5, 0)")
        await conn.execute(
            "insert into identity_conflict (at, namespace, value, profile_id, other_id) values (0,'a','b',1,5)"
        )
        for name in ("user-1", "user-5"):
            await conn.execute(
                "insert into dead_letter (at, source, code, message, body) values (0, 's', 'c', 'm', %s)",
                (f'{{"userId": "{name}"}}',),
            )
        for id in (1, 5):
            await conn.execute(
                "insert into inbox (channel, at, recipient) values ('email', 0, %s)", (f"p{id}@example.com",)
            )
    for id in (1, 5):
        await world.event(id, "Product Added", message_id=f"a{id}")
        await world.event(id, "Signed Up", message_id=f"b{id}")
    await world.append((1, Suppress("complained", world.clock.now, channel="email")))
    await world.run()
    assert len(await left(world, 1)) >= 6
    await world.append((1, Erase(world.clock.now)))
    await world.event(1, "Signed Up", message_id="still on its way")
    await world.run()
    assert await left(world, 1) == []
    profile = await world.profile(1)
    assert (profile.erased, profile.attributes, profile.runs) == (True, {}, [])
    assert len(await left(world, 5)) >= 6
    assert await world.rows("select body from dead_letter") == [('{"userId": "user-5"}',)]
    assert await world.rows("select recipient from inbox") == [("p5@example.com",)]
    kept = await world.rows("select hash from erased_address")
    assert kept == [(address_hash(b"k" * 32, "P1@Example.com "),)]
    world.clock.now += 3 * HOUR
    await world.event(1, "Signed Up")
    await world.run()
    assert [row[0] for row in await world.outbox() if row[0].startswith("1-")] == []


async def test_those_who_were_absorbed_are_forgotten_too(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(2)
    await world.event(1, "Page Viewed")
    await world.run()
    await merge(world, 1, 2)
    async with world.pool.connection() as conn:
        await conn.execute("insert into alias values (1, 2, 0)")
    await world.run()
    await world.append((2, Erase(world.clock.now)))
    await world.run()
    assert await left(world, 1) == []
    assert await left(world, 2) == []
    assert (await world.profile(1)).erased


async def test_whoever_is_erased_while_waiting_for_a_merge_stays_erased(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(2)
    await world.event(1, "Page Viewed")
    await world.run()
    await merge(world, 1, 2)
    await world.event(2, "Signed Up")
    await world.append((2, Erase(world.clock.now)))
    await world.run_partition(2)
    await world.run()
    profile = await world.profile(2)
    assert (profile.erased, profile.facts.last_seen, profile.awaiting) == (True, 0, [])
    assert await world.rows("select 1 from parked") == []
