"""One HTTP call to a service, guarded: to an address that may be called, without redirects, with bounds on time and size.

Rules: what certainly did not arrive (`NotSent`) is told from what may have (`Lost`); proxies and cookies of the environment play
no part; nothing secret is in any message or log (the library's client logs addresses, its transport does not). An answer is
taken uncompressed, so that its size is what it says.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from wend.delivery.asks.guard import Forbidden, Unknown, address_of
from wend.delivery.asks.services import Service

LARGEST = 256 * 1024
"""Bytes of an answer."""
_CONTROL = re.compile(r"[\x00-\x20\x7f\\#]")
_HEADER = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect", "upgrade"})


class NotSent(Exception):
    """The service was not reached: it certainly heard nothing."""


class Lost(Exception):
    """The call went out, or may have, and no answer came in time."""


class Refused(Exception):
    """It is not called at all, or its answer is not taken: trying again would not help."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    retry_after: int = 0
    """ms that the service asks to be left alone; 0: it says nothing."""


class Caller:
    """Keeps the connections of each service, to use them again."""

    def __init__(self) -> None:
        self._transports: dict[str, tuple[Service, httpx2.AsyncHTTPTransport]] = {}

    async def close(self) -> None:
        """Let go of all connections."""
        while self._transports:
            await self._transports.popitem()[1][1].aclose()

    async def call(
        self,
        service: Service,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: int,
    ) -> Reply:
        """Call `path` (quoted) below the service's address; `timeout` in ms for the whole of it. Raises NotSent, Lost, Refused."""
        if service.broken:
            raise Refused(service.broken)
        url = service.base_url + service.secret_path + _below(path)
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        assert parts.hostname is not None
        try:
            address = await address_of(parts.hostname, port, internal=service.internal)
        except Forbidden as problem:
            raise Refused(str(problem)) from None
        except Unknown as problem:
            raise NotSent(str(problem)) from None
        at = f"[{address}]" if ":" in address else address
        request = httpx2.Request(
            method,
            f"{parts.scheme}://{at}:{port}{parts.path or '/'}{'?' + parts.query if parts.query else ''}",
            headers=[(b"host", parts.netloc.encode()), *_headers(service, headers)],
            content=body,
            extensions={"sni_hostname": parts.hostname, "timeout": httpx2.Timeout(timeout / 1000).as_dict()},
        )
        try:
            async with asyncio.timeout(timeout / 1000):
                return await _exchange(await self._transport(service), request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as problem:
            raise NotSent(f"no connection: {problem or type(problem).__name__}") from None
        except (httpx2.TimeoutException, TimeoutError):
            raise Lost(f"no answer within {timeout / 1000:g} s") from None
        except (httpx2.RequestError, OSError) as problem:
            raise Lost(f"the connection broke: {problem or type(problem).__name__}") from None

    async def _transport(self, service: Service) -> httpx2.AsyncHTTPTransport:
        kept = self._transports.get(service.id)
        if kept is not None and kept[0] == service:
            return kept[1]
        limits = httpx2.Limits(max_connections=service.at_once, max_keepalive_connections=service.at_once)
        made = httpx2.AsyncHTTPTransport(trust_env=False, limits=limits)
        self._transports[service.id] = (service, made)
        if kept is not None:
            await kept[1].aclose()
        return made


async def _exchange(transport: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> Reply:
    response = await transport.handle_async_request(request)
    try:
        if 300 <= response.status_code < 400:
            raise Refused(
                "it answers with a redirect, which is not followed; set the service's address to where it leads"
            )
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Refused("its answer is compressed, although that was not asked for")
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > LARGEST:
                raise Refused(f"its answer is bigger than {LARGEST // 1024} KB")
            parts.append(part)
        return Reply(response.status_code, b"".join(parts), _seconds(response.headers.get("retry-after", "")) * 1000)
    finally:
        await response.aclose()


def _headers(service: Service, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The service's own, those of the journey, and last the secret ones, which no journey replaces."""
    found = {"accept-encoding": "identity"}
    for some in (service.headers, headers, service.secrets):
        for name, value in some.items():
            if not _NAME.fullmatch(name) or name.lower() in _OURS:
                raise Refused(f"header {name[:60]!r} cannot be set")
            if _HEADER.search(value):
                raise Refused(f"header {name} would hold a control character")
            found[name.lower()] = value
    return [(name.encode(), value.encode()) for name, value in found.items()]


def _below(path: str) -> str:
    """A path that stays below the service's address."""
    if _CONTROL.search(path):
        raise Refused("the path holds a character that a web address cannot have")
    if ".." in path.partition("?")[0].split("/"):
        raise Refused("the path climbs out of the service's address ('..')")
    return path if not path or path[0] in "/?" else "/" + path


def _seconds(text: str) -> int:
    return min(int(text), 86_400) if text.isdecimal() and len(text) < 10 else 0
