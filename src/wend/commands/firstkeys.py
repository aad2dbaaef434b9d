"""The keys that a new workspace begins with: one to write events, one for the API, readable in the data folder (0600)."""

from __future__ import annotations

import os
from pathlib import Path

from wend.api.acts import keys
from wend.store.keys import list_keys
from wend.store.postgres import Pool

NAME = "keys.txt"


async def first_keys(pool: Pool, data: Path) -> Path | None:
    """Make the first keys when the workspace has none; the file that holds them, or None when there were keys already.

    The file is on disk before the keys are committed: a kill in between leaves a file that the next start writes anew, never
    keys that nobody can read.
    """
    async with pool.connection() as conn:
        await conn.execute("lock table api_key in share row exclusive mode")
        if await list_keys(conn):
            return None
        _, write = await keys.make(conn, "write", "first write key", [], who="wend up")
        _, api = await keys.make(conn, "api", "first API key", [], who="wend up")
        path = data / NAME
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as out:
            out.write(f"Write key: {write}\nAPI key: {api}\n")
        return path


def read(data: Path) -> dict[str, str]:
    """'Write key' and 'API key' as the file has them; empty where it is gone."""
    path = data / NAME
    if not path.exists():
        return {}
    return dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line)
