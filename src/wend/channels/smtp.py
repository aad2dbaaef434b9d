"""E-mail by any SMTP server: pooled connections, STARTTLS or TLS, authentication, one outcome per message.

What happens when, and what it means:
- before the final dot of DATA was written, a lost connection means `Later`: the server cannot have taken the mail;
- after it, a lost connection or a silence means `Unknown`: the server may have taken it, so it is never resent;
- a refusal is read from the enhanced status code, then from the basic one, together with the command it answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import aiosmtplib

from wend.channels import mime
from wend.channels.contract import Accepted, Later, Message, Outcome, RefusalClass, Refused, Unknown, secret, setting


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where and how to hand mail over."""

    host: str = setting(help="Name or address of the server")
    port: int = setting(587, help="587 with STARTTLS, 465 with TLS, 25 between servers", minimum=1, maximum=65535)
    security: str = setting("starttls", help="How the connection is protected", enum=["starttls", "tls", "none"])
    user: str = setting("", help="Empty: no authentication")
    password: str = secret(help="Password or token of the user")
    hello: str = setting("", help="Name to greet the server with; empty: this machine's")
    sender: str = setting("", help="From header where a template gives none: Name <address>")
    connections: int = setting(20, help="Connections open at once", minimum=1, maximum=500)
    per_connection: int = setting(200, help="Mails over one connection before it is renewed", minimum=1, maximum=100000)
    timeout_s: int = setting(60, help="Seconds to wait for an answer", minimum=1, maximum=600)
    verify: bool = setting(True, help="Check the server's certificate")


class Smtp:
    """The provider. `real` and `idempotent` differ only for the built-in inbox, which is reached by SMTP too."""

    channel = "email"
    supports = frozenset({"html", "text", "subject", "headers", "reply_to", "envelope"})

    def __init__(self, settings: SmtpSettings, *, real: bool = True, idempotent: bool = False) -> None:
        self.settings = settings
        self.real = real
        self.idempotent = idempotent
        self.account = f"smtp {settings.user or '-'}@{settings.host}:{settings.port}" if real else "inbox email"
        self.batch = 1
        self.width = settings.connections if real else 500
        self._slots = asyncio.Semaphore(settings.connections)
        self._idle: list[_Connection] = []

    async def send(self, batch: Sequence[Message]) -> list[Outcome]:
        """Hands the batch over, `connections` at a time."""
        if len(batch) == 1:
            return [await self._one(batch[0])]
        return list(await asyncio.gather(*(self._one(message) for message in batch)))

    async def close(self) -> None:
        """Says QUIT on idle connections."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.quit() for connection in idle))

    async def _one(self, message: Message) -> Outcome:
        try:
            sender = message.sender or self.settings.sender
            if not sender:
                return Refused("no sender: set one in the template or in the settings of the channel", "account")
            if message.sender != sender:
                message = replace(message, sender=sender)
            raw = mime.build(message)
            to = mime.ascii_address(message.to)
            envelope = mime.ascii_address(message.envelope) if message.envelope else mime.split_sender(sender)[1]
        except mime.Unsendable as problem:
            return Refused(str(problem), "address" if problem.kind == "address" else "content")
        async with self._slots:
            return await self._through_a_connection(envelope, to, raw)

    async def _through_a_connection(self, envelope: str, to: str, raw: bytes) -> Outcome:
        connection = self._pop()
        fresh = connection is None
        if connection is None:
            connection = _Connection(self.settings)
            refusal = await connection.open()
            if refusal is not None:
                return refusal
        outcome = await connection.hand_over(envelope, to, raw)
        if isinstance(outcome, Later) and not fresh and not connection.usable():
            # The server had closed the idle connection meanwhile; nothing was taken, so a new one may try.
            return await self._through_a_connection(envelope, to, raw)
        if connection.usable() and connection.count < self.settings.per_connection:
            self._idle.append(connection)
        else:
            await connection.quit()
        return outcome

    def _pop(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
        return None


class _Connection:
    """One session with the server, used by one message at a time."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.user or None,
            password=settings.password or None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            validate_certs=settings.verify,
            timeout=settings.timeout_s,
            local_hostname=settings.hello or socket.gethostname() or "localhost",
        )
        self._timeout = settings.timeout_s
        self.count = 0
        self._last = 0.0

    def usable(self) -> bool:
        """Still connected, and not idle for so long that the server will have hung up (RFC 5321 allows 5 minutes)."""
        return self._client.is_connected and (not self._last or time.monotonic() - self._last < 60)

    async def open(self) -> Outcome | None:
        """None when the connection stands, else why not."""
        try:
            await self._client.connect()
            if self._client.is_ehlo_or_helo_needed:
                await self._client.ehlo()
        except aiosmtplib.SMTPAuthenticationError as refusal:
            return classify("auth", refusal.code, refusal.message)
        except aiosmtplib.SMTPResponseException as refusal:
            return classify("connect", refusal.code, refusal.message)
        except (aiosmtplib.SMTPException, OSError) as problem:
            return Later(f"no connection: {problem}", account=True)
        return None

    async def hand_over(self, envelope: str, to: str, raw: bytes) -> Outcome:
        """One mail. Leaves the session ready for the next one, or closed."""
        self.count += 1
        written = False
        try:
            wide = not to.isascii()
            if wide and not self._client.supports_extension("smtputf8"):
                return Refused(f"the server cannot write to {to!r} (no SMTPUTF8)", "content")
            # The client's own mail() and rcpt() parse the addresses once more, at a third of the cost of a mail.
            command, answer = "mail", await self._say(f"MAIL FROM:<{envelope}>{' SMTPUTF8' if wide else ''}")
            if answer.code == 250:
                command, answer = "rcpt", await self._say(f"RCPT TO:<{to}>")
            if command == "rcpt" and answer.code in (250, 251):
                command, answer = "data", await self._say("DATA")
            if answer.code == 354 and (protocol := self._client.protocol) is not None:
                body = _LEADING_DOT.sub(b"..", raw)
                protocol.write(body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"))
                written = True
                answer = await protocol.read_response(self._timeout)
                if 200 <= answer.code < 300:
                    self._last = time.monotonic()
                    return Accepted(_queue_id(answer.message))
            outcome = classify(command, answer.code, answer.message)
            if self._client.is_connected:
                await self._client.rset()
                self._last = time.monotonic()
            return outcome
        except (aiosmtplib.SMTPException, OSError) as problem:
            self._client.close()
            if written:
                return Unknown(f"no answer after the mail was handed over: {problem}")
            return Later(f"connection lost: {problem}")
        except asyncio.CancelledError:
            self._client.close()
            raise

    async def _say(self, command: str) -> aiosmtplib.SMTPResponse:
        return await self._client.execute_command(command.encode())

    async def quit(self) -> None:
        """Ends the session politely; a server that does not answer is left."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            if self._client.is_connected:
                await self._client.quit(timeout=2)
        self._client.close()


_LEADING_DOT = re.compile(rb"(?m)^\.")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# Of answers to RCPT only these blame us: pausing a channel because one strange server grumbled would be worse.
_ACCOUNT_WORDS = re.compile(r"\brelay|authenticat|sender address rejected", re.IGNORECASE)


def classify(command: str, code: int, text: str) -> Outcome:
    """The server's answer to `command` (connect, auth, mail, rcpt, data) as an outcome.

    4xx is `Later`. A 5xx goes by its enhanced status (RFC 3463): 5.1.x and a disabled mailbox are the address's fault,
    authentication and whatever is said before a recipient was named the account's, the rest this message's.
    """
    why = f"{code} {' '.join(text.split())}"[:500]
    if code < 500:
        return Later(why, account=command in ("connect", "auth") or code in (421, 454))
    if command in ("connect", "auth") or code in (530, 534, 535, 538):
        return Refused(why, "account")
    status = _STATUS.search(text)
    subject, detail = (int(status[2]), int(status[3])) if status else (0, 0)
    if command == "mail":
        too_big = code == 552 or (subject, detail) == (3, 4)
        return Refused(why, "content" if too_big else "account")
    if command == "rcpt":
        return Refused(why, _recipient_refused(code, subject, detail, text))
    return Refused(why, "account" if subject == 7 and detail in (0, 8, 9, 14) else "content")


def _recipient_refused(code: int, subject: int, detail: int, text: str) -> RefusalClass:
    if subject == 1:
        return "account" if detail in (7, 8) else "address"  # x.1.7 and x.1.8 speak of the sender's address
    if (subject, detail) in ((2, 1), (4, 4)):  # mailbox disabled; the domain does not exist
        return "address"
    if subject == 7:
        return "account" if _ACCOUNT_WORDS.search(text) else "content"
    if subject:
        return "content"
    if code in (521, 556, 551, 553) or (code == 550 and not _ACCOUNT_WORDS.search(text)):
        return "address"
    return "account" if _ACCOUNT_WORDS.search(text) else "content"


def _queue_id(text: str) -> str:
    """What servers say after taking a mail usually ends with their name for it (`2.0.0 Ok: queued as 4Xy…`)."""
    return " ".join(text.split())[:200]
