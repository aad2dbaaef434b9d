"""Whether the workspace lives in real time or is being replayed (engine.md 22)."""

from __future__ import annotations

from typing import Literal

from wend.store.codec import decode_json
from wend.store.postgres import Connection, fetch_one, sql

Mode = Literal["live", "replay"]


async def mode(conn: Connection) -> Mode:
    """The workspace's mode. In replay mode live intake answers 503 and workers stand aside."""
    row = await fetch_one(conn, sql("mode_get"))
    return "replay" if row is not None and decode_json(row[0]) == "replay" else "live"


async def set_mode(conn: Connection, mode: Mode) -> None:
    """Change the mode inside the caller's transaction."""
    await conn.execute(sql("mode_put"), (mode,))
