"""storage.md, "clock jumping"; engine.md 1 and 3: neither a host's nor the database's clock can reorder, hurry or lose anything."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from tests.engine.world import CART, DAY, HOUR, MINUTE, START, Running, World, new_input, until

from wend.core.inputs import Event
from wend.engine.live import Worker
from wend.engine.publish import publish_journey
from wend.store.clock import MAX_SKEW, DatabaseClock, now_ms
from wend.store.log import Appender
from wend.store.migrate import migrate
from wend.store.postgres import make_pool

SHORT = {**CART, "nodes": {**CART["nodes"], "pause": {"wait": "1s", "next": "mail"}}}


async def test_a_host_whose_clock_jumps_says_so_and_decides_as_before(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url, partitions=2)
    real, jump = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    clock = DatabaseClock()
    async with make_pool(database_url, smallest=1, largest=8) as pool:
        world = World(pool, 2, database_url)
        await clock.refresh(pool)
        assert clock.ready
        async with pool.connection() as conn:
            await publish_journey(conn, SHORT)
            world.clock.now = await now_ms(conn)
        await world.known(*range(1, 7))
        async with Running(Worker(pool, clock, poll=0.01)):
            for id, jump in enumerate((0.0, 3600.0, -3600.0, 86400.0, -5.0, 0.0), 1):
                await clock.refresh(pool)
                assert clock.ready == (abs(jump) * 1000 < MAX_SKEW)
                async with pool.connection() as conn:
                    assert abs(clock.now_ms() - await now_ms(conn)) < MAX_SKEW
                    await Appender(2).append(conn, [new_input(id, Event("Product Added", await now_ms(conn)))])

            async def all_have_one() -> bool:
                return len(await world.outbox()) == 6

            await until(all_have_one, seconds=60)
        waited = await world.rows(
            "select o.at - l.at from outbox o join log l on l.profile_id = o.profile_id and l.kind = 'event'"
        )
        assert [row[0] for row in waited] == [1000] * 6


@pytest.mark.parametrize("seed", range(3))
async def test_a_database_whose_clock_jumps_to_and_fro_keeps_order_and_waits(database_url: str, seed: int) -> None:
    await migrate(database_url, partitions=2)
    chance = random.Random(seed)
    async with make_pool(database_url, smallest=1, largest=4) as pool:
        world = World(pool, 2, database_url)
        await world.publish(CART)
        await world.known(*range(1, 21))
        lasts = dict.fromkeys(range(1, 21), 0)
        ordered: set[int] = set()
        for id in range(1, 21):
            world.clock.now += chance.choice((-HOUR, -MINUTE, -1, 0, 1, MINUTE, HOUR, HOUR))
            await world.event(id, "Product Added")
            if chance.random() < 0.3:
                await world.event(id, "Order Completed")
                ordered.add(id)
            await world.run(batch=chance.choice((1, 2000)))
            for one in lasts:
                last = (await world.profile(one)).last
                assert last >= lasts[one]
                lasts[one] = last
        world.clock.now = max(world.clock.now, START + DAY) + 3 * HOUR
        await world.run()
        by_partition = await world.rows("select partition, seq, at from log order by partition, seq")
        for (partition, _, at), (following, _, later) in itertools.pairwise(by_partition):
            assert partition != following or at <= later
        mails = await world.rows("select profile_id, at from outbox where template = 'first' order by 1")
        assert [row[0] for row in mails] == sorted(set(range(1, 21)) - ordered)
        entered = dict(
            await world.rows("select profile_id, at from log where payload->>'name' = 'Product Added' order by 1")
        )
        assert all(at == entered[id] + 2 * HOUR for id, at in mails)
