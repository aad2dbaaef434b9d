"""Coupons are given once each, however many executors work; audience changes are written down once."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.delivery.asking import COUPON, answers, ask, asks, the_answer
from tests.delivery.conftest import NOON, PARTITIONS, World

from wend.core.coupon import DIGITS, LETTERS
from wend.core.inputs import Answer, Erase
from wend.delivery.asks.coupon import code_of
from wend.engine.batch import Batches, Lane, Tick
from wend.store.codec import encode_input
from wend.store.log import Appender, NewInput
from wend.store.postgres import fetch_one, sql

DAY = 86_400_000


async def pool(world: World, *codes: str, **given: Any) -> None:
    """The pool `summer` with uploaded codes, or a pattern."""
    async with world.pool.connection() as conn:
        rules = {"id": "summer", "pattern": None, "lasting": None, "expires_at": None, "now": NOON, **given}
        await conn.execute(sql("pool_put"), rules)
        await conn.execute(sql("coupon_upload"), {"pool": rules["id"], "codes": list(codes)})


async def issue(world: World, profile: Any = None, **request: Any) -> str:
    return await ask(world, profile or await world.person(), "coupon", {**COUPON, **request})


async def test_two_executors_never_give_a_code_twice_and_the_last_one_gone_is_said(world: World) -> None:
    await pool(world, *(f"CODE-{n:03}" for n in range(60)))
    effects = [await issue(world) for _ in range(70)]
    for _ in range(4):
        await asyncio.gather(asks(world).drain(), asks(world).drain())
        world.clock.ms += 1_000
    found = {one.effect_id: one for one in await answers(world)}
    assert sorted(found) == sorted(effects)
    given = [one.value["code"] for one in found.values() if one.state == "ok"]
    assert len(given) == len(set(given)) == 60
    exhausted = [one for one in found.values() if one.state == "exhausted"]
    assert {one.why for one in exhausted} == {"pool summer is empty"}
    statuses = await world.rows("select status, count(*) as n from outbox group by 1")
    assert {row["status"]: row["n"] for row in statuses} == {"accepted": 60, "refused": 10}


async def test_an_effect_that_is_carried_out_once_more_has_the_same_code(world: World) -> None:
    await pool(world, "A", "B", "C")
    person = await world.person()
    effect = await issue(world, person, once_per_profile=False)
    await asks(world).drain()
    first = (await the_answer(world, effect)).value
    async with (
        world.pool.connection() as conn
    ):  # as if it had died between issuing and settling, were these two transactions
        await conn.execute("update outbox set status = 'sending', lease = 0, owner = 'dead'")
    await asks(world).drain()
    values = [one.value for one in await answers(world)]
    assert values == [first, first]
    assert (await world.rows("select count(*) as n from coupon where issued_at is not null"))[0]["n"] == 1


async def test_somebody_gets_the_same_code_again_unless_each_time_a_new_one_is_wanted(world: World) -> None:
    await pool(world, *(f"C{n}" for n in range(9)))
    person = await world.person()
    once = [await issue(world, person) for _ in range(3)]
    await asyncio.gather(asks(world).drain(), asks(world).drain())
    codes = {(await the_answer(world, effect)).value["code"] for effect in once}
    assert len(codes) == 1
    more = [await issue(world, person, once_per_profile=False) for _ in range(2)]
    await asks(world).drain()
    assert len(codes | {(await the_answer(world, effect)).value["code"] for effect in more}) == 3


async def test_a_code_of_an_absorbed_person_is_the_survivors(world: World) -> None:
    await pool(world, "A", "B")
    old = await world.person()
    first = await issue(world, old)
    await asks(world).drain()
    new = await world.person()
    async with world.pool.connection() as conn:
        await conn.execute("insert into alias (absorbed, survivor, at) values (%s, %s, 1)", (old.id, new.id))
    second = await issue(world, new)
    await asks(world).drain()
    assert (await the_answer(world, second)).value == (await the_answer(world, first)).value


async def test_codes_of_a_pattern_are_made_when_they_are_needed(world: World) -> None:
    effect = await issue(world, pool="j.gift", pattern="HI-????-##", expires=7 * DAY)
    await asks(world).drain()
    value = (await the_answer(world, effect)).value
    assert value == {"code": value["code"], "pool": "j.gift", "expires_at": NOON + 7 * DAY}
    start, letters, digits = value["code"].split("-")
    assert start == "HI" and set(letters) <= set(LETTERS) and set(digits) <= set(DIGITS)
    assert (len(letters), len(digits)) == (4, 2)
    (row,) = await world.rows("select * from coupon_pool")
    assert (row["id"], row["pattern"]) == ("j.gift", "HI-????-##")


def test_made_codes_hold_nothing_that_can_be_mistaken() -> None:
    codes = {code_of("????????") for _ in range(500)}
    assert len(codes) == 500
    assert not set("".join(codes)) & set("01OILoil")


async def test_a_pattern_that_is_used_up_says_so(world: World) -> None:
    await pool(world, *DIGITS, pattern="#")
    effect = await issue(world)
    await asks(world).drain()
    found = await the_answer(world, effect)
    assert (found.state, found.why) == (
        "exhausted",
        "the codes of pool summer are nearly used up; give it a longer pattern",
    )


async def test_how_long_a_code_is_good_is_the_nodes_word_within_the_pools(world: World) -> None:
    await pool(world, "A", "B", "C", "D", lasting=2 * DAY, expires_at=NOON + 3 * DAY)
    expected = {None: NOON + 2 * DAY, DAY: NOON + DAY, 9 * DAY: NOON + 3 * DAY}
    effects = {expires: await issue(world, expires=expires) for expires in expected}
    await asks(world).drain()
    assert {
        expires: (await the_answer(world, effect)).value["expires_at"] for expires, effect in effects.items()
    } == expected
    world.clock.ms += 3 * DAY
    late = await ask(world, await world.person(), "coupon", COUPON)
    await asks(world).drain()
    assert (await the_answer(world, late)).why == "the coupons of pool summer are out of date"


async def test_an_unknown_pool_fails_and_a_code_somebody_else_holds_just_now_is_waited_for(world: World) -> None:
    unknown = await issue(world, pool="wintr")
    await pool(world, "LAST")
    waiting = await issue(world)
    async with world.pool.connection() as conn:
        await fetch_one(conn, "select code from coupon for update")
        await asks(world).drain()
        assert (await world.message(waiting))["why"] == "others are taking the last coupons"
    world.clock.ms += 1_000
    await asks(world).drain()
    assert (await the_answer(world, waiting)).value["code"] == "LAST"
    assert (await the_answer(world, unknown)).why == "there is no pool 'wintr'"


async def test_what_is_withdrawn_while_it_is_carried_out_costs_no_code(world: World) -> None:
    await pool(world, "A")
    effect = await issue(world)
    asking = asks(world)
    rows = await asking._outbox.claim_asks(list(range(PARTITIONS)), NOON, NOON + 1_000, 10)  # pyright: ignore[reportPrivateUsage]
    async with world.pool.connection() as conn:
        await conn.execute("update outbox set status = 'withdrawn' where effect_id = %s", (effect,))
    await asking._begin(rows)  # pyright: ignore[reportPrivateUsage]
    await asking.drain()
    assert (await world.rows("select issued_at from coupon"))[0]["issued_at"] is None
    assert await answers(world) == []


async def test_erasing_somebody_lets_go_of_their_coupons_alerts_and_answers(world: World) -> None:
    await pool(world, "A", "B")
    person = await world.person(attributes={"email": "ann@example.com", "owner": "bob@example.com"})
    await issue(world, person)
    await ask(world, person, "alert", {"text": "hot", "to": "owner", "channels": ["in_product"], "digest": None})
    await ask(world, person, "audience", {"audience": "buyers", "action": "add"})
    await asks(world).drain()
    assert (await world.rows("select count(*) as n from alert"))[0]["n"] == 1
    partition = person.id % PARTITIONS
    async with world.pool.connection() as conn:
        new = NewInput(person.id, Erase.KIND, encode_input(Erase(NOON)), None)
        await Appender(PARTITIONS).append(conn, [new])
        row = await fetch_one(conn, "select seq, at from head where partition = %s", (partition,))
        assert row is not None
        await Batches(PARTITIONS).run(conn, Lane(partition, 0), Tick(row[1], row[0]), clock=None)
    (given,) = await world.rows("select * from coupon where issued_at is not null")
    assert (given["profile_id"], given["holder"], given["effect_id"]) == (None, None, None)
    for table in ("alert", "audience_change", "outbox"):
        assert await world.rows(f"select 1 from {table}") == []
    assert not any(isinstance(one, Answer) for one in await world.inputs())


async def test_an_audience_change_is_written_down_once_and_said_to_be_no_more_than_that(world: World) -> None:
    person = await world.person()
    effect = await ask(world, person, "audience", {"audience": "buyers", "action": "remove"})
    await asks(world).drain()
    (row,) = await world.rows("select * from audience_change")
    assert (row["effect_id"], row["audience"], row["profile_id"], row["action"], row["status"]) == (
        effect, "buyers", person.id, "remove", "queued",
    )  # fmt: skip
    found = await the_answer(world, effect)
    assert (found.state, found.why) == ("ok", "written down for the network's provider")
