"""`/api/coupon-pools`: pools of coupon codes, uploaded or made by a pattern, and how many are left."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, UploadFile
from pydantic import BaseModel

from wend.api.acts import coupons as acts
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.core.problems import nearest

router = APIRouter(prefix="/api/coupon-pools", tags=["coupons"])
_LARGEST = 64 * 1024 * 1024


class PoolShown(BaseModel):
    """A pool. `free`: codes that nobody has yet; null where they are made by `pattern`. `lasting`: ms from issue."""

    id: str
    pattern: str | None
    lasting: int | None
    expires_at: int | None
    created_at: int
    issued: int
    free: int | None


class PoolList(BaseModel):
    """All pools by id."""

    items: list[PoolShown]


class Uploaded(BaseModel):
    """How many codes were new, and how many were there already."""

    new: int
    there_already: int


@router.get("", operation_id="list_coupon_pools")
async def list_all(request: Request, key: Reader) -> PoolList:
    """All pools, with their counts."""
    async with surface_of(request).pool.connection() as conn:
        return PoolList(items=[_shown(one) for one in await acts.every(conn)])


@router.put("/{pool}", operation_id="put_coupon_pool")
async def put(request: Request, key: Writer, pool: str, rules: Annotated[dict[str, Any], Body()]) -> PoolShown:
    """Make a pool, or give it other rules (`pattern`, `lasting`, `expires_at`). Refused with all faults at once (422)."""
    async with surface_of(request).pool.connection() as conn:
        try:
            await acts.put(conn, pool, rules, who=f"key {key.id}")
        except acts.Refused as refused:
            raise _fault(refused, "The pool has errors.") from None
        return next(_shown(one) for one in await acts.every(conn) if one.id == pool)


@router.post("/{pool}/codes", operation_id="upload_coupons")
async def upload(request: Request, key: Writer, pool: str, file: UploadFile) -> Uploaded:
    """Add the codes of a CSV file (column `code`, or the first one). Codes that are there already change nothing."""
    raw = await file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise Fault(413, "too-large", "The file is bigger than 64 MB.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault(422, "invalid", "The file is not a text in UTF-8.") from None
    async with surface_of(request).pool.connection() as conn:
        try:
            new, there_already = await acts.upload(conn, pool, text, who=f"key {key.id}")
        except LookupError:
            raise missing("coupon pool", pool, nearest(pool, [one.id for one in await acts.every(conn)])) from None
        except acts.Refused as refused:
            raise _fault(refused, "The file has errors; nothing was added.") from None
    return Uploaded(new=new, there_already=there_already)


def _fault(refused: acts.Refused, detail: str) -> Fault:
    return Fault(
        422, "invalid", detail, [FieldProblem(field=one.where, message=one.message) for one in refused.problems]
    )


def _shown(one: acts.Pool) -> PoolShown:
    return PoolShown(
        id=one.id,
        pattern=one.pattern,
        lasting=one.lasting,
        expires_at=one.expires_at,
        created_at=one.created_at,
        issued=one.issued,
        free=one.free,
    )
