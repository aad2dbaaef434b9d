"""The catalogue in the database: put, look up, list, delete.

Putting is idempotent: a product that is as it was changes nothing. What became cheaper, and what can be had again, is told to the
caller, who lets journeys know.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wend.content.catalogue.product import Product
from wend.store.arrays import text_array
from wend.store.codec import decode_json, encode_json
from wend.store.postgres import Connection, fetch_all, fetch_one, sql


@dataclass(slots=True)
class Changes:
    """What putting did. `cheaper`: (before, after), in the same currency; `back`: can be had again."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    cheaper: list[tuple[Product, Product]] = field(default_factory=list)
    back: list[Product] = field(default_factory=list)


async def put_products(conn: Connection, products: Sequence[Product], now: int) -> Changes:
    """Keep these (each id once) as they are at `now` (ms UTC), inside the caller's transaction."""
    rows = await fetch_all(conn, sql("product_lock"), (text_array([one.id for one in products]),))
    known = {row[0]: _product(row) for row in rows}
    changes = Changes()
    todo: list[tuple[Any, ...]] = []
    for one in sorted(products, key=lambda product: product.id):
        old = known.get(one.id)
        if old == one:
            changes.unchanged += 1
            continue
        todo.append(_row(one, now if old is None else old.added_at, now))
        if old is None:
            changes.added += 1
            continue
        changes.changed += 1
        if old.price is not None and one.price is not None and one.price < old.price and one.currency == old.currency:
            changes.cheaper.append((old, one))
        if one.available and not old.available:
            changes.back.append(one)
    if todo:
        async with conn.cursor() as cursor:
            await cursor.executemany(sql("product_put"), todo)
        await conn.execute(sql("product_touch"), (now,))
    return changes


async def find_products(conn: Connection, ids: Collection[str]) -> dict[str, Product]:
    """Those of `ids` that there are, by id."""
    rows = await fetch_all(conn, sql("product_get"), (text_array(sorted(ids)),))
    return {row[0]: _product(row) for row in rows}


async def list_products(
    conn: Connection, *, after: str = "", limit: int = 100, category: str | None = None, kind: str | None = None
) -> list[Product]:
    """Products by id, behind `after`."""
    asked = {"after": after, "limit": limit, "category": category, "kind": kind}
    return [_product(row) for row in await fetch_all(conn, sql("product_list"), asked)]


async def delete_product(conn: Connection, id: str, now: int) -> bool:
    """Take a product out; whether it was there."""
    gone = await fetch_one(conn, sql("product_delete"), (id,)) is not None
    if gone:
        await conn.execute(sql("product_touch"), (now,))
    return gone


async def shelves(conn: Connection, categories: Collection[str], most: int) -> dict[str, list[Product]]:
    """The newest `most` that can be had of each category, newest first; '' is all categories."""
    found: dict[str, list[Product]] = {name: [] for name in categories}
    named = sorted(name for name in categories if name)
    if named:
        for row in await fetch_all(conn, sql("product_shelves"), (text_array(named), most)):
            found[row[3]].append(_product(row))
    if "" in found:
        found[""] = [_product(row) for row in await fetch_all(conn, sql("product_newest"), (most,))]
    return found


async def intervals(conn: Connection) -> dict[str, int]:
    """Product → ms until it is used up, of those of which that is known."""
    return dict(await fetch_all(conn, sql("product_intervals")))


async def changed_at(conn: Connection) -> int:
    """When the catalogue changed last (ms UTC); 0: never."""
    row = await fetch_one(conn, sql("product_changed"))
    return row[0] if row is not None else 0


def _product(row: Sequence[Any]) -> Product:
    id, kind, title, category, price, currency, image, url, available, replenish, extra, added_at = row
    more: dict[str, Any] = decode_json(extra)
    return Product(id, title, kind, category, price, currency, image, url, available, replenish, more, added_at)


def _row(one: Product, added_at: int, now: int) -> tuple[Any, ...]:
    one = replace(one, added_at=added_at)
    extra = encode_json(one.extra).decode()
    head = (one.id, one.kind, one.title, one.category, one.price, one.currency, one.image, one.url)
    return (*head, one.available, one.replenish, extra, one.added_at, now)
