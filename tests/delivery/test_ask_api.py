"""Calling services over real HTTP: what is asked, what comes back, and what when it does not (engine.md 5, 8, 9)."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

from tests.delivery.asking import (
    COUPON,
    Heard,
    answer,
    answers,
    ask,
    asks,
    call,
    hanging,
    saying,
    service,
    service_peer,
    the_answer,
)
from tests.delivery.conftest import NOON, World


async def test_a_call_is_rendered_made_and_answered_once(world: World) -> None:
    person = await world.person(attributes={"email": "ann@example.com", "points": 7}, tags=["vip"])
    async with service_peer(saying(answer(200, {"items": [{"id": 1, "t": "x"}, {"id": 2}, {"id": 3}]}))) as peer:
        await service(
            world,
            peer.port,
            path="/v2",
            headers=json.dumps({"X-App": "wend"}),
            secrets={"headers": {"Authorization": "Bearer s3cr3t"}, "path": "/hidden"},
        )
        effect = await call(
            world,
            person,
            method="POST",
            path="/related/{{ entry.sku }}?q={{ profile.email }}",
            headers={"X-Run": "{{ event.id }}", "Authorization": "mine"},
            body={"points": 7, "who": ["{{ profile.email }}", "{{ saved.last.id }}"], "yes": True},
            save=["items[:2].id"],
            row={"data": {"entry": {"sku": "a/../b c"}, "event": {"id": "e1"}, "saved": {"last": {"id": 9}}}},
        )
        assert await asks(world).drain() == 1
    (heard,) = peer.heard
    assert (heard.method, heard.target) == ("POST", "/v2/hidden/related/a%2F..%2Fb%20c?q=ann%40example.com")
    assert json.loads(heard.body) == {"points": 7, "who": ["ann@example.com", "9"], "yes": True}
    wanted = {
        "host": f"127.0.0.1:{peer.port}",
        "authorization": "Bearer s3cr3t",
        "x-app": "wend",
        "x-run": "e1",
        "idempotency-key": effect,
        "content-type": "application/json",
    }
    assert {name: heard.headers[name] for name in wanted} == wanted
    row = await world.message(effect)
    assert (row["status"], row["tries"], row["lease"]) == ("accepted", 1, 0)
    found = await the_answer(world, effect)
    assert (found.state, found.value, found.run, found.move) == ("ok", {"items": [{"id": 1}, {"id": 2}]}, row["run"], 1)


async def test_without_save_as_the_answer_may_be_anything_and_nothing_is_kept(world: World) -> None:
    person = await world.person()
    async with service_peer(saying(answer(200, b"<html>thanks</html>"), answer(204))) as peer:
        await service(world, peer.port)
        first = await ask_without_save(world, person)
        await asks(world).drain()
        second = await call(world, person)
        await asks(world).drain()
    assert [(await the_answer(world, one)).state for one in (first, second)] == ["ok", "ok"]
    assert (await the_answer(world, second)).value == {}


async def ask_without_save(world: World, person: Any) -> str:
    request = {"service": "recommender", "method": "GET", "path": "", "headers": {}, "body": None}
    return await ask(world, person, "api", {**request, "timeout": 5000, "retries": 0})


WRONG = {
    "/404": (answer(404, {"error": "no such person"}), 'recommender answered 404: {"error": "no such person"}'),
    "/html": (answer(200, b"<html>"), "recommender answered something that is no JSON: <html>"),
    "/bytes": (answer(200, b'{"a": "\xff"}'), "recommender answered something that is no JSON"),
    "/deep": (answer(200, b"[" * 100_000), "recommender answered something that is no JSON"),
    "/long": (
        answer(200, {"text": "x" * 1_100}),
        "answer too big: 1,111 bytes would be kept (allowed 1,024); pick the parts",
    ),
    "/huge": (answer(200, b"x" * 300_000), "its answer is bigger than 256 KB"),
    "/away": (
        answer(302, b"", Location="http://169.254.169.254/"),
        "it answers with a redirect, which is not followed",
    ),
    "/zip": (answer(200, gzip.compress(b"{}"), Content_Encoding="gzip"), "its answer is compressed"),
}


async def test_what_a_wrong_service_answers_is_failed_with_its_reason(world: World) -> None:
    async def wrongly(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(WRONG[heard.target][0])

    person = await world.person()
    async with service_peer(wrongly) as peer:
        await service(world, peer.port)
        effects = {path: await call(world, person, path=path) for path in WRONG}
        await asks(world).drain()
    assert len(peer.heard) == len(WRONG)
    for path, (_, why) in WRONG.items():
        found = await the_answer(world, effects[path])
        assert (found.state, found.value) == ("failed", None), path
        assert why in found.why, path
        assert (await world.message(effects[path]))["status"] == "refused"


async def test_a_busy_service_is_tried_again_with_pauses_and_obeyed(world: World) -> None:
    busy = answer(429, b"slow down", Retry_After="90")
    async with service_peer(saying(busy, answer(503), answer(200, {"a": 1}))) as peer:
        await service(world, peer.port)
        effect = await call(world, row={"expires_at": NOON + 3_600_000})
        asking = asks(world)
        pauses: list[int] = []
        while (row := await world.message(effect))["status"] == "queued":
            pauses.append(max(0, row["not_before"] - world.clock.ms))
            world.clock.ms += pauses[-1]
            await asking.drain()
    assert pauses[:2] == [0, 90_000]
    assert 2_000 <= pauses[2] < 2_600
    assert (await the_answer(world, effect)).value == {"a": 1}
    assert {one.headers["idempotency-key"] for one in peer.heard} == {effect}


async def test_attempts_come_to_an_end(world: World) -> None:
    async with service_peer(saying(answer(500, b"oops"))) as peer:
        await service(world, peer.port)
        effect = await call(world, retries=1)
        asking = asks(world)
        await asking.drain()
        assert await answers(world) == []
        world.clock.ms += 10_000
        await asking.drain()
    found = await the_answer(world, effect)
    assert (found.state, found.why) == ("failed", "recommender answered 500: oops (attempt 2)")
    assert len(peer.heard) == 2


async def test_time_to_live_ends_it_too(world: World) -> None:
    async with service_peer(saying(answer(500))) as peer:
        await service(world, peer.port)
        late = await call(world, row={"expires_at": NOON})
        short = await call(world, row={"expires_at": NOON + 500})
        await asks(world).drain()
    assert (await the_answer(world, late)).why == "it could not be done in time"
    assert "there is no time for another" in (await the_answer(world, short)).why
    assert (await world.message(late))["status"] == "dropped"
    assert len(peer.heard) == 1


async def test_nobody_at_home_is_tried_again_whatever_the_method(world: World) -> None:
    await service(world, 9)  # the discard port, where nobody listens
    effect = await call(world, method="POST", body={})
    await asks(world).drain()
    row = await world.message(effect)
    assert row["status"] == "queued"
    assert row["why"].startswith("recommender: no connection")


async def test_a_call_without_an_answer_is_repeated_only_where_that_is_harmless(world: World) -> None:
    person = await world.person()
    async with service_peer(hanging) as peer:
        await service(world, peer.port)
        await service(world, peer.port, id="obeys-keys", idempotent=True)
        again = [await call(world, person, method=method, timeout=100) for method in ("GET", "PUT", "DELETE")]
        again.append(await call(world, person, service="obeys-keys", method="POST", timeout=100))
        uncertain = [await call(world, person, method=method, timeout=100) for method in ("POST", "PATCH")]
        await asks(world).drain()
        for effect in [*again, *uncertain]:
            row = await world.message(effect)
            assert row["status"] == ("uncertain" if effect in uncertain else "queued")
            assert "no answer within 0.1 s" in row["why"]
        assert {one.effect_id: one.state for one in await answers(world)} == dict.fromkeys(uncertain, "uncertain")
        heard = len(peer.heard)
        world.clock.ms += 3_600_000
        await asks(world).drain()
        assert {one.headers["idempotency-key"] for one in peer.heard[heard:]}.isdisjoint(uncertain)


async def test_a_drip_feeding_service_is_cut_off_at_the_limit(world: World) -> None:
    async def dripping(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with service_peer(dripping) as peer:
        await service(world, peer.port)
        effect = await call(world, timeout=150)
        await asks(world).drain()
    assert "no answer within 0.15 s" in (await world.message(effect))["why"]


async def test_a_connection_that_breaks_in_the_answer_may_have_done_it(world: World) -> None:
    async def breaking(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with service_peer(breaking) as peer:
        await service(world, peer.port)
        effect = await call(world, method="POST", body={})
        await asks(world).drain()
    assert (await the_answer(world, effect)).state == "uncertain"


# --- crashes ---


async def test_a_sender_that_died_while_calling_leaves_what_is_uncertain_unless_it_may_be_repeated(
    world: World,
) -> None:
    person = await world.person()
    dead = {"status": "sending", "owner": "dead", "lease": NOON + 60_000, "tries": 1}
    async with service_peer(saying(answer(200, {"a": 1}))) as peer:
        await service(world, peer.port)
        await service(world, peer.port, id="obeys-keys", idempotent=True)
        read = await call(world, person, row=dead)
        keyed = await call(world, person, service="obeys-keys", method="POST", row=dead)
        unknown = await call(world, person, method="POST", row=dead)
        assert await asks(world).drain() == 0
        world.clock.ms += 60_000
        assert await asks(world).drain() == 3
        assert await asks(world).drain() == 0
    states = {one.effect_id: one.state for one in await answers(world)}
    assert states == {read: "ok", keyed: "ok", unknown: "uncertain"}
    assert {one.headers["idempotency-key"] for one in peer.heard} == {read, keyed}
    assert (await world.message(unknown))["status"] == "uncertain"


async def test_a_call_that_may_have_been_made_is_uncertain_also_when_its_time_is_over(world: World) -> None:
    effect = await call(
        world, method="POST", row={"status": "sending", "owner": "dead", "tries": 1, "expires_at": NOON - 1}
    )
    await asks(world).drain()
    assert (await the_answer(world, effect)).state == "uncertain"


async def test_a_call_that_kills_its_sender_each_time_ends_with_its_attempts(world: World) -> None:
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port)
        effect = await call(world, retries=2, row={"status": "sending", "owner": "dead", "tries": 3, "why": "last"})
        await asks(world).drain()
    assert (await the_answer(world, effect)).why == "no attempt is left; the last: last"
    assert peer.heard == []


async def test_what_is_withdrawn_before_the_first_byte_is_not_done(world: World) -> None:
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port)
        effect = await call(world)
        asking = asks(world)
        rows = await asking._outbox.claim_asks([0, 1, 2, 3], NOON, NOON + 1_000, 10)  # pyright: ignore[reportPrivateUsage]
        assert [row.effect_id for row in rows] == [effect]
        async with world.pool.connection() as conn:
            await conn.execute("update outbox set status = 'withdrawn', owner = null")
        await asking._begin(rows)  # pyright: ignore[reportPrivateUsage]
        await asking.drain()
    assert peer.heard == []
    assert await answers(world) == []


async def test_two_senders_make_every_call_once(world: World) -> None:
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port)
        person = await world.person()
        effects = {await call(world, person) for _ in range(40)}
        both = [asks(world), asks(world)]
        for _ in range(20):
            await asyncio.gather(*(one.drain() for one in both))
            world.clock.ms += 500
        assert {one.headers["idempotency-key"] for one in peer.heard} == effects
        assert len(peer.heard) == 40
    assert sorted(one.effect_id for one in await answers(world)) == sorted(effects)


async def test_somebody_who_is_gone_is_not_asked_about(world: World) -> None:
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port)
        effect = await call(world, await world.person(erased=True))
        await asks(world).drain()
    assert (await world.message(effect))["status"] == "dropped"
    assert peer.heard == []


# --- services among themselves ---


async def test_a_slow_service_keeps_back_neither_others_nor_mails(world: World, inbox: Any) -> None:
    await world.template()
    async with service_peer(hanging) as slow, service_peer(saying(answer(200, {"a": 1}))) as quick:
        await service(world, slow.port, at_once=2)
        await service(world, quick.port, id="quick")
        person = await world.person()
        waiting = [await call(world, person, timeout=60_000) for _ in range(12)]
        asking = asks(world)
        running = asyncio.create_task(asking.run())
        try:
            async with asyncio.timeout(10):
                while len(slow.heard) < 2:
                    await asyncio.sleep(0.01)
                quickly = await call(world, person, service="quick")
                namesake = await ask(world, person, "coupon", {**COUPON, "pool": "recommender"})
                mail = await world.queue(person)
                await world.sender(inbox).drain()
                while (await world.message(quickly))["status"] != "accepted":
                    await asyncio.sleep(0.01)
                while (await world.message(namesake))["status"] != "refused":
                    await asyncio.sleep(0.01)
            assert (await world.message(mail))["status"] == "accepted"
            assert len(slow.heard) == 2
            states = [(await world.message(one))["status"] for one in waiting]
            assert sorted(states) == ["queued"] * 10 + ["sending"] * 2
        finally:
            await asking.stop()
    await running


async def test_the_pace_of_a_service_is_kept(world: World) -> None:
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port, rate=2)
        person = await world.person()
        for _ in range(5):
            await call(world, person)
        asking = asks(world)
        await asking.drain()
        assert len(peer.heard) == 2
        world.clock.ms += 500
        await asking.drain()
        assert len(peer.heard) == 3


async def test_a_service_that_is_down_is_left_alone_for_a_while_and_nothing_is_lost(world: World) -> None:
    await service(world, 9)
    person = await world.person()
    for _ in range(21):
        await call(world, person)
    asking = asks(world)
    later = ""
    for _ in range(20):
        if not asking.paused():
            await asking.drain()
            later = await call(world, person)
            world.clock.ms += 500
    await asking.drain()
    row = await world.message(later)
    assert (row["status"], row["tries"]) == ("queued", 0)
    assert row["why"].startswith("recommender is paused: recommender: no connection")
    assert 14_000 <= row["not_before"] - world.clock.ms <= 15_000


async def test_an_unknown_service_and_a_text_that_cannot_be_filled_in_say_so(world: World) -> None:
    async with service_peer(saying(answer(200, {}))) as peer:
        await service(world, peer.port)
        unknown = await call(world, service="nobody")
        empty = await call(world, path="/{{ profile.nickname }}")
        climbing = await call(world, path="/a/../b")
        forged = await call(world, headers={"X-A": "{{ entry.x }}"}, row={"data": {"entry": {"x": "a\r\nB: c"}}})
        other_host = await call(world, headers={"Host": "evil.test"})
        broken_path = await call(world, path="/a b")
        await asks(world).drain()
    said = {one.effect_id: one.why for one in await answers(world)}
    assert said[unknown] == "there is no service 'nobody'"
    assert "profile.nickname is undefined" in said[empty]
    assert "climbs out" in said[climbing]
    assert "control character" in said[forged]
    assert "header 'Host' cannot be set" in said[other_host]
    assert "a web address cannot have" in said[broken_path]
    assert peer.heard == []


# --- who may be called ---
