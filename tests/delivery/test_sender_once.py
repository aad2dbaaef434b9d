"""Each message once: senders that are killed, connections that die, rows that change hands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.channels.peers import smtp_peer
from tests.delivery.conftest import World

from wend.channels.contract import Accepted, Later, Message, Outcome
from wend.channels.smtp import Smtp, SmtpSettings


def smtp(port: int, **given: Any) -> Smtp:
    return Smtp(SmtpSettings("127.0.0.1", port, "none", timeout_s=5, **given))


class Hanging:
    """A provider whose answer never comes: its sender dies while it waits."""

    channel, account, supports, batch, width = "email", "hanging", frozenset[str](), 1, 10

    def __init__(self, *, idempotent: bool) -> None:
        self.idempotent, self.real = idempotent, not idempotent
        self.seen: list[str] = []

    async def send(self, batch: list[Message]) -> list[Outcome]:
        self.seen += [message.effect_id for message in batch]
        await asyncio.Event().wait()
        return []

    async def close(self) -> None: ...


async def killed_while_sending(world: World, *, idempotent: bool) -> str:
    await world.template()
    effect = await world.queue(await world.person())
    provider = Hanging(idempotent=idempotent)
    task = asyncio.create_task(world.sender({"email": provider}).drain())
    while not provider.seen:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await world.message(effect))["status"] == "sending"
    return effect


async def test_9_a_sender_killed_while_handing_over_leaves_uncertain_never_a_second_mail(world: World) -> None:
    effect = await killed_while_sending(world, idempotent=False)
    async with smtp_peer() as peer:
        provider = smtp(peer.port)
        sender = world.sender({"email": provider})
        assert await sender.drain() == 0  # the lease still runs
        world.clock.ms += 60_001
        await sender.drain()
        await provider.close()
    assert (await world.message(effect))["status"] == "uncertain"
    assert await world.states() == ["uncertain"]
    assert peer.mails == []


async def test_9_the_inbox_takes_it_again_and_has_it_once(world: World, inbox: Any) -> None:
    effect = await killed_while_sending(world, idempotent=True)
    # The killed sender's mail did arrive: the inbox has it already.
    await inbox["email"].send([Message(effect, "email", "ann1@example.com", "hi", 1)])
    world.clock.ms += 60_001
    await world.sender(inbox).drain()
    assert (await world.message(effect))["status"] == "accepted"
    assert await world.states() == ["accepted"]
    assert len(await world.rows("select * from inbox")) == 1


async def test_9_a_claim_that_expired_before_sending_is_taken_over(world: World, inbox: Any) -> None:
    await world.template()
    effect = await world.queue(await world.person(), owner="somebody who died", lease=world.clock.ms + 5)
    assert await world.sender(inbox).drain() == 0
    world.clock.ms += 6
    await world.sender(inbox).drain()
    assert (await world.message(effect))["status"] == "accepted"


async def test_a_connection_that_dies_after_the_mail_is_uncertain_and_not_repeated(world: World) -> None:
    await world.template()
    effect = await world.queue(await world.person())
    async with smtp_peer(answers={"data": "drop"}) as peer:
        provider = smtp(peer.port)
        sender = world.sender({"email": provider})
        await sender.drain()
        world.clock.ms += 3_600_000
        await sender.drain()
        await provider.close()
    assert (await world.message(effect))["status"] == "uncertain"
    assert await world.states() == ["uncertain"]
    assert len(peer.mails) == 1


async def test_8_what_was_withdrawn_meanwhile_does_not_leave(world: World) -> None:
    await world.template()
    effect = await world.queue(await world.person())
    sent: list[str] = []

    class Recording(Hanging):
        async def send(self, batch: list[Message]) -> list[Outcome]:
            sent.extend(message.effect_id for message in batch)
            return [Accepted("x") for _ in batch]

    sender = world.sender({"email": Recording(idempotent=False)})
    mark = sender._outbox.mark_sending

    async def withdraw_first(rows: Any, now: int, lease: int) -> set[str]:
        async with world.pool.connection() as conn:  # as the engine does when the run leaves
            await conn.execute("update outbox set status = 'withdrawn' where status = 'queued'")
        return await mark(rows, now, lease)

    sender._outbox.mark_sending = withdraw_first  # pyright: ignore[reportAttributeAccessIssue]
    await sender.drain()
    assert sent == []
    assert (await world.message(effect))["status"] == "withdrawn"
    assert await world.inputs() == []


async def test_an_outcome_that_comes_after_the_row_was_taken_over_is_not_told_twice(world: World) -> None:
    await world.template()
    effect = await world.queue(await world.person())

    class Late(Hanging):
        async def send(self, batch: list[Message]) -> list[Outcome]:
            async with world.pool.connection() as conn:
                await conn.execute("update outbox set status = 'uncertain', owner = 'another'")
            return [Accepted("x") for _ in batch]

    await world.sender({"email": Late(idempotent=False)}).drain()
    assert (await world.message(effect))["status"] == "uncertain"
    assert await world.inputs() == []


async def test_the_lease_of_a_slow_message_is_kept_while_its_sender_lives(world: World) -> None:
    await world.template()
    effect = await world.queue(await world.person())
    release = asyncio.Event()
    async with smtp_peer(release=release) as peer:
        provider = smtp(peer.port)
        sending = asyncio.create_task(world.sender({"email": provider}, lease=90).drain())
        while (await world.message(effect))["status"] != "sending":
            await asyncio.sleep(0.01)
        first = (await world.message(effect))["lease"]
        world.clock.ms += 80
        while (await world.message(effect))["lease"] <= max(first, world.clock.ms):
            await asyncio.sleep(0.01)
        world.clock.ms += 80  # the first lease is over, the renewed one is not
        assert await world.sender({"email": provider}).drain() == 0
        release.set()
        await sending
        await provider.close()
    assert await world.states() == ["accepted"]


async def test_two_senders_at_once_send_each_message_once(world: World) -> None:
    await world.template()
    effects = {await world.queue(await world.person()) for _ in range(60)}
    async with smtp_peer() as peer:
        providers = [smtp(peer.port) for _ in range(2)]
        senders = [world.sender({"email": provider}) for provider in providers]
        running = [asyncio.create_task(sender.run()) for sender in senders]
        while len(peer.mails) < len(effects):
            await asyncio.sleep(0.01)
        for sender in senders:
            await sender.stop()
        await asyncio.gather(*running)
        for provider in providers:
            await provider.close()
    assert sorted(mail.rcpt_tos[0] for mail in peer.mails) == sorted(
        row["address"] for row in await world.rows("select address from outbox")
    )
    assert await world.states() == ["accepted"] * 60


async def test_22_a_replay_waits_for_an_inbox_that_is_not_up_yet(world: World, inbox: Any) -> None:
    await world.template()
    effect = await world.queue(await world.person())
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
    world.clock.ms += 40 * 86_400_000  # the slice ends long after the message's time to live: only its own time counts
    failures = 3

    class Starting(Hanging):
        real = False

        async def send(self, batch: list[Message]) -> list[Outcome]:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                return [Later("connection refused", account=True) for _ in batch]
            return [Accepted("x") for _ in batch]

    await asyncio.wait_for(world.sender({"email": Starting(idempotent=True)}, virtual=True).drain(), 90)
    assert failures < 0
    assert (await world.message(effect))["status"] == "accepted"
    assert await world.states() == ["accepted"]
