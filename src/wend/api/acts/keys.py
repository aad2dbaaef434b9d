"""Keys: write keys (may only send events in) and API keys (bearer tokens of `/api`, with scopes).

A key is shown once, when it is made; only its SHA-256 is stored. Its id, the public part in the middle, names it in lists.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

from wend.api.acts.audit import audit
from wend.store.clock import now_ms
from wend.store.postgres import Connection, fetch_all, fetch_one

Kind = Literal["write", "api"]
KINDS: tuple[str, ...] = get_args(Kind)
SCOPES = ("read", "write", "admin")
"""read: look at everything · write: journeys, templates, people, parked · admin: keys, settings, erasing. Each includes those before it."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `secret` is never to be seen again."""

    id: str
    kind: str
    name: str
    secret: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key as lists show it. Times in ms UTC; `revoked_at` None: in force."""

    id: str
    kind: str
    name: str
    scopes: list[str]
    created_at: int
    revoked_at: int | None


def digest(secret: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def make(conn: Connection, kind: Kind, name: str, scopes: list[str], *, who: str) -> NewKey:
    """Make a key. `scopes` only matter to API keys; empty: all of them."""
    number = secrets.token_hex(4)
    made = NewKey(number, kind, name, f"wend_{kind}_{number}_{secrets.token_urlsafe(24)}")
    granted = [] if kind == "write" else scopes or list(SCOPES)
    await conn.execute(
        "insert into api_key (id, kind, name, hash, scopes, created_at) values (%s, %s, %s, %s, %s, %s)",
        (made.id, kind, name, digest(made.secret), granted, await now_ms(conn)),
    )
    await audit(conn, who, f"key {made.id} made", {"kind": kind, "name": name, "scopes": granted})
    return made


async def revoke(conn: Connection, key_id: str, *, who: str) -> bool:
    """Take a key out of force at once; False when there is none of that id in force."""
    row = await fetch_one(
        conn,
        "update api_key set revoked_at = %s where id = %s and revoked_at is null returning id",
        (await now_ms(conn), key_id),
    )
    if row:
        await audit(conn, who, f"key {key_id} revoked")
    return row is not None


async def every(conn: Connection) -> list[Key]:
    """All keys, the newest first."""
    query = "select id, kind, name, scopes, created_at, revoked_at from api_key order by created_at desc, id"
    return [Key(*row) for row in await fetch_all(conn, query)]


async def whose(conn: Connection, secret: str) -> Key | None:
    """The API key in force that `secret` is, or None."""
    row = await fetch_one(
        conn,
        "select id, kind, name, scopes, created_at, revoked_at from api_key"
        " where hash = %s and kind = 'api' and revoked_at is null",
        (digest(secret),),
    )
    return Key(*row) if row else None
