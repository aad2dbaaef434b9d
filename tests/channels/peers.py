"""A real SMTP server that answers as a case tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class Peer:
    """`answers`: command (mail, rcpt, data) → answer, or `drop` (hang up), or for rcpt a mapping of addresses."""

    answers: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    sessions: int = 0
    at_once: int = 0
    most_at_once: int = 0
    release: asyncio.Event | None = None
    """When set: every mail waits for it before it is answered."""

    async def _answer(self, server: SMTP, command: str, default: str, key: str = "") -> str:
        answer = self.answers.get(command, default)
        if isinstance(answer, dict):
            answer = answer.get(key, default)
        if answer == "drop":
            _hang_up(server)
            await asyncio.sleep(0)
        return answer

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._answer(server, "mail", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._answer(server, "rcpt", "250 OK", address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.release is not None:
            await self.release.wait()
        self.at_once -= 1
        self.mails.append(envelope)
        return await self._answer(server, "data", "250 2.0.0 Ok: queued as 4XYZ", envelope.rcpt_tos[0])


def _authenticator(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"wend", b"right"), handled=False)


def _hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


@asynccontextmanager
async def smtp_peer(*, tls: Any = None, auth: bool = False, **given: Any) -> AsyncGenerator[Peer]:
    """The server on a free port; everything is closed at the end."""
    peer = Peer(**given)
    loop = asyncio.get_running_loop()
    open_sessions: list[SMTP] = []

    def session() -> SMTP:
        peer.sessions += 1
        options: dict[str, Any] = {"tls_context": tls} if tls else {}
        if auth:
            options |= {"authenticator": _authenticator, "auth_required": True, "auth_require_tls": bool(tls)}
        made = SMTP(peer, loop=loop, hostname="peer.test", enable_SMTPUTF8=True, **options)
        open_sessions.append(made)
        return made

    server = await loop.create_server(session, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for one in open_sessions:
            _hang_up(one)
        await asyncio.sleep(0.01)
