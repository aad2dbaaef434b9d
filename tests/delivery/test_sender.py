"""From the outbox to the mailbox: each message once, and each with exactly one outcome (engine.md 8, 9; journeys.md 5, 10)."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest
from tests.channels.peers import smtp_peer
from tests.delivery.conftest import LINKS, World

from wend.channels.smtp import Smtp, SmtpSettings
from wend.content.store import push_template
from wend.core.consent import apply_feedback, suppression_of
from wend.delivery.render import SenderSettings


def smtp(port: int, **given: Any) -> Smtp:
    return Smtp(SmtpSettings("127.0.0.1", port, "none", timeout_s=5, **given))


async def test_a_queued_message_arrives_as_a_mail_and_its_outcome_enters_the_log(world: World, inbox: Any) -> None:
    body = (
        "<html><body><p>Hi {{ profile.first_name }}, <a href='https://x.test/a?b=1&amp;c=2'>look</a></p></body></html>"
    )
    await world.template(html=body)
    effect = await world.queue(await world.person())
    assert await world.sender(inbox).drain() == 1
    row = await world.message(effect)
    assert (row["status"], row["tries"], row["lease"]) == ("accepted", 1, 0)
    (heard,) = await world.inputs()
    assert (heard.state, heard.effect_id, heard.journey, heard.node, heard.move) == (
        "accepted",
        effect,
        "welcome",
        "mail",
        1,
    )
    (stored,) = await world.rows("select * from inbox")
    assert (stored["effect_id"], stored["subject"]) == (effect, "Hello Ann")
    assert "https://x.test/a?b=1&c=2" in stored["body_text"]
    assert "https://x.test" not in stored["body_html"]


async def test_the_mail_is_what_mail_programs_and_the_law_want(world: World) -> None:
    await world.template(subject="Grüße, {{ profile.first_name }}", preheader="Now & here", html="<p>Hi <b>you</b></p>")
    async with smtp_peer() as peer:
        provider = smtp(peer.port)
        settings = SenderSettings(
            name="Böse & Söhne",
            address="shop@example.com",
            postal_address="1 High St",
            bounce_address="bounces@example.com",
        )
        person = await world.person()
        effect = await world.queue(person)
        await world.sender({"email": provider}, settings=settings).drain()
        await provider.close()
    (sent,) = peer.mails
    mail = email.message_from_bytes(bytes(sent.original_content or b""), policy=email.policy.default)
    assert not mail.defects
    assert mail["Subject"] == "Grüße, Ann"
    assert mail["From"].addresses[0].display_name == "Böse & Söhne"
    assert mail["Message-ID"] == f"<{effect}@example.com>"
    assert mail["X-Wend-Effect"] == effect
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    unsubscribe = mail["List-Unsubscribe"].strip("<>")
    token = LINKS.read(unsubscribe.rpartition("/")[2], "unsubscribe")
    assert (token.profile, token.effect_id, token.rest) == (person.id, effect, "email")
    assert sent.mail_from is not None
    assert LINKS.read_bounce(sent.mail_from)[0] == person.id
    text, html = (part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
    for part in (html, text):
        assert "1 High St" in part
        assert unsubscribe in part
        assert "You receive this e-mail because you agreed to it." in part
    assert "Now &amp; here" in html
    assert "/t/o/" in html


async def test_a_transactional_mail_has_neither_footer_nor_list_headers_and_needs_no_consent(world: World) -> None:
    await world.template()
    async with smtp_peer() as peer:
        provider = smtp(peer.port)
        await world.queue(await world.person(consent={}), transactional=True)
        await world.sender({"email": provider}).drain()
        await provider.close()
    raw = bytes(peer.mails[0].original_content or b"")
    assert b"List-Unsubscribe" not in raw
    assert b"/u/" not in raw


@pytest.mark.parametrize(
    ("given", "queued", "why"),
    [
        ({"consent": {}}, {}, "no consent for email"),
        ({"consent": {"email": ["unsubscribed", 5]}}, {}, "unsubscribed from email"),
        ({"suppressed": {"*": "erased"}}, {"transactional": True}, "suppressed: erased"),
        ({"attributes": {}}, {}, "unreachable"),
        ({}, {"expires_at": 5}, "time to live"),
        ({"topics": {"offers": ["unsubscribed", 5]}}, {"topic": "offers"}, "unsubscribed from topic offers"),
        ({"erased": True}, {}, "not here any more"),
    ],
)
async def test_what_may_not_leave_is_dropped_with_its_reason_on_the_inbox_too(
    world: World, inbox: Any, given: dict[str, Any], queued: dict[str, Any], why: str
) -> None:
    await world.template()
    effect = await world.queue(await world.person(**given), **queued)
    await world.sender(inbox).drain()
    row = await world.message(effect)
    assert row["status"] == "dropped"
    assert why in row["why"]
    assert await world.states() == ["dropped"]
    assert await world.rows("select * from inbox") == []


async def test_quiet_hours_put_a_message_back_until_the_morning(world: World, inbox: Any) -> None:
    async with world.pool.connection() as conn:
        law = '{"quiet_hours": {"*": {"from": "00:00", "to": "23:59"}}}'
        await conn.execute(
            "insert into plan_change (number, at, kind, document) values (1, 1, 'settings', %s::json)", (law,)
        )
    await world.template()
    effect = await world.queue(await world.person())
    await world.sender(inbox).drain()
    row = await world.message(effect)
    assert (row["status"], row["owner"] is not None, row["lease"]) == ("queued", True, 0)
    assert row["not_before"] > world.clock.ms
    assert await world.inputs() == []
    world.clock.ms = row["not_before"]
    await world.sender(inbox).drain()
    assert (await world.message(effect))["status"] == "accepted"


async def test_a_broken_template_refuses_the_message_and_says_where(world: World, inbox: Any) -> None:
    await world.template(html="<p>{{ profile.nickname }}</p>")
    effect, other = await world.queue(await world.person()), await world.queue(await world.person(), template="nothing")
    await world.sender(inbox).drain()
    assert "hello.html: line 1: profile.nickname is undefined" in (await world.message(effect))["why"]
    assert "no template 'nothing'" in (await world.message(other))["why"]
    assert await world.states() == ["refused", "refused"]


async def test_a_dead_address_is_refused_and_suppressed(world: World) -> None:
    await world.template()
    person = await world.person()
    await world.queue(person)
    async with smtp_peer(answers={"rcpt": "550 5.1.1 no such user"}) as peer:
        provider = smtp(peer.port)
        await world.sender({"email": provider}).drain()
        await provider.close()
    heard = await world.inputs()
    assert [one.state for one in heard] == ["refused", "bounced"]
    for one in heard:
        apply_feedback(person, one)
    assert suppression_of(person, "email", person.attributes["email"]) == "bounced"


async def test_greylisting_is_tried_again_later_and_dropped_at_the_end_of_its_time(world: World) -> None:
    await world.template()
    effect = await world.queue(await world.person(), expires_at=world.clock.ms + 60_000)
    async with smtp_peer(answers={"rcpt": "451 4.7.1 Greylisted"}) as peer:
        provider = smtp(peer.port)
        sender = world.sender({"email": provider})
        waits: list[int] = []
        while (row := await world.message(effect))["status"] == "queued":
            waits.append(max(0, row["not_before"] - world.clock.ms))
            world.clock.ms += waits[-1]
            await sender.drain()
        await provider.close()
    assert row["status"] == "dropped"
    assert "Greylisted" in row["why"]
    assert row["tries"] == 3  # at 0 s, about 10 s, about 30 s; then its minute is over
    assert await world.states() == ["dropped"]
    assert peer.mails == []


async def test_a_refused_account_pauses_the_channel_and_loses_nothing(world: World) -> None:
    await world.template()
    effects = [await world.queue(await world.person()) for _ in range(5)]
    async with smtp_peer(answers={"mail": "530 5.7.0 Authentication required"}) as peer:
        provider = smtp(peer.port, connections=1)
        sender = world.sender({"email": provider})
        await sender.drain()
        ((until, why),) = sender.paused().values()
        assert "530 5.7.0" in why
        assert {(await world.message(effect))["status"] for effect in effects} == {"queued"}
        sessions = peer.sessions
        await sender.drain()
        assert peer.sessions == sessions  # paused: not even tried
        peer.answers.clear()
        world.clock.ms = until + 1
        await sender.drain()
        await provider.close()
        assert sender.paused() == {}
    assert {(await world.message(effect))["status"] for effect in effects} == {"accepted"}
    assert len(peer.mails) == 5


async def test_a_rate_paces_an_account_and_puts_back_what_would_wait_too_long(world: World, inbox: Any) -> None:
    await world.template()
    for _ in range(12):
        await world.queue(await world.person())
    sender = world.sender(inbox, rates={"inbox email": 0.1})
    await sender.drain()
    rows = await world.rows("select status, why, count(*) as n from outbox group by 1, 2 order by 1")
    assert [(row["status"], row["why"], row["n"]) for row in rows] == [("accepted", "", 1), ("queued", "paced", 11)]


async def test_other_channels_go_straight_into_the_inbox(world: World, inbox: Any) -> None:
    async with world.pool.connection() as conn:
        await push_template(
            conn,
            {"id": "text", "channel": "sms", "text": "Hi {{ profile.first_name }} {{ entry.total | money: 'EUR' }}"},
        )
    person = await world.person()
    effect = await world.queue(person, channel="sms", template="text", data={"entry": {"total": 12.5}})
    await world.sender(inbox).drain()
    (stored,) = await world.rows("select * from inbox")
    assert (stored["effect_id"], stored["recipient"], stored["body_text"]) == (effect, "+491701234567", "Hi Ann €12.50")


async def test_a_merged_person_is_judged_by_the_survivor(world: World, inbox: Any) -> None:
    await world.template()
    survivor = await world.person(consent={"email": ["unsubscribed", 5]})
    effect = await world.queue(await world.person(survivor=survivor.id))
    await world.sender(inbox).drain()
    assert (await world.message(effect))["why"] == "unsubscribed from email"


async def test_another_contact_of_the_person_has_its_own_consent(world: World, inbox: Any) -> None:
    await world.template()
    person = await world.person(
        attributes={"email": "kid@example.com", "parent": "mum@example.com", "first_name": "Ann"},
        consent={"email:parent": ["opted_in", 1]},
    )
    await world.queue(person, data={"to": "parent"})
    await world.sender(inbox).drain()
    (stored,) = await world.rows("select recipient from inbox")
    assert stored["recipient"] == "mum@example.com"


async def test_22_in_a_replay_nothing_leaves_through_a_real_provider(world: World) -> None:
    await world.template()
    effect = await world.queue(await world.person())
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = '\"replay\"' where name = 'mode'")
    async with smtp_peer() as peer:
        assert await world.sender({"email": smtp(peer.port)}).drain() == 0  # the live sender leaves it alone
        await world.sender({"email": smtp(peer.port)}, virtual=True).drain()
    assert peer.mails == []
    row = await world.message(effect)
    assert row["status"] == "dropped"
    assert "replay" in row["why"]


async def test_a_channel_without_provider_keeps_its_messages(world: World, inbox: Any) -> None:
    await world.template()
    effect = await world.queue(await world.person())
    await world.sender({"sms": inbox["sms"]}).drain()
    row = await world.message(effect)
    assert (row["status"], row["why"]) == ("queued", "no provider is set up for email")
