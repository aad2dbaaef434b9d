"""A mail server that takes everything at once and notes when.

`python -m bench.sink FILE` prints its port; when its standard input is closed, it writes FILE, a JSON object: number in the subject
(`bench 123`) → instants of arrival (seconds since 1970), each at the final dot.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import cast

_NUMBER = re.compile(rb"^Subject: bench (\d+)", re.MULTILINE)
_END = b"\r\n.\r\n"


class _Mail(asyncio.Protocol):
    """One connection."""

    def __init__(self, arrived: dict[int, list[float]]) -> None:
        self._arrived = arrived
        self._buffer = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._step():
            pass

    def _step(self) -> bool:
        mark = _END if self._in_data else b"\r\n"
        head, found, rest = self._buffer.partition(mark)
        if not found:
            return False
        self._buffer = rest
        if self._in_data:
            self._in_data = False
            number = _NUMBER.search(head)
            self._arrived.setdefault(int(number[1]) if number else -1, []).append(time.time())
            self._transport.write(b"250 2.0.0 taken\r\n")
            return True
        verb = head[:4].upper()
        self._in_data = verb == b"DATA"
        if verb == b"EHLO":
            self._transport.write(b"250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n")
        elif self._in_data:
            self._transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 2.0.0 fine\r\n")
        return True


async def _serve() -> dict[int, list[float]]:
    arrived: dict[int, list[float]] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Mail(arrived), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()
    return arrived


def main() -> None:
    import uvloop

    Path(sys.argv[1]).write_text(json.dumps(uvloop.run(_serve())))


if __name__ == "__main__":
    main()
