"""The loading process: `python -m bench.load` takes a JSON order on standard input, answers with one JSON line.

Raw asyncio over keep-alive connections with bodies that were encoded beforehand, so that little but the server is measured.
Each connection sends its next request when the last one is answered; with `rate`, not before its time has come.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from typing import Any

import msgspec


def event(number: int, user: int, name: str = "Product Viewed") -> dict[str, Any]:
    """What an SDK sends of one event: about 450 bytes, of a user id of its own among many."""
    return {
        "type": "track", "event": name, "userId": f"bench-user-{user}", "messageId": f"bench-{number:032}",
        "timestamp": "2026-11-22T12:00:00.000Z",
        "context": {"library": {"name": "analytics-python", "version": "2.3.2"}, "page": {"path": "/p/1", "title": "Shop"}},
        "properties": {"product_id": f"P{number % 5000:05}", "name": "A pair of shoes", "category": "shoes", "price": 59.9, "number": number},
    }  # fmt: skip


def identify(number: int, user: int) -> dict[str, Any]:
    """What an SDK sends when somebody signs up."""
    traits = {
        "email": f"bench-{user}@shop.example",
        "first_name": "Marieke",
        "city": "Berlin",
        "timezone": "Europe/Berlin",
    }
    return {"type": "identify", "userId": f"bench-user-{user}", "messageId": f"hello-{number:032}", "traits": traits}


def bodies(order: dict[str, Any]) -> list[bytes]:
    """The requests, ready to be written to a socket."""
    batch, total, people = order["batch"], order["events"], order["people"]
    key = base64.b64encode(f"{order['key']}:".encode()).decode()
    path = "/v1/batch" if batch > 1 else "/v1/track"
    made: list[bytes] = []
    for begin in range(order["first"], order["first"] + total, batch):
        numbers = range(begin, min(begin + batch, order["first"] + total))
        if order["name"] == "identify":
            items = [identify(number, number % people) for number in numbers]
        else:
            # Every `every`-th event bears the name asked for, the others are page views.
            names = {
                number: order["name"] if number % order.get("every", 1) == 0 else "Page Viewed" for number in numbers
            }
            items = [event(number, number * 7919 % people, names[number]) for number in numbers]
        body = msgspec.json.encode({"batch": items} if batch > 1 else items[0])
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {key}\r\nContent-Type: application/json\r\n"
        )
        made.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return made


async def _client(
    order: dict[str, Any],
    todo: list[tuple[float, bytes]],
    started: float,
    took: list[float],
    bad: list[str],
    late: list[float],
) -> None:
    reader, writer = await asyncio.open_connection(order["host"], order["port"])
    try:
        while todo:
            due, request = todo.pop()
            wait = started + due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            begin = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            took.append(time.perf_counter() - begin)
            late.append(begin - started - due)
            if not head.startswith(b"HTTP/1.1 200"):
                bad.append((head + body)[:300].decode(errors="replace"))
    finally:
        writer.close()


async def _run(order: dict[str, Any]) -> dict[str, Any]:
    made = bodies(order)
    rate = order.get("rate")
    step = order["batch"] / rate if rate else 0.0
    todo = [(number * step, body) for number, body in enumerate(made)]
    todo.reverse()
    took: list[float] = []
    late: list[float] = []
    bad: list[str] = []
    started = time.perf_counter()
    clock = time.time()
    await asyncio.gather(*(_client(order, todo, started, took, bad, late) for _ in range(order["clients"])))
    seconds = time.perf_counter() - started
    took.sort()
    late.sort()
    return {
        "seconds": seconds, "requests": len(made), "bytes": sum(map(len, made)) / order["events"], "bad": bad[:3], "bad_count": len(bad),
        "p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100], "late": late[len(late) * 99 // 100], "began": clock,
    }  # fmt: skip


def main() -> None:
    order = json.loads(sys.stdin.readline())
    import uvloop

    print(json.dumps(uvloop.run(_run(order))), flush=True)


if __name__ == "__main__":
    main()
