"""Accepted means durable; what is not accepted is said so, and nothing in between."""

import asyncio

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from tests.intake.conftest import serving

from wend.intake import Limits
from wend.intake.group_commit import Stopping
from wend.intake.items import Entry, Message

ITEM = {"type": "track", "event": "E", "userId": "u1"}


async def test_many_requests_share_a_transaction_and_all_are_written(world):
    async def client(number):
        for turn in range(5):
            answer = await world.post("/v1/track", {**ITEM, "userId": f"u{number}", "event": f"E{turn}"})
            assert answer.content == b'{"success": true}'

    await asyncio.gather(*(client(number) for number in range(30)))
    assert world.intake.groups.committed == 150
    assert world.intake.groups.groups < 75
    assert world.intake.groups.waiting == 0
    events = [(person, payload["name"]) for person, kind, payload in await world.log() if kind == "event"]
    assert len(events) == 150
    by_person = {}
    for person, name in events:
        by_person.setdefault(person, []).append(name)
    assert set(map(tuple, by_person.values())) == {("E0", "E1", "E2", "E3", "E4")}  # each client's order is kept


async def test_a_full_queue_answers_429_with_retry_after_and_takes_nothing(database_url):
    async with serving(database_url, Limits(queue_items=50, group_items=10)) as world:
        async with world.pool.connection() as conn:
            await conn.execute("select 1 from head order by partition for update")  # writing stands still
            requests = [asyncio.create_task(world.post("/v1/batch", {"batch": [ITEM] * 10})) for _ in range(8)]
            done: set[asyncio.Task] = set()
            while len(done) < 3:
                done, _ = await asyncio.wait(requests, timeout=0.05)
            for task in done:
                answer = task.result()
                assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
                assert int(answer.headers["retry-after"]) >= 1
                assert answer.headers["access-control-expose-headers"] == "Retry-After"
        answers = await asyncio.gather(*requests)
        taken = sum(answer.status_code == 200 for answer in answers)
        assert taken == 5
        events = [kind for _, kind, _ in await world.log() if kind == "event"]
        assert len(events) == 10 * taken


async def test_a_store_that_is_away_answers_503_and_later_takes_again(database_url, pg_server):
    async with serving(database_url, Limits(store_seconds=0.5)) as world:
        assert (await world.post("/v1/track", ITEM)).status_code == 200
        database = str(conninfo_to_dict(database_url)["dbname"])
        name = sql.Identifier(database)
        with psycopg.connect(pg_server.dsn_of("postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("alter database {} allow_connections false").format(name))
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (database,))
            answer = await world.post("/v1/track", {**ITEM, "event": "Lost?"})
            assert (answer.status_code, answer.json()["code"]) == (503, "store_away")
            assert int(answer.headers["retry-after"]) >= 1
            admin.execute(sql.SQL("alter database {} allow_connections true").format(name))
        for _ in range(100):
            answer = await world.post("/v1/track", {**ITEM, "event": "Back"})
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.1)
        assert [payload["name"] for _, kind, payload in await world.log() if kind == "event"] == ["E", "Back"]


async def test_a_broken_connection_is_replaced_without_the_client_noticing(world):
    assert (await world.post("/v1/track", ITEM)).status_code == 200
    with psycopg.connect(world.dsn, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert (await world.post("/v1/track", {**ITEM, "event": "Again"})).status_code == 200
    assert [payload["name"] for _, kind, payload in await world.log() if kind == "event"] == ["E", "Again"]


async def test_a_workspace_that_replays_answers_503(world):
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
    answer = await world.post("/v1/track", ITEM)
    assert (answer.status_code, answer.json()["code"]) == (503, "replay_mode")
    assert int(answer.headers["retry-after"]) >= 1
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"live\"' where name = 'mode'")
    assert (await world.post("/v1/track", ITEM)).status_code == 200


async def test_stopping_writes_what_was_taken_and_takes_nothing_more(world):
    async with world.pool.connection() as conn:
        await conn.execute("select 1 from head order by partition for update")
        requests = [
            asyncio.create_task(world.post("/v1/track", {**ITEM, "event": f"E{number}"})) for number in range(5)
        ]
        while world.intake.groups.waiting < 5:
            await asyncio.sleep(0.01)
        stopping = asyncio.create_task(world.intake.stop())
        await asyncio.sleep(0)
        answer = await world.post("/v1/track", {**ITEM, "event": "Late"})
        assert (answer.status_code, answer.json()["code"]) == (503, "stopping")
    await stopping
    assert [answer.status_code for answer in await asyncio.gather(*requests)] == [200] * 5
    names = [payload["name"] for _, kind, payload in await world.log() if kind == "event"]
    assert sorted(names) == [f"E{number}" for number in range(5)]
    with pytest.raises(Stopping):
        await world.intake.take([])


async def test_an_item_that_the_database_refuses_does_not_take_others_with_it(world):
    def message(user, payload):
        return Message(user, None, 1, (Entry("event", payload),))

    good = [message(f"u{number}", b'{"name":"x","at":1}') for number in range(9)]
    bad = message("bad", b'{"name":')
    refused = await asyncio.gather(
        world.intake.take(good[:3]), world.intake.take([good[3], bad, good[4]]), world.intake.take(good[5:])
    )
    assert refused == [[], [1], []]
    assert len([kind for _, kind, _ in await world.log() if kind == "event"]) == 9


async def test_a_client_that_goes_away_while_it_is_written_loses_nothing(world):
    async with world.pool.connection() as conn:
        await conn.execute("select 1 from head order by partition for update")
        request = asyncio.create_task(world.post("/v1/track", ITEM))
        while world.intake.groups.waiting < 1:
            await asyncio.sleep(0.01)
        request.cancel()
    while world.intake.groups.waiting:
        await asyncio.sleep(0.01)
    assert [kind for _, kind, _ in await world.log()] == ["identify", "event"]
