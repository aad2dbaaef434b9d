"""`/api/products`: the catalogue. Products are put one by one or up to 1,000 at once; what is as it was changes nothing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel

from wend.api.acts import catalogue as acts
from wend.api.paging import Cursor, Limit, cut, decode, encode
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.content.catalogue.product import Product, read_product
from wend.content.catalogue.store import find_products, list_products

router = APIRouter(prefix="/api/products", tags=["products"])

AT_ONCE = 1_000


class ProductList(BaseModel):
    """One page of the catalogue, by id."""

    items: list[dict[str, Any]]
    next: str | None


class ProductsPut(BaseModel):
    """What putting did. `cheaper`, `back`: ids of products whose price fell, and that can be had again. `told`: how many business events
    about that are on their way to whoever is linked to the product; `why`: why others are not, where a journey listens."""

    added: int
    changed: int
    unchanged: int
    cheaper: list[str]
    back: list[str]
    told: int
    why: str


@router.get("", operation_id="list_products")
async def list_all(
    request: Request,
    key: Reader,
    cursor: Cursor = None,
    limit: Limit = 100,
    category: Annotated[str | None, Query(max_length=100)] = None,
    kind: Annotated[str | None, Query(max_length=20)] = None,
) -> ProductList:
    """Products by id, all or those of a category or kind."""
    after = decode(cursor, str)
    async with surface_of(request).pool.connection() as conn:
        found = await list_products(
            conn, after=after[0] if after else "", limit=limit + 1, category=category, kind=kind
        )
    page, more = cut(found, limit)
    return ProductList(items=[one.shown() for one in page], next=encode(page[-1].id) if more else None)


@router.put("", operation_id="put_products")
async def put_many(request: Request, key: Writer, products: Annotated[list[Any], Body(embed=True)]) -> ProductsPut:
    """Put up to 1,000 products. Refused as a whole, with every fault at its place, when one of them is faulty (422)."""
    if len(products) > AT_ONCE:
        raise Fault(422, "too_many", f"At most {AT_ONCE} products at once, found {len(products)}.")
    found: list[Product] = []
    errors: list[FieldProblem] = []
    first: dict[str, int] = {}
    for at, raw in enumerate(products):
        product, problems = read_product(raw)
        place = f"products[{at}]"
        errors += [FieldProblem(field=f"{place}.{one.where}".rstrip("."), message=one.message) for one in problems]
        if product is not None:
            if product.id in first:
                said = f"{product.id!r} is products[{first[product.id]}] already"
                errors.append(FieldProblem(field=f"{place}.id", message=said))
            first.setdefault(product.id, at)
            found.append(product)
    return await _put(request, found, errors, f"key {key.id}")


@router.get("/{product:path}", operation_id="get_product")
async def get(request: Request, key: Reader, product: str) -> dict[str, Any]:
    """One product."""
    async with surface_of(request).pool.connection() as conn:
        found = await find_products(conn, [product])
    if product not in found:
        raise missing("product", product)
    return found[product].shown()


@router.put("/{product:path}", operation_id="put_product")
async def put(request: Request, key: Writer, product: str, body: Annotated[dict[str, Any], Body()]) -> ProductsPut:
    """Put one product; the id in the address counts."""
    if str(body.get("id", product)) != product:
        detail = f"The body's id is {body.get('id')!r}, the address names {product!r}."
        raise Fault(422, "invalid", detail, [FieldProblem(field="id", message=detail)])
    found, problems = read_product(body | {"id": product})
    errors = [FieldProblem(field=one.where, message=one.message) for one in problems]
    return await _put(request, [] if found is None else [found], errors, f"key {key.id}")


@router.delete("/{product:path}", operation_id="delete_product", status_code=204)
async def delete(request: Request, key: Writer, product: str) -> None:
    """Take a product out of the catalogue."""
    async with surface_of(request).pool.connection() as conn:
        if not await acts.delete(conn, product, who=f"key {key.id}"):
            raise missing("product", product)


async def _put(request: Request, products: list[Product], errors: list[FieldProblem], who: str) -> ProductsPut:
    if errors:
        raise Fault(422, "invalid", "There are products with faults; nothing was stored.", errors)
    async with surface_of(request).pool.connection() as conn:
        done = await acts.put(conn, products, who=who)
    changes = done.changes
    return ProductsPut(
        added=changes.added,
        changed=changes.changed,
        unchanged=changes.unchanged,
        cheaper=[after.id for _, after in changes.cheaper],
        back=[one.id for one in changes.back],
        told=done.told,
        why=done.why,
    )
