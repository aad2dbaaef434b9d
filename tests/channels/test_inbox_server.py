"""The built-in inbox as the SMTP server that it is, spoken to by the standard library's client."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import pytest
from tests.channels.test_dsn import report

from wend.channels import inbox_email
from wend.channels.contract import Accepted, Message
from wend.channels.inbox import InboxServer


@pytest.fixture
async def server(pool: Any) -> AsyncIterator[InboxServer]:
    server = InboxServer(pool, lambda: 123)
    await server.start()
    yield server
    await server.stop()


async def rows(pool: Any, columns: str) -> list[Any]:
    async with pool.connection() as conn:
        return await (await conn.execute(f"select {columns} from inbox order by id".encode())).fetchall()


async def speak(server: InboxServer, talk: Any) -> Any:
    def work() -> Any:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            return talk(client)

    return await asyncio.get_running_loop().run_in_executor(None, work)


async def test_mail_of_any_program_is_stored_as_it_is(server: InboxServer, pool: Any) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Jürgen <j@example.com>", "ann@example.com", "Grüße 🎉"
    mail.set_content(".\n..dots\nplain text äöü\n")
    mail.add_alternative("<p>html äöü</p>", subtype="html")
    mail.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="a.bin")
    await speak(server, lambda client: client.send_message(mail))
    ((effect, at, recipient, subject, text, html),) = await rows(
        pool, "effect_id, at, recipient, subject, body_text, body_html"
    )
    assert (effect, at, recipient, subject) == (None, 123, "ann@example.com", "Grüße 🎉")
    assert text.replace("\r\n", "\n") == ".\n..dots\nplain text äöü\n"
    assert "<p>html äöü</p>" in html


async def test_our_mail_handed_over_twice_is_stored_once_at_the_time_it_bears(server: InboxServer, pool: Any) -> None:
    provider = inbox_email("127.0.0.1", server.port)
    message = Message("r.1", "email", "a@example.com", "text\n.dot", 1_700_000_000_000, "Subject", "<p>ä</p>")
    for _ in range(2):
        assert isinstance((await provider.send([message]))[0], Accepted)
    await provider.close()
    assert await rows(pool, "effect_id, at, subject, body_text, body_html") == [
        ("r.1", 1_700_000_000_000, "Subject", "text\n.dot\n", "<p>ä</p>\n")
    ]


async def test_a_mail_for_several_recipients_is_one_row_each(server: InboxServer, pool: Any) -> None:
    await speak(server, lambda client: client.sendmail("a@x.test", ["b@x.test", "c@x.test"], "Subject: s\r\n\r\nhello"))
    assert await rows(pool, "recipient, body_text") == [("b@x.test", "hello\r\n"), ("c@x.test", "hello\r\n")]


STRANGE = [
    "",
    ".\r\n",
    "no headers at all",
    "\x00\x01",
    "Subject: =?x?Q?=ff?=\r\nContent-Type: text/plain; charset=nope\r\n\r\nx",
]


@pytest.mark.parametrize("raw", STRANGE, ids=["empty", "dot", "no headers", "control", "unknown charset"])
async def test_strange_mail_is_kept_too(server: InboxServer, pool: Any, raw: str) -> None:
    await speak(server, lambda client: client.sendmail("a@x.test", "b@x.test", raw.encode()))
    ((stored,),) = await rows(pool, "raw")
    assert stored.startswith(raw.encode())


async def test_hundreds_at_once_are_all_there(server: InboxServer, pool: Any) -> None:
    provider = inbox_email("127.0.0.1", server.port)
    messages = [Message(f"r.{n}", "email", f"p{n}@example.com", "x", 1) for n in range(300)]
    outcomes = await provider.send(messages)
    await provider.close()
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    async with pool.connection() as conn:
        assert await (await conn.execute("select count(distinct effect_id) from inbox")).fetchone() == (300,)


async def test_a_bounce_goes_to_who_asked_for_bounces(pool: Any) -> None:
    heard: list[bytes] = []

    async def on_bounce(raw: bytes, recipients: tuple[str, ...]) -> bool:
        assert recipients == ("bounces@x.test",)
        heard.append(raw)
        return b"4.4.1" not in raw

    server = InboxServer(pool, lambda: 123, on_bounce=on_bounce)
    await server.start()
    await speak(server, lambda client: client.sendmail("", "bounces@x.test", report()))
    await speak(server, lambda client: client.sendmail("", "bounces@x.test", report(status="4.4.1")))
    await server.stop()
    assert len(heard) == 2
    async with pool.connection() as conn:  # the one that nobody knew is stored like any mail
        assert await (await conn.execute("select count(*) from inbox")).fetchone() == (1,)


async def test_too_big_a_mail_is_refused_and_the_session_goes_on(
    server: InboxServer, pool: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("wend.channels.inbox.MAX_MAIL", 10_000)

    def talk(client: smtplib.SMTP) -> int:
        client.ehlo()
        client.esmtp_features.pop("size", None)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("a@x.test", "b@x.test", b"x" * 20_000)
        client.sendmail("a@x.test", "b@x.test", b"small")
        return refused.value.smtp_code

    assert await speak(server, talk) == 552
    assert len(await rows(pool, "id")) == 1
