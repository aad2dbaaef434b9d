"""engine.md 1, 23: appending. Nothing is lost, nothing is overtaken, times never run backwards."""

import asyncio
import random

import pytest

from wend.store import days
from wend.store.clock import DatabaseClock, now_ms
from wend.store.log import Appender, NewInput, append, message_hash, partition_of
from wend.store.migrate import migrate
from wend.store.postgres import connect, fetch_all, make_pool

START = 1_760_000_000_000


def event(id: int, text: str = "{}", hash: int | None = None) -> NewInput:
    return NewInput(id, "event", text.encode(), hash)


async def test_rows_of_one_call_have_one_instant_and_numbers_in_their_order(database_url: str) -> None:
    await migrate(database_url, partitions=4)
    conn = await connect(database_url)
    before = await now_ms(conn)
    at = await append(conn, [event(4, '{"n": 1}'), event(5, '{"n": "é"}', -7), event(8, '{"n": 3}', 1 << 62)])
    await conn.commit()
    assert before <= at <= await now_ms(conn)
    rows = await fetch_all(
        conn, "select partition, seq, at, profile_id, kind, message_hash, payload from log order by 1, 2"
    )
    assert rows == [
        (0, 1, at, 4, "event", None, b'{"n": 1}'),
        (0, 2, at, 8, "event", 1 << 62, b'{"n": 3}'),
        (1, 1, at, 5, "event", -7, '{"n": "é"}'.encode()),
    ]
    assert await append(conn, []) == 0
    assert await fetch_all(conn, "select partition, seq from head where seq > 0 order by 1") == [(0, 2), (1, 1)]
    await conn.close()


async def test_time_never_runs_backwards_in_a_partition_even_when_the_clock_does(database_url: str) -> None:
    await migrate(database_url, partitions=2)
    conn = await connect(database_url)
    appender = Appender(2)
    assert await appender.append(conn, [event(2)], at=START) == START
    assert await appender.append(conn, [event(2)], at=START - 1000) == START
    assert await appender.append(conn, [event(3)], at=START - 1000) == START - 1000
    assert await appender.append(conn, [event(2), event(3)], at=START - 500) == START
    await conn.commit()
    for partition in (0, 1):
        rows = await fetch_all(conn, "select at from log where partition = %s order by seq", (partition,))
        assert rows == sorted(rows)
    await conn.close()


async def test_many_appenders_over_many_partitions_neither_deadlock_nor_leave_gaps(database_url: str) -> None:
    await migrate(database_url, partitions=8)
    async with make_pool(database_url, largest=8) as pool:
        appender = Appender(8)

        async def work(seed: int) -> int:
            chance = random.Random(seed)
            count = 0
            for _ in range(25):
                ids = [chance.randrange(1, 1 << 63) for _ in range(chance.randrange(1, 20))]
                async with pool.connection() as conn:
                    await appender.append(conn, [event(id) for id in ids])
                    if chance.random() < 0.2:
                        await conn.rollback()
                        continue
                count += len(ids)
            return count

        total = sum(await asyncio.gather(*(work(seed) for seed in range(8))))
        async with pool.connection() as conn:
            rows = await fetch_all(conn, "select partition, count(*), max(seq), min(seq) from log group by 1")
            heads = dict(await fetch_all(conn, "select partition, seq from head where seq > 0"))
            backwards = await fetch_all(
                conn,
                "select 1 from (select at < lag(at) over (partition by partition order by seq) b from log) t where b",
            )
        assert sum(row[1] for row in rows) == total
        assert all(count == last == heads[partition] and first == 1 for partition, count, last, first in rows)
        assert backwards == []


async def test_an_append_makes_the_day_it_needs(database_url: str) -> None:
    await migrate(database_url, partitions=1)
    conn = await connect(database_url)
    appender = Appender(1)
    far = START - 500 * days.DAY
    assert await appender.append_timed(conn, [(far, event(1)), (far, event(1)), (far + 3 * days.DAY, event(1))]) == (
        far + 3 * days.DAY
    )
    await conn.rollback()
    with pytest.raises(Exception, match="no partition of relation"):
        await appender.append(conn, [event(1)], at=far)  # the days were rolled back with the rows …
    await conn.rollback()
    await appender.append(conn, [event(1)], at=far)  # … and are made again
    await conn.commit()
    assert await fetch_all(conn, "select at from log") == [(far,)]
    await conn.close()


def test_a_person_never_changes_partition_and_people_spread_evenly() -> None:
    chance = random.Random(1)
    counts = [0] * 64
    for _ in range(64_000):
        counts[partition_of(chance.randrange(1, 1 << 63), 64)] += 1
    assert min(counts) > 800
    assert max(counts) < 1200


def test_a_message_id_has_one_hash_of_64_bits() -> None:
    assert message_hash("a") == message_hash("a") != message_hash("b")
    assert all(-(1 << 63) <= message_hash(str(n)) < 1 << 63 for n in range(100))
    assert message_hash("\ud800")  # no text is refused


async def test_the_clock_of_a_process_is_the_database_s(database_url: str) -> None:
    clock = DatabaseClock()
    with pytest.raises(RuntimeError, match="refresh"):
        clock.now_ms()
    assert not clock.ready
    async with make_pool(database_url) as pool:
        await clock.refresh(pool)
        async with pool.connection() as conn:
            assert abs(clock.now_ms() - await now_ms(conn)) < 1000
    assert clock.ready
    assert abs(clock.skew) < 1000
