"""engine.md 14: a failing input stops its person only; retry, skip; a partition where too much fails stops."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.engine.world import START, WELCOME, Running, World, until

from wend.core import react as core
from wend.core.inputs import Erase, Event, Feedback, Input
from wend.engine import person
from wend.engine.batch import TooManyFailures
from wend.engine.claim import resume_partition, stopped_partitions
from wend.engine.live import Worker
from wend.engine.parking import list_parked, retry_parked, skip_parked


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Names of events that the core cannot take; a mistake in a node or a fact would look the same."""
    names: set[str] = set()
    real = core.react

    def react(plan: Any, profile: Any, input: Input | None, now: int, lag: int | None = 0) -> Any:
        decision = real(plan, profile, input, now, lag)
        if isinstance(input, Event) and input.name in names:
            raise ZeroDivisionError(f"{input.name} cannot be applied")
        return decision

    monkeypatch.setattr(person, "react", react)
    yield names


async def test_a_failing_input_parks_its_person_and_nobody_else(world: World, poison: set[str]) -> None:
    poison.add("Bad")
    await world.publish(WELCOME)
    await world.known(1, 5)
    await world.event(1, "Page Viewed")
    await world.event(1, "Bad")
    await world.event(1, "Signed Up")
    await world.event(5, "Signed Up")
    await world.run()
    assert [row[0] for row in await world.outbox()] == ["5-1.0"]
    async with world.pool.connection() as conn:
        bad, behind = await list_parked(conn)
    assert (bad.profile_id, bad.kind, bad.tries) == (1, "event", 1)
    assert "Bad cannot be applied" in (bad.error or "")
    assert (behind.error, behind.seq > bad.seq) == (None, True)
    assert (await world.profile(1)).facts.last_seen == START  # what came before was kept
    await world.event(1, "Signed Up", message_id="later")
    await world.run()
    await world.event(1, "Signed Up", message_id="later")  # a repeat is not parked twice
    await world.run()
    async with world.pool.connection() as conn:
        assert len(await list_parked(conn)) == 3


async def test_a_retry_applies_what_was_parked_in_order_at_the_present_log_time(world: World, poison: set[str]) -> None:
    poison.add("Bad")
    await world.publish(WELCOME)
    await world.known(1)
    await world.event(1, "Bad")
    await world.event(1, "Signed Up")
    await world.run()
    world.clock.now += 60_000
    await world.event(5, "Page Viewed")
    await world.run()
    async with world.pool.connection() as conn:
        assert await retry_parked(conn, world.batches, 1, clock=world.clock.now) == 2
        assert [one.tries for one in await list_parked(conn)] == [2, 0]
        poison.clear()
        assert await retry_parked(conn, world.batches, 1, clock=world.clock.now) == 0
        assert await list_parked(conn) == []
    [(effect, _, at, _)] = await world.outbox()
    assert (effect, at) == ("1-1.0", START + 60_000)
    assert (await world.profile(1)).facts.last_seen == START  # their own timestamps
    await world.append((1, Feedback(effect, "accepted", world.clock.now, "1-1", 0)))
    await world.run()
    assert (await world.profile(1)).runs == []


async def test_skipping_drops_the_failing_input_and_goes_on_behind_it(world: World, poison: set[str]) -> None:
    poison.add("Bad")
    await world.publish(WELCOME)
    await world.known(1)
    await world.event(1, "Bad", n=7)
    await world.event(1, "Signed Up")
    await world.run()
    async with world.pool.connection() as conn:
        dropped = await skip_parked(conn, world.batches, 1, clock=world.clock.now)
        assert dropped is not None
        assert dropped[0] == "event"
        assert b'"Bad"' in dropped[1]
        assert await skip_parked(conn, world.batches, 1, clock=world.clock.now) is None
    assert len(await world.outbox()) == 1


async def test_a_wake_that_fails_parks_its_person_and_can_be_retried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.world import CART, HOUR

    await world.publish(CART)
    await world.known(1)
    await world.event(1, "Product Added")
    await world.run()
    real = core.react

    def react(plan: Any, profile: Any, input: Input | None, now: int, lag: int | None = 0) -> Any:
        if input is None:
            raise ZeroDivisionError("woke on the wrong side")
        return real(plan, profile, input, now, lag)

    with monkeypatch.context() as patch:
        patch.setattr(person, "react", react)
        world.clock.now += 2 * HOUR
        await world.run()
        await world.event(1, "Page Viewed")
        await world.run()
    async with world.pool.connection() as conn:
        first, second = await list_parked(conn)
        assert (first.kind, second.kind) == ("wake", "event")
        assert await retry_parked(conn, world.batches, 1, clock=world.clock.now) == 0
    assert [row[0] for row in await world.outbox()] == ["1-1.1"]


async def test_a_payload_that_is_no_input_is_parked_too(world: World) -> None:
    await world.publish(WELCOME)
    await world.known(1)
    async with world.pool.connection() as conn:
        from wend.store.log import NewInput

        await world.appender.append(conn, [NewInput(1, "event", b'{"name": 5}')], at=world.clock.now)
        await world.appender.append(conn, [NewInput(5, "gossip", b"{}")], at=world.clock.now)
    await world.run()
    async with world.pool.connection() as conn:
        assert {(one.profile_id, one.kind) for one in await list_parked(conn)} == {(1, "event"), (5, "gossip")}


async def test_a_state_that_cannot_be_written_concerns_its_person_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.publish(WELCOME)
    await world.known(1, 5)
    await world.run()
    real = core.react

    def react(plan: Any, profile: Any, input: Input | None, now: int, lag: int | None = 0) -> Any:
        decision = real(plan, profile, input, now, lag)
        if profile.id == 1:
            decision.profile.tags.append(object())  # pyright: ignore[reportArgumentType]
        return decision

    monkeypatch.setattr(person, "react", react)
    await world.event(1, "Signed Up")
    await world.event(5, "Signed Up")
    await world.run()
    assert [row[0] for row in await world.outbox()] == ["5-1.0"]
    async with world.pool.connection() as conn:
        assert [one.profile_id for one in await list_parked(conn)] == [1]


async def test_a_partition_stops_when_more_than_five_percent_fail_and_parks_none_of_them(
    world: World, poison: set[str]
) -> None:
    poison.add("Bad")
    await world.publish(WELCOME)
    for id in range(4, 4 * 40, 4):
        await world.event(id, "Bad")
    with pytest.raises(TooManyFailures, match="39 of the last 39"):
        await world.run(only=[0])
    assert await world.rows("select 1 from parked") == []
    worker = Worker(world.pool, world.clock, name="w", poll=0.01)
    await world.event(1, "Page Viewed")
    async with Running(worker):

        async def stopped() -> bool:
            async with world.pool.connection() as conn:
                return 0 in await stopped_partitions(conn) and worker.counters.applied > 0

        await until(stopped)
        poison.clear()
        async with world.pool.connection() as conn:
            assert await resume_partition(conn, 0)
            assert not await resume_partition(conn, 1)

        async def applied() -> bool:
            return len(await world.rows("select 1 from profile where partition = 0")) == 39

        await until(applied)


async def test_an_erasure_is_not_held_up_by_a_failure(world: World, poison: set[str]) -> None:
    poison.add("Bad")
    await world.publish(WELCOME)
    await world.known(1)
    await world.event(1, "Bad")
    await world.run()
    await world.append((1, Erase(world.clock.now)))
    await world.run()
    assert await world.rows("select 1 from parked") == []
    profile = await world.profile(1)
    assert (profile.erased, profile.attributes) == (True, {})


async def test_an_input_on_which_the_worker_dies_again_and_again_is_parked_unread(world: World) -> None:
    """`tries` is committed before the attempt, so that even a dead worker's attempts count."""
    await world.publish(WELCOME)
    await world.known(1, 5)
    await world.run()
    await world.event(1, "Signed Up")
    await world.event(5, "Signed Up")
    async with world.pool.connection() as conn:
        await conn.execute("update cursor set tries = 8 where partition = 1")
    await world.run()
    parked = await world.rows("select profile_id, error from parked")
    assert [row[0] for row in parked] == [1]
    assert "ended the worker" in parked[0][1]
    assert [row[0] for row in await world.outbox()] == ["5-1.0"]


async def test_a_batch_that_the_database_refuses_is_tried_in_smaller_steps_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wend.engine import batch as batches

    await world.publish(WELCOME)
    await world.known(*range(1, 60))
    real = batches.write
    refused: list[int] = []

    async def write(conn: Any, sheet: Any, now: int) -> None:
        if len(sheet.writes[0]) > 3:
            refused.append(len(sheet.writes[0]))
            raise psycopg.DataError("too much for me")
        await real(conn, sheet, now)

    monkeypatch.setattr(batches, "write", write)
    worker = Worker(world.pool, world.clock, name="w", poll=0.01, batch=2000)
    async with Running(worker):

        async def applied() -> bool:
            return len(await world.rows("select 1 from profile")) == 59

        await until(applied)
    assert refused
    assert worker.counters.retried >= len(refused)
