"""Cross-origin answers: any page may post, which is what a write key in a page means; nothing can be read with it.

Header names are listed because `*` does not cover Authorization (reference/segment-clients.md, point 4).
"""

from __future__ import annotations

from typing import Final

ALLOWED_HEADERS: Final = (
    "authorization, content-type, content-encoding, accept, x-retry-count, anonymousid, sentat, "
    "rsa-retry-attempt, rsa-retry-reason, rsa-since-first-attempt, rsa-since-last-attempt"
)

HEADERS: Final[list[tuple[bytes, bytes]]] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Retry-After"),
]
"""On every answer of the tracking door."""

PREFLIGHT: Final[list[tuple[bytes, bytes]]] = [
    *HEADERS,
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
    (b"access-control-max-age", b"86400"),
    (b"vary", b"Origin, Access-Control-Request-Headers"),
]
