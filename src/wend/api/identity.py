"""`/api/identity/conflicts`: identifiers that two different users sent, and resolving each case."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from wend.api import paging
from wend.api.acts import identity as acts
from wend.api.problem import Fault, missing
from wend.api.security import Admin, Reader
from wend.api.surface import surface_of
from wend.reports import identity

router = APIRouter(prefix="/api/identity", tags=["identity"])

Id = Annotated[int, Path(ge=1, lt=1 << 63)]


class Side(BaseModel):
    """One of the two people, as they are now."""

    id: str
    user_ids: list[str]


class Conflict(BaseModel):
    """An identifier that was sent with `person`, but means `owner`, who has another user id. Times in ms UTC."""

    id: int
    at: int
    namespace: str
    value: str
    person: Side
    owner: Side
    status: Literal["open", "kept_apart", "merged"]
    resolved_at: int | None = None
    resolved_by: str | None = None


class ConflictList(BaseModel):
    """A page of cases, the latest first."""

    items: list[Conflict]
    next: str | None = None


class Resolution(BaseModel):
    """`keep_apart`: two people they are. `merge`: one person they are (cannot be undone); `survivor` is the profile id of the one
    who stays, without it the one known for longer."""

    how: Literal["keep_apart", "merge"]
    survivor: Annotated[str | None, Field(pattern="^[0-9]{1,19}$")] = None


@router.get("/conflicts", operation_id="list_identity_conflicts")
async def list_conflicts(
    request: Request,
    key: Reader,
    status: Annotated[Literal["open", "kept_apart", "merged", "all"], Query()] = "open",
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> ConflictList:
    """Identifiers that were refused because two different users would have become one, the latest first."""
    before = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await identity.conflicts(
            conn, status=None if status == "all" else status, before=before[0] if before else None, limit=limit + 1
        )
    shown, further = paging.cut(found, limit)
    items = [_conflict(one) for one in shown]
    return ConflictList(items=items, next=paging.encode(items[-1].id) if further else None)


@router.post("/conflicts/{id}/resolve", operation_id="resolve_identity_conflict")
async def resolve(request: Request, key: Admin, id: Id, wanted: Resolution) -> Conflict:
    """Say whether they are two people or one. Written to the audit log; a merge cannot be undone."""
    if wanted.survivor is not None and wanted.how != "merge":
        raise Fault(422, "invalid", "'survivor' only makes sense with 'merge'.")
    who = f"key {key.id}"
    async with surface_of(request).pool.connection() as conn:
        if await identity.conflict(conn, id) is None:
            raise missing("identity conflict", str(id))
        try:
            if wanted.how == "merge":
                survivor = None if wanted.survivor is None else int(wanted.survivor)
                await acts.merge(conn, id, survivor, who=who)
            else:
                await acts.keep_apart(conn, id, who=who)
        except acts.CannotResolve as error:
            raise Fault(409, "cannot-resolve", f"{error}.") from error
        resolved = await identity.conflict(conn, id)
    assert resolved is not None
    return _conflict(resolved)


def _conflict(case: dict[str, Any]) -> Conflict:
    def side(name: str) -> Side:
        return Side(id=str(case[name]), user_ids=case[f"{name}_users"] or [])

    return Conflict.model_validate({**case, "person": side("person"), "owner": side("owner")})
