"""From the outbox to the mailbox, each message once."""

from __future__ import annotations

import email
import email.policy

from tests.delivery.conftest import World


async def test_a_queued_message_arrives_as_a_mail_and_its_outcome_enters_the_log(world: World, inbox) -> None:
    await world.template(html="<html><body><p>Hi {{ profile.first_name }}, <a href='https://x.test/a?b=1&amp;c=2'>look</a></p></body></html>")
    effect = await world.queue(await world.person())
    assert await world.sender(inbox).drain() == 1
    row = await world.message(effect)
    assert (row["status"], row["tries"], row["lease"]) == ("accepted", 1, 0)
    (heard,) = await world.inputs()
    assert (heard.state, heard.effect_id, heard.journey, heard.node, heard.move) == ("accepted", effect, "welcome", "mail", 1)
    (stored,) = await world.rows("select * from inbox")
    assert stored["effect_id"] == effect
    assert stored["subject"] == "Hello Ann"
    mail = email.message_from_bytes(stored["raw"], policy=email.policy.default)
    assert mail["To"] == heard.address
    assert "https://x.test/a?b=1&c=2" in stored["body_text"]
    assert "https://x.test" not in stored["body_html"]
