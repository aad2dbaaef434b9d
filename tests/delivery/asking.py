"""Rows that ask something of the outside, who carries them out, and services that answer over real HTTP as a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet
from tests.delivery.conftest import LINKS, PARTITIONS, SETTINGS, World

from wend.core.inputs import Answer
from wend.core.profile import Profile
from wend.delivery.asks.runner import Asks
from wend.delivery.asks.services import SECRET
from wend.store.codec import encode_json
from wend.store.secrets import Secrets

SECRETS = Secrets(Fernet.generate_key())
CALL: dict[str, Any] = {
    "service": "recommender",
    "method": "GET",
    "path": "",
    "headers": {},
    "body": None,
    "timeout": 5_000,
    "retries": 3,
    "save": [],
}
COUPON: dict[str, Any] = {"pool": "summer", "pattern": None, "expires": None, "once_per_profile": True}


@dataclass
class Heard:
    """One request that a service got."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class ServicePeer:
    port: int
    heard: list[Heard] = field(default_factory=list[Heard])


@asynccontextmanager
async def service_peer(behave: Behaviour) -> AsyncGenerator[ServicePeer]:
    """A server on loopback; `behave` writes the raw answer (or does not)."""
    busy: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                heard = Heard(method, target, headers, body)
                peer.heard.append(heard)
                await behave(heard, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            busy.discard(task)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    peer = ServicePeer(server.sockets[0].getsockname()[1])
    try:
        yield peer
    finally:
        server.close()
        for task in set(busy):
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


def answer(status: int, body: Any = None, **headers: str) -> bytes:
    """A whole HTTP answer; `body` is JSON unless it is bytes."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Fine", f"Content-Length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


def saying(*answers: bytes) -> Behaviour:
    """One answer after the other, the last for ever."""
    left = list(answers)

    async def behave(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return behave


async def hanging(_: Heard, writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.Event().wait()


def asks(world: World, **given: Any) -> Asks:
    return Asks(world.pool, world.clock, SECRETS, LINKS, given.pop("settings", SETTINGS), PARTITIONS, **given)


async def ask(world: World, profile: Profile, kind: str, request: dict[str, Any], **more: Any) -> str:
    """An outbox row as the engine writes it for an Ask; its effect id."""
    data = {"request": request, "entry": {}, "event": {}, "saved": {}, **more.pop("data", {})}
    named = request.get("service") or request.get("pool") or request.get("audience") or request.get("to") or ""
    return await world.queue(profile, channel=kind, template=named, data=data, **more)


async def call(
    world: World, profile: Profile | None = None, /, row: dict[str, Any] | None = None, **request: Any
) -> str:
    """A call of the service `recommender`."""
    return await ask(world, profile or await world.person(), "api", {**CALL, **request}, **(row or {}))


async def service(world: World, port: int, *, path: str = "", secrets: Any = None, **given: Any) -> None:
    """The service `recommender` (or `id`), on loopback and therefore internal."""
    row = {
        "id": "recommender",
        "base_url": f"http://127.0.0.1:{port}{path}",
        "internal": True,
        "updated_at": 1,
        "secret_names": list((secrets or {}).get("headers", {})) if secrets else [],
        **given,
    }
    async with world.pool.connection() as conn:
        names = ", ".join(row)
        query = f"insert into service ({names}) values ({', '.join(['%s'] * len(row))})"
        await conn.execute(query.encode(), list(row.values()))
        if secrets:
            await SECRETS.put(conn, f"{SECRET}{row['id']}", encode_json(secrets))


async def settings(world: World, **law: Any) -> None:
    """Publish settings as far as delivery reads them."""
    async with world.pool.connection() as conn:
        await conn.execute(
            "insert into plan_change (number, at, kind, document) select coalesce(max(number), 0) + 1, 1, 'settings', %s::json"
            " from plan_change",
            (json.dumps(law),),
        )


async def answers(world: World) -> list[Answer]:
    return [one for one in await world.inputs() if isinstance(one, Answer)]


async def the_answer(world: World, effect: str) -> Answer:
    """The one answer to `effect`."""
    (found,) = [one for one in await answers(world) if one.effect_id == effect]
    return found
