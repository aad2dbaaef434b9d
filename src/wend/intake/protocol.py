"""uvicorn's protocol, patient but not for ever: what uvicorn itself leaves open against slow and half-closed clients.

Rules:
1. The head of a request must be complete within HEAD_SECONDS of its first byte (or of connecting); otherwise the
   connection is closed. Bodies have their own limit (request.py: 408). So a slow-loris holds a socket for half a minute.
2. A client that closes its sending side after a complete request still gets its answer (`curl`, `nc -N` and some proxies
   do that); the connection is closed behind it. One that closes before its request is complete is closed at once.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 30.0


class PatientProtocol(HttpToolsProtocol):
    """`http=PatientProtocol` in uvicorn's configuration."""

    head_seconds = HEAD_SECONDS
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock of the first request."""
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Start the clock of a later request with its first byte."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if self._late is None and (cycle is None or cycle.response_complete):
            self._start_clock()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_clock()
        super().on_headers_complete()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """True keeps the connection for the answer to a complete request."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete or cycle.more_body:
            return None
        cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def _start_clock(self) -> None:
        self._late = self.loop.call_later(self.head_seconds, self._close_late)

    def _stop_clock(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close_late(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()


UVICORN_SETTINGS: Final[dict[str, Any]] = {
    "http": PatientProtocol,
    "ws": "none",
    "lifespan": "off",
    "access_log": False,
    "server_header": False,
    "backlog": 2048,
    # Longer than the pause between two batches of an SDK: a connection that closes under a request costs a resend.
    "timeout_keep_alive": 75,
    "timeout_graceful_shutdown": 10,
}
"""For whoever starts uvicorn with the tracking API behind it."""
