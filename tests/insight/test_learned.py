"""Best times and weights of splits, learned from what the engine has recorded, and published."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from wend.api.acts.settings import check
from wend.commands.errors import UserError
from wend.commands.housekeeping import relearn
from wend.commands.learning import publish
from wend.core.inputs import Event, Feedback, Identify
from wend.engine.plans import load_plan
from wend.engine.publish import change_life, publish_journey, publish_settings
from wend.engine.replaying import Replay
from wend.insight.bandits import DRAWS, FLOOR, weights
from wend.insight.best_time import best
from wend.store.clock import now_ms
from wend.store.codec import encode_input
from wend.store.log import NewInput
from wend.store.migrate import migrate
from wend.store.postgres import Pool, make_pool

HOUR = 3_600_000
DAY = 24 * HOUR

OFFER: dict[str, Any] = {
    "id": "offer",
    "entry": {"on": {"event": "Go"}},
    "goal": {"event": "Bought", "within": "7d"},
    "start": "draw",
    "nodes": {
        "draw": {"split": {"weights": {"a": 1, "b": 1}, "optimise": "goal"}, "a": "over", "b": "over"},
        "over": {"end": None},
    },
}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    await migrate(database_url, partitions=2)
    async with make_pool(database_url, largest=3) as opened:
        yield opened


async def nothing(_: int) -> None:
    """No message is sent."""


def row(person: int, input: Any) -> NewInput:
    return NewInput(person, input.KIND, encode_input(input), None)


async def test_weights_are_learned_from_goals_published_and_taken(pool: Pool) -> None:
    async with pool.connection() as conn:
        now = await now_ms(conn)
    begin = now - 2 * DAY
    async with Replay(pool, deliver=nothing) as replay:
        await replay.advance(begin)
        async with pool.connection() as conn:
            assert not await relearn(conn, "bandits", now), "no journey learns"
            with pytest.raises(UserError, match="no running journey"):
                await publish(conn, "bandits", who="test")
            await publish_journey(conn, OFFER)
        await replay.append([(begin + 1, row(person, Event("Go", begin + 1))) for person in range(1, 201)])
        await replay.advance(begin + HOUR)
        async with pool.connection() as conn:
            arms = await _arms(conn)
            assert set(arms.values()) == {"a", "b"}
        bought = [person for person, arm in arms.items() if arm == "b" or person % 10 == 0]
        at = begin + 2 * HOUR
        await replay.append([(at, row(person, Event("Bought", at))) for person in bought])
        await replay.advance(at + 1)
    async with pool.connection() as conn:
        assert await relearn(conn, "bandits", now)
        assert not await relearn(conn, "bandits", now + HOUR - 1), "another server was faster"
        learned = (await load_plan(conn)).settings["bandits"]
        assert learned == {"offer/draw": {"a": FLOOR, "b": round(1 - FLOOR, 4)}}
        number = (await load_plan(conn)).number
        assert await publish(conn, "bandits", who="test") == "nothing has changed"
        assert (await load_plan(conn)).number == number
        await change_life(conn, "stop", "offer")
        assert not await relearn(conn, "bandits", now + DAY)


async def _arms(conn: Any) -> dict[int, str]:
    found = await conn.execute("select profile_id, branch from step where node = 'draw' and kind = 'moved'")
    return dict(await found.fetchall())


async def test_the_best_time_of_all_people_is_learned_from_their_local_hours(pool: Pool) -> None:
    slot = {"n": {"wait_for_slot": {"best_time": "email"}, "next": "over"}, "over": {"end": None}}
    journey = {"id": "slot", "entry": {"on": "api"}, "start": "n", "nodes": slot}
    async with pool.connection() as conn:
        now = await now_ms(conn)
    midnight = now // DAY * DAY - 2 * DAY

    def opened(person: int, hour: int, channel: str = "email", **more: Any) -> tuple[int, NewInput]:
        at = midnight + hour * HOUR + person
        return at, row(person, Feedback(f"e{person}-{hour}", "opened", at, channel=channel, **more))

    async with Replay(pool, deliver=nothing) as replay:
        await replay.advance(midnight)
        async with pool.connection() as conn:
            with pytest.raises(UserError, match="on no channel there were 50"):
                await publish(conn, "best_time", who="test")
            await publish_settings(conn, {"zone": "Asia/Tokyo"})
        zones = {0: "America/Phoenix", 1: "Mars/Olympus"}  # UTC−7; none of the world's, so the workspace's, UTC+9
        people = [(midnight, row(p, Identify({"timezone": zones[p % 2]}, midnight))) for p in range(1, 81)]
        await replay.append(people)
        inputs = [opened(p, 2 if p % 2 == 0 else 10) for p in range(1, 81)]  # 19:00 for all of them
        inputs += [opened(p, 5, machine=True) for p in range(1, 81)]
        inputs += [opened(p, 5, "sms") for p in range(1, 41)]
        await replay.append(sorted(inputs, key=lambda one: one[0]))
        await replay.advance(midnight + DAY)
    async with pool.connection() as conn:
        assert not await relearn(conn, "best_time", now), "no journey reads it"
        await publish_journey(conn, journey)
        assert await relearn(conn, "best_time", now)
        assert (await load_plan(conn)).settings["best_time"] == {"email": 19}


def test_an_arm_weighs_as_much_as_it_is_likely_to_be_the_best() -> None:
    unknown = weights({"a": (0, 0), "b": (0, 0)})
    assert all(0.45 < one < 0.55 for one in unknown.values())
    better = weights({"a": (100, 10), "b": (100, 14)})
    assert 0.6 < better["b"] < 0.95 and abs(sum(better.values()) - 1) < 0.001
    assert weights({"a": (1000, 10), "b": (1000, 200)})["a"] == FLOOR
    assert weights({"a": (10, 30), "b": (10, 0)})["a"] > 0.9, "more goals than ways: a loop"
    assert weights({"a": (5, 1), "b": (5, 1)}, "x") == weights({"a": (5, 1), "b": (5, 1)}, "x") and DRAWS


def test_the_best_hour_counts_those_beside_it_half() -> None:
    assert best(Counter({9: 10, 20: 8, 21: 6, 19: 6})) == 20
    assert best(Counter({0: 4, 23: 4})) == 0


def test_learned_settings_are_checked_like_all_others() -> None:
    assert [one.where for one in check({"best_time": 5, "bandits": []})] == ["best_time", "bandits"]
