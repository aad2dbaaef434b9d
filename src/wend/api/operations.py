"""`/api/dead-letters`, `/api/parked`, `/api/audit`: what an operator looks after."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from wend.api import paging
from wend.api.acts import parked
from wend.api.problem import missing
from wend.api.resolve import person_of
from wend.api.security import Admin, Reader, Writer
from wend.api.surface import surface_of
from wend.reports import operations

router = APIRouter(prefix="/api", tags=["operations"])


class DeadLetter(BaseModel):
    """Refused input: where it came from (path or file:row), why it was refused, and its body."""

    id: int
    at: int
    source: str
    code: str
    message: str
    body: str


class DeadLetterList(BaseModel):
    """A page of refused inputs, the latest first."""

    items: list[DeadLetter]
    next: str | None = None


class Parked(BaseModel):
    """An input that waits: for a merge (`merge`) or for an operator (`error`)."""

    profile_id: str
    seq: int
    at: int
    kind: str
    reason: str
    error: str | None = None
    tries: int
    payload: Any


class ParkedList(BaseModel):
    """A page of parked inputs, by person and order."""

    items: list[Parked]
    next: str | None = None


class Remaining(BaseModel):
    """How many inputs of the person are still parked."""

    parked: int


class Audited(BaseModel):
    """Who did what to the workspace."""

    id: int
    at: int
    who: str
    what: str
    detail: dict[str, Any] | None = None


class AuditList(BaseModel):
    """A page of the audit log, the latest first."""

    items: list[Audited]
    next: str | None = None


@router.get("/dead-letters", operation_id="list_dead_letters")
async def dead_letters(
    request: Request,
    key: Reader,
    code: Annotated[str | None, Query()] = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> DeadLetterList:
    """Refused inputs, the latest first."""
    before = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await operations.dead_letters(conn, code=code, before=before[0] if before else None, limit=limit + 1)
    shown, further = paging.cut(found, limit)
    items = [DeadLetter.model_validate(one) for one in shown]
    return DeadLetterList(items=items, next=paging.encode(items[-1].id) if further else None)


@router.get("/parked", operation_id="list_parked")
async def list_parked(
    request: Request,
    key: Reader,
    reason: Annotated[str | None, Query(pattern="^(merge|error)$")] = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> ParkedList:
    """Inputs that were set aside."""
    after = paging.decode(cursor, int, int)
    async with surface_of(request).pool.connection() as conn:
        found = await operations.parked(
            conn, reason=reason, after=(after[0], after[1]) if after else (0, 0), limit=limit + 1
        )
    shown, further = paging.cut(found, limit)
    last = shown[-1] if further else None
    return ParkedList(
        items=[Parked.model_validate(one | {"profile_id": str(one["profile_id"])}) for one in shown],
        next=paging.encode(last["profile_id"], last["seq"]) if last else None,
    )


@router.post("/parked/{profile}/retry", operation_id="retry_parked")
async def retry(request: Request, key: Writer, profile: str) -> Remaining:
    """Try the person's parked inputs again, in order, now."""
    async with surface_of(request).pool.connection() as conn:
        person = await person_of(conn, profile)
        if not await parked.waiting(conn, person):
            raise missing("parked input of", profile)
        return Remaining(parked=await parked.retry(conn, person, who=f"key {key.id}"))


@router.post("/parked/{profile}/skip", operation_id="skip_parked")
async def skip(request: Request, key: Writer, profile: str) -> Remaining:
    """Give up the first of the person's parked inputs (it is kept among the dead letters), and try the rest."""
    async with surface_of(request).pool.connection() as conn:
        person = await person_of(conn, profile)
        if not await parked.waiting(conn, person):
            raise missing("parked input of", profile)
        return Remaining(parked=await parked.skip(conn, person, who=f"key {key.id}"))


@router.post("/partitions/{partition}/resume", operation_id="resume_partition", status_code=204)
async def resume(request: Request, key: Admin, partition: Annotated[int, Path(ge=0, lt=1 << 31)]) -> None:
    """Let a partition go on that stopped because too much failed in it."""
    async with surface_of(request).pool.connection() as conn:
        if not await parked.resume(conn, partition, who=f"key {key.id}"):
            raise missing("stopped partition", partition)


@router.get("/audit", operation_id="list_audit")
async def audit(request: Request, key: Admin, cursor: paging.Cursor = None, limit: paging.Limit = 50) -> AuditList:
    """Who did what, the latest first."""
    before = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await operations.audit(conn, before=before[0] if before else None, limit=limit + 1)
    shown, further = paging.cut(found, limit)
    items = [Audited.model_validate(one) for one in shown]
    return AuditList(items=items, next=paging.encode(items[-1].id) if further else None)
