"""The catalogue: putting products, taking them out."""

from __future__ import annotations

from collections.abc import Sequence

from wend.api.acts.audit import audit
from wend.content.catalogue import store
from wend.content.catalogue.product import Product
from wend.content.catalogue.store import Changes
from wend.store.clock import now_ms
from wend.store.postgres import Connection


async def put(conn: Connection, products: Sequence[Product], *, who: str) -> Changes:
    """Keep these products (each id once), inside the caller's transaction."""
    now = await now_ms(conn)
    changes = await store.put_products(conn, products, now)
    if changes.added or changes.changed:
        await audit(conn, who, f"catalogue: {changes.added} added, {changes.changed} changed")
    return changes


async def delete(conn: Connection, id: str, *, who: str) -> bool:
    """Take a product out; whether it was there."""
    gone = await store.delete_product(conn, id, await now_ms(conn))
    if gone:
        await audit(conn, who, f"catalogue: {id} taken out")
    return gone
