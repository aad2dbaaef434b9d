"""The built-in inbox: whatever would have been sent can be read here, on every channel, with no account anywhere.

- `InboxServer` is a real SMTP server on 127.0.0.1 that stores mail in table `inbox`.
- `InboxChannel` is the provider of every other channel; it writes rows directly.
Both recognise a message by its effect id, so that handing it over twice stores it once: counts are exact, and an attempt
whose answer was lost may be repeated. E-mail goes through `smtp.Smtp` pointed at the server (`channels.inbox_email`), so that the
whole way is the one that real mail takes.

Mail is stored by group commit: what arrives while a statement runs goes into the next one. `250` is said after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg_pool import AsyncConnectionPool

from wend.channels.contract import Accepted, Later, Message, Outcome
from wend.channels.mail import clean, read_letter
from wend.channels.mime import EFFECT_HEADER

MAX_MAIL = 33_554_432
_GROUP = 500
_PLAIN_PATH = re.compile(r"\s*<([A-Za-z0-9.+_=-]+@[A-Za-z0-9.-]+)>\s*([A-Za-z0-9= ]*)")

_STORE = """
insert into inbox (effect_id, channel, at, sender, recipient, subject, body_text, body_html, headers, raw)
select * from unnest(%b::text[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
    %b::json[], %b::bytea[])
on conflict (effect_id) do nothing
"""

Row = tuple[str | None, str, int, str, str, str, str, str, str, bytes | None]


async def store(pool: AsyncConnectionPool[Any], rows: Sequence[Row]) -> None:
    """Writes inbox rows in one transaction; a row whose effect id is there already changes nothing."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    async with pool.connection() as conn:
        await conn.execute(_STORE, columns)


class InboxChannel:
    """Provider of one channel that writes into the inbox."""

    supports = frozenset({"html", "text", "subject", "headers", "reply_to", "envelope", "content"})
    real = False
    idempotent = True
    batch = 500
    width = 500

    def __init__(self, channel: str, pool: AsyncConnectionPool[Any]) -> None:
        self.channel = channel
        self.account = f"inbox {channel}"
        self._pool = pool

    async def send(self, batch: Sequence[Message]) -> list[Outcome]:
        """Stores the batch. A database that is away means `Later`, like any provider that is away."""
        try:
            await store(self._pool, [_row_of(message) for message in batch])
        except OSError as problem:
            return [Later(f"the inbox cannot be written: {problem}") for _ in batch]
        return [Accepted(f"inbox:{message.effect_id}") for message in batch]

    async def close(self) -> None:
        """Nothing to let go of: the pool belongs to the process."""


def _row_of(message: Message) -> Row:
    headers = {**message.headers, **({"content": message.content} if message.content else {})}
    return (
        message.effect_id,
        message.channel,
        message.at,
        clean(message.sender),
        clean(message.to),
        clean(message.subject),
        clean(message.text),
        clean(message.html),
        json.dumps(headers, ensure_ascii=True).replace("\\u0000", ""),
        None,
    )


class InboxServer:
    """`await start()` listens (port 0: any free one, read `port` then); `await stop()` stores what has arrived and ends.

    `now` gives ms UTC. `on_bounce(raw, recipients)` gets every mail that is a delivery report (RFC 3464) instead of the table, and
    says whether it knew the message; one that it does not know is stored like any mail.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[Any],
        now: Callable[[], int],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_bounce: Callable[[bytes, tuple[str, ...]], Awaitable[bool]] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._pool = pool
        self._now = now
        self._on_bounce = on_bounce
        self._server: asyncio.Server | None = None
        self._sessions: set[SMTP] = set()
        self._arrived: asyncio.Queue[tuple[Row, asyncio.Future[None]]] = asyncio.Queue(maxsize=4 * _GROUP)
        self._writer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()

        def session() -> SMTP:
            return _Session(
                self,
                loop=loop,
                data_size_limit=MAX_MAIL,
                enable_SMTPUTF8=True,
                ident="Wend inbox",
                hostname="localhost",
            )

        self._server = await loop.create_server(session, self.host, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._writer = asyncio.create_task(self._write(), name="inbox writer")

    async def stop(self) -> None:
        """No new sessions; mail that was taken is stored."""
        if self._server is None or self._writer is None:
            return
        self._server.close()
        await self._arrived.join()
        self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer
        self._server = self._writer = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """One mail, for one or more recipients. 250 once it is committed."""
        raw = cast(bytes, envelope.original_content)
        try:
            rows = read_mail(raw, envelope.mail_from or "", envelope.rcpt_tos, self._now())
            if (
                self._on_bounce is not None
                and b"delivery-status" in raw
                and await self._on_bounce(raw, tuple(envelope.rcpt_tos))
            ):
                return "250 2.0.0 Thank you for the report"
            done = asyncio.get_running_loop().create_future()
            for row in rows[:-1]:
                await self._arrived.put((row, asyncio.get_running_loop().create_future()))
            await self._arrived.put((rows[-1], done))
            await done
        except OSError as problem:
            return f"451 4.3.0 Not stored, try again: {' '.join(str(problem).split())[:200]}"
        return "250 2.0.0 Stored"

    async def _write(self) -> None:
        while True:
            group = [await self._arrived.get()]
            while len(group) < _GROUP and not self._arrived.empty():
                group.append(self._arrived.get_nowait())
            try:
                await store(self._pool, [row for row, _ in group])
            except Exception as problem:  # noqa: BLE001  whatever it was, those who wait must hear of it
                failure = OSError(str(problem))
                for _, done in group:
                    if not done.done():
                        done.set_exception(failure)
                        done.exception()  # nobody may be waiting for it any more
            else:
                for _, done in group:
                    if not done.done():
                        done.set_result(None)
            finally:
                for _ in group:
                    self._arrived.task_done()


def read_mail(raw: bytes, sender: str, recipients: Sequence[str], now: int) -> list[Row]:
    """A mail as inbox rows, one per recipient. A mail of ours keeps its own date (a replay's lies in the past).

    Never raises for malformed mail: what cannot be read is left empty, the raw bytes are kept.
    """
    letter = read_letter(raw)
    effect = letter.header(EFFECT_HEADER) or None
    at = now
    if effect:
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            at = int(parsedate_to_datetime(letter.header("Date")).timestamp() * 1000)
    headers = json.dumps(letter.headers)
    origin = letter.header("From") or clean(sender)
    several = len(recipients) > 1
    return [
        (
            f"{effect}#{to}" if effect and several else effect,
            "email",
            at,
            origin,
            clean(to),
            letter.header("Subject"),
            letter.text,
            letter.html,
            headers,
            raw,
        )
        for to in recipients
    ]


class _Session(SMTP):
    """aiosmtpd's session, reading a mail in a few pieces instead of line by line (three times faster)."""

    line_length_limit = MAX_MAIL + 4096

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        plain = _PLAIN_PATH.fullmatch(arg)
        return (plain[1], plain[2]) if plain else super()._getaddr(arg)

    async def smtp_DATA(self, arg: str) -> None:
        """DATA as RFC 5321 has it: only CRLF.CRLF ends a mail, dots at the beginning of lines are taken back."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        data = bytearray()
        size = 0
        while True:
            try:
                piece = await self._reader.readuntil(b".\r\n")
            except asyncio.LimitOverrunError as too_much:
                piece = await self._reader.read(too_much.consumed)
            size += len(piece)
            if size <= MAX_MAIL:
                data += piece
            else:  # read on to its end, keep only what shows the end
                data = data[-5:] + piece[-5:]
            if data.endswith(b"\r\n.\r\n") or (len(data) == 3 and size == 3):
                break
        if size > MAX_MAIL:
            await self.push("552 5.3.4 The mail is too big")
        else:
            content = bytes(data[:-3])
            if b"\r\n.." in content or content.startswith(b".."):
                content = content.replace(b"\r\n..", b"\r\n.").removeprefix(b".")
            envelope.content = envelope.original_content = content
            await self.push(str(await self._call_handler_hook("DATA")))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        self._set_post_data_state()
