"""What the door says, byte for byte.

Rules: success is exactly 200 with a JSON body, every error is `{"code", "message"}` (the Python SDK retries anything
else for ever), and `Retry-After` is in whole seconds. Nothing an answer says comes from another client's request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from wend.intake.cors import HEADERS, PREFLIGHT

Headers = list[tuple[bytes, bytes]]

_JSON: Final[Headers] = [(b"content-type", b"application/json"), *HEADERS]
_GIF: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)  # one transparent point
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and all headers but content-length."""

    status: int
    body: bytes
    headers: Headers


def _as_json(status: int, content: Any, *more: tuple[bytes, bytes]) -> Answer:
    return Answer(status, _encode(content), [*_JSON, *more])


def error(status: int, code: str, message: str, *, retry_after: int | None = None, close: bool = False) -> Answer:
    """An error as the SDKs can read it. `retry_after`: seconds. `close`: the connection is not used again."""
    more: Headers = []
    if retry_after is not None:
        more.append((b"retry-after", str(retry_after).encode()))
    if close:
        more.append((b"connection", b"close"))
    return _as_json(status, {"code": code, "message": message}, *more)


def json(content: Any, status: int = 200, *, max_age: int = 0) -> Answer:
    """Any document; `max_age`: seconds it may be cached."""
    return _as_json(status, content, (b"cache-control", f"max-age={max_age}".encode()))


def taken(rejected: list[dict[str, Any]]) -> Answer:
    """Everything that is not listed in `rejected` is durable."""
    return _as_json(200, {"success": True, "rejected": rejected}) if rejected else OK


OK: Final = Answer(200, b'{"success": true}', _JSON)
ALLOWED: Final = Answer(200, b"", PREFLIGHT)
PIXEL: Final = Answer(200, _GIF, [(b"content-type", b"image/gif"), (b"cache-control", b"no-store"), *HEADERS])
