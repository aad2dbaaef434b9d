"""A request as it comes: its body within time and size, and the key it carries.

Rules: a body that is too large is read to its end (within bounds) and thrown away, because a client that is still
writing would never see the 413; one that comes too slowly gets 408. A client that hangs up gets nothing and gave nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from wend.intake.body import BadBody, too_large
from wend.intake.limits import Limits

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


class Gone(Exception):
    """The client hung up before its body was complete."""


class Request:
    """One HTTP request. `path` has no trailing slash."""

    __slots__ = ("_authorization", "_length", "_query", "_receive", "host", "method", "path", "scheme", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"].rstrip("/")
        self.scheme: str = scope.get("scheme", "http")
        self._receive = receive
        self._query: dict[str, str] | None = None
        self._authorization = b""
        self._length: int | None = None
        self.host = ""
        for name, value in scope["headers"]:
            if name == b"authorization":
                self._authorization = value
            elif name == b"host":
                self.host = value.decode("latin-1")
            elif name == b"content-length" and value.isdigit() and len(value) < 19:
                self._length = int(value)

    @property
    def query(self) -> dict[str, str]:
        """The query string's parameters; of repeated ones the first."""
        if self._query is None:
            pairs = parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=None)
            self._query = {}
            for name, value in pairs:
                self._query.setdefault(name, value)
        return self._query

    def basic_user(self) -> str:
        """The user name of HTTP Basic, or ""."""
        scheme, _, text = self._authorization.partition(b" ")
        if scheme.lower() != b"basic":
            return ""
        try:
            return base64.b64decode(text.strip(), validate=True).partition(b":")[0].decode("utf-8", "replace")
        except binascii.Error:
            return ""

    def bearer(self) -> str:
        """The bearer token, or ""."""
        scheme, _, text = self._authorization.partition(b" ")
        return text.strip().decode("utf-8", "replace") if scheme.lower() == b"bearer" else ""

    async def body(self, limits: Limits) -> bytes:
        """The whole body. Raises BadBody (408, 413) and Gone."""
        parts: list[bytes] = []
        size = 0
        whole = self._length is None or self._length <= limits.body_bytes
        try:
            async with asyncio.timeout(limits.body_seconds):
                while True:
                    event = await self._receive()
                    if event["type"] == "http.disconnect":
                        raise Gone
                    part = event.get("body", b"")
                    size += len(part)
                    if size > limits.body_bytes:
                        whole = False
                        parts.clear()
                        if size > limits.drain_bytes:
                            break
                    if whole:
                        parts.append(part)
                    if not event.get("more_body", False):
                        break
        except TimeoutError:
            raise BadBody(408, "body_timeout", f"The body did not come within {limits.body_seconds:g} s.") from None
        if not whole:
            raise too_large(limits.body_bytes)
        return parts[0] if len(parts) == 1 else b"".join(parts)
