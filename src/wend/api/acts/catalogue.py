"""The catalogue: putting products, taking them out, and telling whoever is linked to one that it became cheaper or came back.

`Price Dropped` (with `was`) and `Back In Stock` are business events about the product's id. Where no live journey listens, nothing is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wend.api.acts.audit import audit
from wend.api.acts.business import heard, tell
from wend.api.acts.journeys import Refused
from wend.content.catalogue import store
from wend.content.catalogue.product import Product
from wend.content.catalogue.store import Changes
from wend.engine.plans import load_plan
from wend.store.clock import now_ms
from wend.store.postgres import Connection

CHEAPER = "Price Dropped"
BACK = "Back In Stock"
_TOLD = ("product_id", "title", "kind", "category", "price", "currency", "image", "url", "available")


@dataclass(slots=True)
class Put:
    """What putting did. `told`: business events on their way; `why`: why others are not, '' when all are or nobody listens."""

    changes: Changes
    told: int = 0
    why: str = ""


async def put(conn: Connection, products: Sequence[Product], *, who: str) -> Put:
    """Keep these products (each id once), inside the caller's transaction."""
    now = await now_ms(conn)
    changes = await store.put_products(conn, products, now)
    if changes.added or changes.changed:
        await audit(conn, who, f"catalogue: {changes.added} added, {changes.changed} changed")
    done = Put(changes)
    news: list[tuple[str, Product, dict[str, Any]]] = [
        (CHEAPER, new, {"was": old.price}) for old, new in changes.cheaper
    ]
    news += [(BACK, one, {}) for one in changes.back]
    plan = await load_plan(conn) if news else None
    for name, product, more in news:
        assert plan is not None
        if not heard(plan, name):
            continue
        shown = product.shown()
        properties = {key: shown[key] for key in _TOLD if shown[key] not in (None, "")} | more
        try:
            await tell(conn, name, product.id, properties, None, who=who, plan=plan)
            done.told += 1
        except Refused as refused:
            done.why = str(refused)
    return done


async def delete(conn: Connection, id: str, *, who: str) -> bool:
    """Take a product out; whether it was there."""
    gone = await store.delete_product(conn, id, await now_ms(conn))
    if gone:
        await audit(conn, who, f"catalogue: {id} taken out")
    return gone
