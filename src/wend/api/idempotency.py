"""`Idempotency-Key`: an unsafe call that is repeated within 24 hours with the same key is answered as the first time, and done once.

Kept in a table, so it holds over restarts and over several servers. The same key with another request is refused (422); while
the first is still being worked on, a repeat is told to wait (409). Server errors are not kept: they may be tried again. A call
whose server was killed in the middle may be tried again after a minute.
"""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wend.api.acts import keys
from wend.api.problem import Fault, answer
from wend.api.surface import Surface, surface_of
from wend.store.clock import now_ms
from wend.store.postgres import fetch_one

KEPT = 24 * 3600 * 1000
"""ms for which an answer is kept."""
_ABANDONED = 60_000
_LONGEST_KEY = 200
_LARGEST_BODY = 8 << 20


class Idempotency:
    """ASGI middleware around the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            return await self._app(scope, receive, send)
        request = Request(scope, receive)
        key = request.headers.get("idempotency-key")
        if key is None or not scope["path"].startswith("/api/"):
            return await self._app(scope, receive, send)
        if not 0 < len(key) <= _LONGEST_KEY:
            detail = f"An Idempotency-Key has 1 to {_LONGEST_KEY} characters; this one has {len(key)}."
            return await answer(Fault(400, "idempotency-key", detail))(scope, receive, send)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_BODY:
                return await answer(Fault(413, "too-large", "The body is too large."))(scope, receive, send)
        secret = request.headers.get("authorization", "").partition(" ")[2]
        surface = surface_of(request)
        asked = hashlib.sha256(f"{scope['method']} {scope['path']}?{request.url.query}\n".encode() + body).digest()
        entry = hashlib.sha256(f"{secret}\n{key}".encode("utf-8", "surrogatepass")).digest()
        early = await _first_or_answer(surface, secret, entry, asked)
        if early is not None:
            return await early(scope, receive, send)
        replay = _Replay(body, receive)
        caught = _Caught(send)
        try:
            await self._app(scope, replay, caught)
        finally:
            await _keep(surface, entry, caught)


async def _first_or_answer(surface: Surface, secret: str, entry: bytes, asked: bytes) -> Response | None:
    """None: this is the first call of its key, go on. Otherwise the answer to give."""
    async with surface.pool.connection() as conn:
        if await keys.whose(conn, secret) is None:
            return None  # refused further in, and nothing is kept for strangers
        now = await now_ms(conn)
        await conn.execute(
            "delete from idempotency where id in (select id from idempotency where at < %s limit 100)", (now - KEPT,)
        )
        taken = await fetch_one(
            conn,
            "insert into idempotency (id, asked, at) values (%s, %s, %s)"
            " on conflict (id) do update set at = excluded.at"
            " where idempotency.status is null and idempotency.at < %s and idempotency.asked = excluded.asked"
            " returning id",
            (entry, asked, now, now - _ABANDONED),
        )
        if taken:
            return None
        row = await fetch_one(conn, "select asked, status, media_type, body from idempotency where id = %s", (entry,))
    if row is None or (row[1] is None and row[0] == asked):
        return answer(Fault(409, "in-progress", "The first call with this Idempotency-Key is still worked on."))
    if row[0] != asked:
        return answer(Fault(422, "key-reused", "This Idempotency-Key was used for another request."))
    return Response(row[3], int(row[1] or 0), {"Idempotency-Replayed": "true"}, row[2])


async def _keep(surface: Surface, entry: bytes, caught: _Caught) -> None:
    async with surface.pool.connection() as conn:
        if caught.status == 0 or caught.status >= 500 or caught.status in {401, 403, 429}:
            await conn.execute("delete from idempotency where id = %s and status is null", (entry,))
        else:
            await conn.execute(
                "update idempotency set status = %s, media_type = %s, body = %s where id = %s",
                (caught.status, caught.media_type, caught.body, entry),
            )


class _Replay:
    """`receive` that gives the body that was already read."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._receive()


class _Caught:
    """`send` that remembers what passes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status, self.media_type, self.body = 0, "", b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers: list[tuple[bytes, bytes]] = message.get("headers", [])
            found: dict[bytes, Any] = {name.lower(): value for name, value in headers}
            self.media_type = found.get(b"content-type", b"").decode()
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
        await self._send(message)
