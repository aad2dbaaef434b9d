"""Who takes messages does not wade through what is asked of the outside, nor the other way round: each has an index of its own."""

from __future__ import annotations

from typing import LiteralString, cast

import pytest
from tests.delivery.asking import asks, call
from tests.delivery.conftest import NOON, World

from wend.core.effects import ASK_KINDS
from wend.store.postgres import fetch_all, sql


@pytest.mark.parametrize(("block", "index"), [("delivery_claim", "outbox_due"), ("ask_claim", "outbox_asked")])
async def test_a_claim_looks_only_into_its_own_index(world: World, block: str, index: str) -> None:
    args = {
        "partitions": [0, 1], "now": NOON, "lease": NOON, "owner": "me", "limit": 10, "each": 8, "mode": "\"live\"", "busy": ["x"],
    }  # fmt: skip
    async with world.pool.connection() as conn:
        await conn.execute("set local enable_seqscan = off")
        plan = "\n".join(row[0] for row in await fetch_all(conn, cast("LiteralString", "explain " + sql(block)), args))
    assert index in plan
    assert ("outbox_due" in plan) != ("outbox_asked" in plan)


def test_the_kinds_in_the_indexes_are_all_there_are() -> None:
    kinds = "'api', 'coupon', 'audience', 'alert'"
    assert {one.strip().strip("'") for one in kinds.split(",")} == ASK_KINDS
    assert f"in ({kinds})" in sql("ask_claim")
    assert f"not in ({kinds})" in sql("delivery_claim")


async def test_the_sender_leaves_asks_alone_and_the_other_way_round(world: World) -> None:
    person = await world.person()
    await world.template()
    mail = await world.queue(person)
    asked = await call(world, person, service="nobody")
    assert await asks(world).drain() == 1
    assert (await world.message(mail))["status"] == "queued"
    assert (await world.message(asked))["status"] == "refused"
    await call(world, person)
    assert await world.sender({}).drain() == 1
