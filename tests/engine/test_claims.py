"""engine.md 2, 26: partitions are shared evenly, taken over from the dead, and fenced by their epoch."""

import asyncio

import pytest
from tests.engine.world import START, WELCOME, Running, World, new_input, until

from wend.core.inputs import Event
from wend.engine.batch import Fenced, Lane, raise_head
from wend.engine.claim import LEASE, Claims
from wend.engine.live import Worker
from wend.store.postgres import connect, fetch_all


async def owners(world: World) -> list[str | None]:
    return [row[0] for row in await world.rows("select owner from cursor order by partition")]


async def test_of_two_who_believe_to_own_a_partition_only_the_latest_writes(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(1)
    await world.event(1, "Signed Up")
    old = await world.claim(1)
    async with world.pool.connection() as conn:
        tick = await raise_head(conn, 1, START)
        await world.batches.run(conn, old, tick, clock=START)
    new = await world.claim(1)
    async with world.pool.connection() as conn:
        with pytest.raises(Fenced):
            await world.batches.run(conn, old, tick, clock=START)
        await world.batches.run(conn, new, tick, clock=START)
    assert len(await world.outbox()) == 1


async def test_an_owner_who_is_overtaken_in_the_middle_of_a_batch_either_commits_first_or_writes_nothing(
    world: World,
) -> None:
    """The claim waits for the row that a batch holds, and the next batch of the loser finds no row."""
    await world.publish(WELCOME)
    await world.known(*range(1, 150))
    for id in range(1, 150):
        await world.event(id, "Signed Up")
    world.batches.batch = 5
    failures = 0

    async def work(partition: int) -> None:
        nonlocal failures
        async with world.pool.connection() as conn:
            while True:
                row = await (
                    await conn.execute(
                        "update cursor set epoch = epoch + 1 where partition = %s returning epoch", (partition,)
                    )
                ).fetchone()
                await conn.commit()
                assert row is not None
                lane = Lane(partition, row[0])
                try:
                    for _ in range(3):
                        tick = await raise_head(conn, partition, START)
                        if not (await world.batches.run(conn, lane, tick, clock=START)).more:
                            return
                except Fenced:
                    failures += 1
                    await asyncio.sleep(0.001 * (failures % 7))

    await asyncio.gather(*(work(partition) for partition in range(4) for _ in range(2)))
    assert failures > 0
    assert len(await world.outbox()) == 149
    assert await world.rows("select count(*) from step where kind = 'started'") == [(149,)]


async def test_workers_share_evenly_take_over_from_the_dead_and_give_back(world: World) -> None:
    first, second, third = Claims("a"), Claims("b"), Claims("c")
    async with world.pool.connection() as conn:
        await first.round(conn, START)
        assert await owners(world) == ["a"] * 4
        await second.round(conn, START)
        assert sorted(owner or "" for owner in await owners(world)) == ["a", "a", "b", "b"]
        await first.round(conn, START)
        assert len(first.lanes) == 2
        await third.round(conn, START)
        assert sorted(set(await owners(world)), key=str) == ["a", "b", "c"]
        # Only the third is still alive when the others' leases have run out.
        await third.round(conn, START + LEASE // 2 + 1)
        await third.round(conn, START + LEASE + 2)
        assert await owners(world) == ["c"] * 4
        assert await world.rows("select sum(tries)::int from cursor") == [(3,)]
        await third.release(conn)
        assert await owners(world) == [None] * 4


async def test_a_lease_is_renewed_in_time(world: World) -> None:
    claims = Claims("a")
    async with world.pool.connection() as conn:
        await claims.round(conn, START)
        await claims.round(conn, START + LEASE // 2 + 1)
        assert await world.rows("select min(lease) from cursor") == [(START + LEASE // 2 + 1 + LEASE,)]


async def test_two_rounds_at_once_never_give_one_partition_to_both(world: World) -> None:
    claims = [Claims(name) for name in "abcd"]

    async def claim(one: Claims) -> None:
        async with world.pool.connection() as conn:
            for _ in range(3):
                await one.round(conn, START)

    await asyncio.gather(*(claim(one) for one in claims))
    epochs = dict(await world.rows("select partition, epoch from cursor"))
    owned = [partition for one in claims for partition, lane in one.lanes.items() if lane.epoch == epochs[partition]]
    assert sorted(owned) == sorted(set(owned))


async def test_a_worker_applies_what_comes_wakes_who_is_due_and_stops_when_asked(world: World) -> None:
    from tests.engine.world import CART, HOUR

    await world.publish(WELCOME)
    await world.publish(CART)
    worker = Worker(world.pool, world.clock, name="w", poll=0.01)
    async with Running(worker):
        await world.known(1, 2)
        await world.event(1, "Signed Up")
        await world.event(2, "Product Added")

        async def sent(count: int) -> bool:
            return len(await world.outbox()) == count

        await until(lambda: sent(1))
        world.clock.now += 2 * HOUR
        await until(lambda: sent(2))
    assert await owners(world) == [None] * 4
    assert (worker.counters.sends, worker.counters.wakes) == (2, 1)


async def test_a_worker_survives_the_loss_of_its_connections(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(1)
    worker = Worker(world.pool, world.clock, name="w", poll=0.01)
    async with Running(worker):
        await until(lambda: worker.owned)
        killer = await connect(world.url, autocommit=True)
        for number in range(5):
            await killer.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where pid <> pg_backend_pid() and datname = current_database() and backend_type = 'client backend'"
            )
            async with killer.transaction():
                await world.appender.append(killer, [new_input(1 + 4 * number, Event("Page Viewed", START))])
        rows = await fetch_all(killer, "select 1 from profile")
        deadline = asyncio.get_running_loop().time() + 30
        while len(rows) < 5:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)
            rows = await fetch_all(killer, "select 1 from profile")
        await killer.close()
    assert worker.counters.retried > 0


async def test_a_tick_misses_no_row_while_many_append(world: World) -> None:
    """engine.md 2: what a tick has passed is complete, and nothing older comes later."""
    appended = 0
    done = asyncio.Event()

    async def append(offset: int) -> None:
        nonlocal appended
        for number in range(30):
            await world.event(offset * 1000 + number, "Page Viewed")
            appended += 1

    seen: dict[int, set[int]] = {partition: set() for partition in range(4)}

    async def read() -> None:
        at = dict.fromkeys(range(4), 0)
        while not done.is_set() or sum(map(len, seen.values())) < appended:
            for partition in range(4):
                async with world.pool.connection() as conn:
                    world.clock.now += 1
                    tick = await raise_head(conn, partition, world.clock.now)
                rows = await world.rows(
                    "select seq, at from log where partition = %s and seq > %s and seq <= %s",
                    partition,
                    max(seen[partition], default=0),
                    tick.seq,
                )
                assert {row[0] for row in rows} == set(range(max(seen[partition], default=0) + 1, tick.seq + 1))
                assert all(at[partition] <= row[1] <= tick.at for row in rows)
                seen[partition] |= {row[0] for row in rows}
                at[partition] = tick.at

    async def write() -> None:
        await asyncio.gather(*(append(offset) for offset in range(1, 7)))
        done.set()

    await asyncio.gather(read(), write())
    assert sum(map(len, seen.values())) == 180
