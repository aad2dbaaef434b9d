"""Packed arrays say the same as psycopg's lists."""

from typing import Any

import pytest

from wend.store.arrays import bytea_array, int8_array, text_array
from wend.store.postgres import connect, fetch_one

TEXTS: list[str | None] = ["", "é", "a" * 300, '{"x": [1]}', None]


@pytest.mark.parametrize(
    ("packed", "cast", "plain"),
    [
        (int8_array([]), "bigint", []),
        (int8_array([1, -(1 << 63), (1 << 63) - 1]), "bigint", [1, -(1 << 63), (1 << 63) - 1]),
        (int8_array([None, 5, None]), "bigint", [None, 5, None]),
        (int8_array([5, None]), "int", [5, None]),
        (text_array([]), "text", []),
        (text_array(TEXTS), "text", TEXTS),
        (bytea_array([b"", b"\0\xff", b"x" * 300]), "bytea", [b"", b"\0\xff", b"x" * 300]),
    ],
)
async def test_a_packed_array_arrives_as_it_was(database_url: str, packed: Any, cast: str, plain: Any) -> None:
    conn = await connect(database_url, schema="public")
    query: Any = f"select array(select * from unnest(%b::{cast}[]))"
    assert await fetch_one(conn, query, (packed,)) == (plain,)
    await conn.close()


def test_a_number_beyond_64_bits_is_refused() -> None:
    with pytest.raises(Exception, match="too large"):
        int8_array([1 << 63])
