"""`/api/alerts`: what journeys tell the people who work here."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from wend.api import paging
from wend.api.acts import alerts as acts
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of

router = APIRouter(prefix="/api/alerts", tags=["alerts"])


class AlertShown(BaseModel):
    """One alert. `to`: whom it is for."""

    id: int
    at: int
    text: str
    to: str
    profile_id: str
    journey: str
    node: str
    status: Literal["shown", "read"]


class AlertList(BaseModel):
    """A page of alerts, the latest first; `unread`: how many are not read in all (1000: or more)."""

    items: list[AlertShown]
    unread: int
    next: str | None = None


class ReadWanted(BaseModel):
    """Which alerts; null: all."""

    ids: Annotated[list[int], Field(max_length=1_000)] | None = None


class ReadDone(BaseModel):
    """How many were not read before."""

    read: int


@router.get("", operation_id="list_alerts")
async def list_all(
    request: Request,
    key: Reader,
    unread: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: paging.Cursor = None,
) -> AlertList:
    """The latest alerts, read ones too unless only the others are wanted."""
    before = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await acts.some(conn, before=before[0] if before else None, unread=unread, limit=limit + 1)
        count = await acts.unread(conn)
    shown, further = paging.cut(found, limit)
    items = [
        AlertShown(
            id=one.id,
            at=one.at,
            text=one.text,
            to=one.target,
            profile_id=str(one.profile_id),
            journey=one.journey,
            node=one.node,
            status=one.status,
        )
        for one in shown
    ]
    return AlertList(items=items, unread=count, next=paging.encode(shown[-1].id) if further else None)


@router.post("/read", operation_id="read_alerts")
async def read(request: Request, key: Writer, wanted: ReadWanted) -> ReadDone:
    """Mark alerts as read."""
    async with surface_of(request).pool.connection() as conn:
        return ReadDone(read=await acts.read(conn, wanted.ids))
