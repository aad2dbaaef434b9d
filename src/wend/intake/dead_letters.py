"""Input that was refused, with its reason, for an operator to see. Nothing is dropped silently (intake.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wend.store.postgres import Connection, sql

MAX_BODY = 32 * 1024
"""Bytes of a refused item that are kept."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused item. `source`: the path, or file:row."""

    source: str
    code: str
    message: str
    body: str


def letter(source: str, code: str, message: str, body: bytes) -> DeadLetter:
    """A dead letter that can be stored whatever the bytes are: what is no text is shown as \\x00."""
    cut = body if len(body) <= MAX_BODY else body[:MAX_BODY] + f"… ({len(body)} bytes)".encode()
    text = cut.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    safe = message.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return DeadLetter(source[:500], code, safe[:2000], text)


async def keep(conn: Connection, letters: Sequence[DeadLetter], now: int) -> None:
    """Write the letters inside the caller's transaction. `now`: ms UTC."""
    if letters:
        await conn.execute(
            sql("dead_letters_insert"),
            (
                now,
                [one.source for one in letters],
                [one.code for one in letters],
                [one.message for one in letters],
                [one.body for one in letters],
            ),
        )
