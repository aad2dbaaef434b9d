"""Keys: write keys (may only send events in) and API keys (bearer tokens of `/api`, with scopes). Shown once, when made."""

from __future__ import annotations

from typing import get_args

from wend.api.acts.audit import audit
from wend.core.problems import nearest
from wend.store import keys as stored
from wend.store.keys import Key, Kind
from wend.store.postgres import Connection, fetch_one, sql

KINDS: tuple[str, ...] = get_args(Kind)
SCOPES = ("read", "write", "admin")
"""read: look at everything · write: journeys, templates, people, parked · admin: keys, settings, erasing. Each includes those before it."""


async def make(conn: Connection, kind: Kind, name: str, scopes: list[str], *, who: str) -> tuple[Key, str]:
    """Make a key; returns it and its secret. `scopes` only matter to API keys; empty: all. ValueError on an unknown one."""
    for scope in scopes:
        if scope not in SCOPES:
            raise ValueError(f"{scope!r} is not a scope{nearest(scope, SCOPES)} (allowed: {', '.join(SCOPES)})")
    granted = [] if kind == "write" else scopes or list(SCOPES)
    key, secret = await stored.create_key(conn, kind, name=name, scopes=granted)
    await audit(conn, who, f"key {key.id} made", {"kind": kind, "name": name, "scopes": granted})
    return key, secret


async def revoke(conn: Connection, key_id: str, *, who: str) -> bool:
    """Take a key out of force; False when there is none of that id in force. Write keys work up to 30 s longer (cache)."""
    if not await stored.revoke_key(conn, key_id):
        return False
    await audit(conn, who, f"key {key_id} revoked")
    return True


async def whose(conn: Connection, secret: str) -> Key | None:
    """The API key in force that `secret` is, or None. Asked each time, so that revoking works at once."""
    row = await fetch_one(conn, sql("key_find"), (stored.digest(secret),))
    return Key(row[0], row[1], row[2], frozenset(row[3])) if row and row[1] == "api" else None
