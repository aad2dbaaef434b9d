"""Bytes of a request → JSON. What the bytes are is seen from the bytes: gzip magic, then JSON; headers are not asked.

Rules: nothing here raises anything but `BadBody`. The size limit counts before and after unpacking, so that a small
gzip cannot fill the memory. A batch is only cut into its items (`msgspec.Raw`), so that a bad item hurts no good one:
where a lone surrogate or too deep nesting stops that cut, the spot is replaced by a mark and its item refused.
"""

from __future__ import annotations

import re
import secrets
import zlib
from typing import Any, Final, cast

import msgspec

GZIP_MAGIC: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)
_ESCAPED = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)

_secret = secrets.token_hex(8)
MARK_DEPTH: Final = f"wend-mark-depth-{_secret}".encode()
MARK_SURROGATE: Final = f"wend-mark-surrogate-{_secret}".encode()
"""Stand in for what was cut out; random per process, so that no client can write them."""


class BadBody(Exception):
    """The body as a whole cannot be used. `status` is the HTTP status; `code` and `message` go into the answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Batch(msgspec.Struct):
    """A batch, cut into items that are not decoded yet."""

    batch: list[msgspec.Raw]
    context: dict[str, Any] | None = None
    integrations: Any = None
    write_key: Any = msgspec.field(default=None, name="writeKey")
    sent_at: Any = msgspec.field(default=None, name="sentAt")
    timestamp: Any = None


_batch = msgspec.json.Decoder(Batch)
_object = msgspec.json.Decoder(dict[str, Any])


def too_large(limit: int) -> BadBody:
    """The refusal of a body of more than `limit` bytes."""
    return BadBody(413, "body_too_large", f"The body is larger than {limit} bytes. Send smaller batches.")


def unpack(data: bytes, limit: int) -> bytes:
    """`data` without gzip and byte order mark, at most `limit` bytes. Raises BadBody (400, 413)."""
    if len(data) > limit:
        raise too_large(limit)
    if data.startswith(GZIP_MAGIC):
        data = _gunzip(data, limit)
    if data.startswith(_BOM):
        data = data[3:]
    if not data.strip():
        raise BadBody(400, "empty_body", "The body is empty; a JSON object is expected.")
    return data


def read_batch(data: bytes, depth: int) -> tuple[Batch, bool]:
    """The envelope of a batch and its items, cut but not decoded, and whether some text in it must be looked at: there is
    a mark or a NUL character somewhere. Raises BadBody (400)."""
    batch, marked = _decode(_batch, data, depth + 2, "a batch")
    return cast(Batch, batch), marked or b"\\u0000" in data


def read_object(data: bytes, depth: int) -> tuple[dict[str, Any], bool]:
    """One JSON object, and whether some text in it must be looked at, as above. Raises BadBody (400)."""
    item, marked = _decode(_object, data, depth, "a message")
    return cast("dict[str, Any]", item), marked or b"\\u0000" in data


def _gunzip(data: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while data.startswith(GZIP_MAGIC):  # gzip files may be joined
        unpacker = zlib.decompressobj(31)
        try:
            part = unpacker.decompress(data, limit - size + 1)
        except zlib.error as error:
            raise BadBody(400, "invalid_gzip", f"The body starts like gzip but cannot be unpacked: {error}.") from error
        size += len(part)
        if size > limit:
            raise too_large(limit)
        if not unpacker.eof:
            raise BadBody(400, "invalid_gzip", "The gzipped body is cut off.")
        parts.append(part)
        data = unpacker.unused_data
    if data.strip(b"\0"):
        raise BadBody(400, "invalid_gzip", "The gzipped body is followed by other bytes.")
    return b"".join(parts)


def _decode(decoder: msgspec.json.Decoder[Any], data: bytes, depth: int, what: str) -> tuple[Any, bool]:
    try:
        return decoder.decode(data), False
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        marked = mark(data, depth)
        try:
            return decoder.decode(marked), True
        except UnicodeDecodeError as again:
            raise BadBody(400, "not_utf8", f"The body is not UTF-8: {again}.") from error
        except msgspec.ValidationError as again:
            if "out of range" in str(again):
                raise BadBody(
                    400, "number_out_of_range", f"A number in the body is beyond ±1.8e308: {again}."
                ) from error
            raise BadBody(400, "invalid_body", f"The body is not {what}: {again}.") from error
        except (msgspec.DecodeError, RecursionError) as again:
            raise BadBody(400, "malformed_json", f"The body is not JSON: {again}.") from error


def mark(data: bytes, depth: int) -> bytes:
    """`data` with marks in place of values nested deeper than `depth`, and of strings that hold a lone surrogate.

    Works on any bytes, in one pass and without recursion; what is not JSON stays not JSON.
    """
    parts: list[bytes] = []
    kept = 0  # everything before it is in `parts`
    level = 0
    for token in _TOKEN.finditer(data):
        first = data[token.start()]
        if first == 0x22:  # a string
            if level <= depth and _lone_surrogate(token.group()):
                parts += (data[kept : token.start()], b'"' + MARK_SURROGATE + b'"')
                kept = token.end()
        elif first in b"[{":
            level += 1
            if level == depth + 1:
                parts += (data[kept : token.start()], b'"' + MARK_DEPTH + b'"')
                kept = len(data)
        else:
            if level == depth + 1:
                kept = token.end()
            level -= 1
    parts.append(data[kept:])
    return b"".join(parts)


def _lone_surrogate(string: bytes) -> bool:
    if b"\\u" not in string:
        return False
    high_ends = -1  # where a high surrogate that still waits for its low one ended
    for found in _ESCAPED.finditer(string):
        code = int(found.group(1), 16) if found.group(1) else 0
        if high_ends >= 0 and not (0xDC00 <= code <= 0xDFFF and found.start() == high_ends):
            return True
        if 0xDC00 <= code <= 0xDFFF and high_ends < 0:
            return True
        high_ends = found.end() if 0xD800 <= code <= 0xDBFF else -1
    return high_ends >= 0
