"""Bounces come back as mail and suppress what is dead, as far as they can be believed."""

from __future__ import annotations

import smtplib
from asyncio import get_running_loop
from functools import partial

from tests.channels.test_dsn import report
from tests.delivery.conftest import LINKS, PARTITIONS, World

from wend.channels.inbox import InboxServer
from wend.core.consent import apply_feedback, suppression_of
from wend.delivery.bounces import read_bounce
from wend.delivery.feedback import FeedbackLog


async def test_a_hard_bounce_at_our_bounce_address_suppresses_the_address(world: World) -> None:
    person = await world.person()
    effect = await world.queue(person, address=person.attributes["email"])
    log = FeedbackLog(world.pool, world.clock, PARTITIONS)

    bounce_address = f"bounces+{LINKS.bounce_local(person.id, effect)}@example.com"
    assert len(bounce_address.partition("@")[0]) <= 64
    server = InboxServer(world.pool, world.clock.now_ms, on_bounce=partial(read_bounce, log, LINKS))
    await server.start()

    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.sendmail("", bounce_address, report())

    await get_running_loop().run_in_executor(None, deliver)
    await server.stop()
    (heard,) = await world.inputs()
    assert (heard.state, heard.effect_id, heard.journey) == ("bounced", effect, "welcome")
    assert "5.1.1" in heard.why
    apply_feedback(person, heard)
    assert suppression_of(person, "email", person.attributes["email"]) == "bounced"
    assert await world.rows("select * from inbox") == []


async def test_a_bounce_that_is_known_by_its_headers_alone_counts_as_soft(world: World) -> None:
    effect = await world.queue(await world.person())
    log = FeedbackLog(world.pool, world.clock, PARTITIONS)
    assert await read_bounce(log, LINKS, report(extra=f"X-Wend-Effect: {effect}\n"))
    assert await world.states() == ["soft_bounced"]


async def test_forged_and_foreign_bounces_are_not_believed(world: World) -> None:
    person = await world.person()
    effect = await world.queue(person)
    log = FeedbackLog(world.pool, world.clock, PARTITIONS)
    token = LINKS.bounce_local(person.id, effect)
    forged = ("a" if token[-1] != "a" else "b") + token[1:]
    assert not await read_bounce(log, LINKS, report(), recipients=(f"bounces+{forged}@example.com",))
    assert not await read_bounce(log, LINKS, b"Subject: hi\r\n\r\nhello")
    assert await world.inputs() == []


async def test_a_full_mailbox_and_a_delay_are_told_as_such(world: World) -> None:
    person = await world.person()
    to = (f"bounces+{LINKS.bounce_local(person.id, await world.queue(person))}@example.com",)
    log = FeedbackLog(world.pool, world.clock, PARTITIONS)
    for raw in (report(status="5.2.2"), report("delayed", "4.4.1"), report("delivered", "2.0.0")):
        assert await read_bounce(log, LINKS, raw, recipients=to)
    assert await world.states() == ["soft_bounced", "deferred", "delivered"]
