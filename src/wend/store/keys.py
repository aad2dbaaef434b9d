"""API keys: shown once when they are made, kept as SHA-256 only.

`write` keys may only post to the tracking API; `api` keys carry scopes for /api. Look-ups are cached for a short
while, so
a revoked key works at most that much longer.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wend.store.clock import now_ms
from wend.store.postgres import Connection, Pool, fetch_all, fetch_one, sql

Kind = Literal["write", "api"]

CACHE_SECONDS = 30.0
_CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is known: never the secret itself."""

    id: str
    kind: Kind
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key in a list, with its times (ms UTC)."""

    key: Key
    created_at: int
    revoked_at: int | None


def digest(secret: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def create_key(
    conn: Connection, kind: Kind, *, name: str = "", scopes: Sequence[str] = (), secret: str | None = None
) -> tuple[Key, str]:
    """Make a key inside the caller's transaction; returns it and its secret, which is never seen again.

    `secret` is for a key whose text is chosen by the operator (at least 16 characters, ValueError otherwise).
    """
    if secret is None:
        secret = f"{'wk' if kind == 'write' else 'ak'}_{secrets.token_urlsafe(24)}"
    elif len(secret) < 16:
        raise ValueError("a key has at least 16 characters")
    key = Key(secrets.token_hex(6), kind, name, frozenset(scopes))
    await conn.execute(sql("key_create"), (key.id, kind, name, digest(secret), sorted(key.scopes), await now_ms(conn)))
    return key, secret


async def list_keys(conn: Connection) -> list[KeyRow]:
    """All keys, oldest first, revoked ones too."""
    return [
        KeyRow(Key(row[0], row[1], row[2], frozenset(row[3])), row[4], row[5])
        for row in await fetch_all(conn, sql("key_list"))
    ]


async def revoke_key(conn: Connection, id: str) -> bool:
    """Revoke the key `id`; False when there is no such key, or it is revoked already."""
    cursor = await conn.execute(sql("key_revoke"), (await now_ms(conn), id))
    return cursor.rowcount == 1


class Keys:
    """Look-ups of keys by their secret, cached per process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._cache: dict[bytes, tuple[float, Key | None]] = {}

    async def find(self, secret: str) -> Key | None:
        """The key with this secret, or None. One query per secret and CACHE_SECONDS."""
        hashed = digest(secret)
        now = time.monotonic()
        cached = self._cache.get(hashed)
        if cached is not None and now - cached[0] < CACHE_SECONDS:
            return cached[1]
        async with self._pool.connection() as conn:
            row = await fetch_one(conn, sql("key_find"), (hashed,))
        key = None if row is None else Key(row[0], row[1], row[2], frozenset(row[3]))
        if len(self._cache) >= _CACHE_SIZE:
            self._cache.clear()  # somebody is guessing: wrong keys must not fill the memory
        self._cache[hashed] = (now, key)
        return key
