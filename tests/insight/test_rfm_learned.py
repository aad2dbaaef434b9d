"""Thresholds learned from everybody: fifths of the buyers, crowds that stay together, and publishing them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.commands.errors import UserError
from wend.commands.housekeeping import relearn
from wend.commands.learning import publish
from wend.core.pack import pack
from wend.core.profile import Facts, Profile
from wend.core.rfm import Thresholds, check
from wend.core.rfm import thresholds as in_force
from wend.engine.plans import load_plan
from wend.insight.rfm import LEAST, TooFew, learn, thresholds
from wend.store.clock import now_ms
from wend.store.codec import decode_facts, encode_state
from wend.store.migrate import migrate
from wend.store.postgres import Connection, connect

DAY = 86_400_000


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    await migrate(database_url, partitions=4)
    found = await connect(database_url)
    try:
        yield found
    finally:
        await found.close()


async def buyers(conn: Connection, now: int, count: int) -> None:
    """Number n ordered n times, n days ago, for 10 n in all; as many others never did."""
    async with conn.cursor() as cursor:
        for n in range(1, count + 1):
            facts = Facts(orders=n, revenue=10.0 * n, last_order_at=now - n * DAY)
            for id, profile in ((n, Profile(n, facts=facts)), (10_000 + n, Profile(10_000 + n))):
                row = (id % 4, id, encode_state(profile))
                await cursor.execute("insert into profile (partition, id, state) values (%s, %s, %b)", row)


async def test_each_point_holds_a_fifth_of_the_buyers(conn: Connection) -> None:
    now = await now_ms(conn)
    await buyers(conn, now, 100)
    found = await learn(conn, now)
    problems: list[Any] = []
    check(found, "rfm", problems)
    assert problems == [] and found["learned"] is True
    limits = in_force({"rfm": found})
    points = [limits.points(Facts(orders=n, revenue=10.0 * n, last_order_at=now - n * DAY), now) for n in range(1, 101)]
    for which in ("r", "f", "m"):
        counts = [sum(getattr(one, which) == wanted for one in points) for wanted in (1, 2, 3, 4, 5)]
        assert all(19 <= count <= 21 for count in counts), (which, counts)
    shares = [limits.share(Facts(orders=1, revenue=10.0 * n, last_order_at=1)) for n in range(1, 101)]
    revenue = {name: sum(10 * n for n, one in enumerate(shares, 1) if one == name) / 50_500 for name in "abc"}
    assert 0.8 <= revenue["a"] < 0.82 and 0.12 < revenue["b"] <= 0.16, revenue


async def test_few_buyers_say_nothing(conn: Connection) -> None:
    await buyers(conn, await now_ms(conn), LEAST - 1)
    with pytest.raises(TooFew, match="19 people have ordered so far; 20 are needed"):
        await learn(conn, await now_ms(conn))
    with pytest.raises(UserError, match="rfm: 19 people have ordered"):
        await publish(conn, "rfm", who="test")


async def test_what_was_learned_is_published_and_learned_anew_each_week_by_one_server(conn: Connection) -> None:
    now = await now_ms(conn)
    await buyers(conn, now, 40)
    assert not await relearn(conn, "rfm", now), "nobody asked for it"
    assert (await publish(conn, "rfm", who="test")).startswith("published as change 1 of the plan")
    assert (await load_plan(conn)).settings["rfm"]["learned"] is True
    assert await relearn(conn, "rfm", now)
    assert not await relearn(conn, "rfm", now + 6 * DAY), "another server was faster"
    assert await relearn(conn, "rfm", now + 7 * DAY)


def test_a_crowd_with_one_order_stays_together() -> None:
    found = thresholds([DAY] * 10, [1] * 6 + [2, 2, 3, 9], [0.0] * 10)
    assert found["frequency"] == [2, 2, 2, 3], "six of ten have 1 point, the two best 5"
    assert found["money"] == [0.01] * 4 and "abc" not in found, "nobody paid anything"
    assert found["recency"] == ["24h"] * 4


@given(st.lists(st.tuples(st.integers(0, 10**11), st.integers(1, 50), st.floats(0, 1e6)), min_size=1, max_size=60))
def test_no_point_but_the_lowest_is_given_to_more_than_its_share(people: list[tuple[int, int, float]]) -> None:
    ages, orders, revenues = (list(column) for column in zip(*people, strict=True))
    found = thresholds(ages, orders, revenues)  # pyright: ignore[reportArgumentType]
    problems: list[Any] = []
    check(found, "rfm", problems)
    assert problems == []
    limits: Thresholds = in_force({"rfm": found})
    for threshold, share in zip(limits.frequency, (0.8, 0.6, 0.4, 0.2), strict=True):
        assert sum(one >= threshold for one in orders) <= share * len(orders)


def test_facts_are_read_alone() -> None:
    profile = Profile(1, facts=Facts(orders=3, revenue=5.5, last_order_at=7, currency="EUR"))
    assert decode_facts(encode_state(profile)) == profile.facts
    assert decode_facts(encode_state(Profile(2))) == Facts() and len(pack(Profile(2))) < 11
