"""Slow, half-closed, cut off: every one is answered as documented or closed, and the server goes on."""

import asyncio
import base64
import gzip

import msgspec
from tests.intake.conftest import serving

from wend.intake import Limits
from wend.intake.protocol import PatientProtocol

BODY = msgspec.json.encode({"batch": [{"type": "track", "event": "E", "userId": "u1"}]})


def head(world, length, path="/v1/batch"):
    key = base64.b64encode(f"{world.key}:".encode()).decode()
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {key}\r\nContent-Length: {length}\r\n\r\n".encode()


async def goes_on(world):
    assert (await world.post("/v1/batch", BODY)).content == b'{"success": true}'


async def test_a_body_that_comes_too_slowly_gets_408(database_url):
    async with serving(database_url, Limits(body_seconds=0.3)) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(head(world, len(BODY)) + BODY[:5])
        answer = await reader.read()  # to the end: the connection is closed behind it
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"body_timeout"' in answer
        writer.close()
        await goes_on(world)


async def test_a_head_that_never_ends_is_closed(world, monkeypatch):
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.3)
    for start in (b"", b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nX-A: "):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(start)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(head(world, len(BODY)) + BODY)
    async with asyncio.timeout(20):
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        writer.write(b"POST /v1")  # the second request on a connection
        assert await reader.read() == b""
    writer.close()
    await goes_on(world)


async def test_a_client_that_closes_its_sending_side_still_gets_its_answer(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(head(world, len(BODY)) + BODY)
    writer.write_eof()
    async with asyncio.timeout(20):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'{"success": true}')
    writer.close()
    await goes_on(world)


async def test_a_body_that_is_cut_off_gives_nothing(world):
    for sent in (0, 5, -1):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(head(world, len(BODY)) + BODY[:sent])
        writer.write_eof()
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
    await goes_on(world)
    assert len([kind for _, kind, _ in await world.log() if kind == "event"]) == 1
    assert await world.rows("select 1 from dead_letter") == []


async def test_the_sender_of_a_body_without_end_is_told_and_cut_off(database_url):
    async with serving(database_url, Limits(body_bytes=10_000, drain_bytes=1_000_000)) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(head(world, 10**9))
        answer = b""
        try:
            for _ in range(500):
                writer.write(b"x" * 10_000)
                await writer.drain()
        except ConnectionError:
            pass
        try:
            async with asyncio.timeout(20):
                answer = await reader.read()
        except ConnectionError:
            pass
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
        writer.close()
        await goes_on(world)


async def test_pipelined_and_chunked_requests_are_each_answered(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write((head(world, len(BODY)) + BODY) * 3)
    writer.write_eof()
    async with asyncio.timeout(20):
        assert b"HTTP/1.1 200" in await reader.read()
    writer.close()
    packed = gzip.compress(BODY)

    async def pieces():
        for at in range(0, len(packed), 7):
            yield packed[at : at + 7]
            await asyncio.sleep(0)

    answer = await world.client.post("/v1/batch", content=pieces(), auth=(world.key, ""))
    assert answer.content == b'{"success": true}'


async def test_what_is_not_http_is_answered_400(world):
    for rubbish in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET\r\n\r\n", b"hello\r\n\r\n" * 10):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(rubbish)
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()
    await goes_on(world)
