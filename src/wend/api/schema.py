"""`/api/schema`: which properties and attributes come in, and of what types."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from wend.api import paging
from wend.api.security import Reader
from wend.api.surface import surface_of
from wend.reports import schema

router = APIRouter(prefix="/api", tags=["schema"])


class Property(BaseModel):
    """A property of an event, or an attribute of people or companies (`name` is empty then). `types`: type → how often it was seen
    in hourly samples; more than one is a type conflict: comparisons hold for one type only. `at`: when it was seen last (ms UTC)."""

    kind: Literal["event", "attribute", "company"]
    name: str
    property: str
    types: dict[str, int]
    conflict: bool
    at: int


class PropertyList(BaseModel):
    """A page of properties, by kind, name and property."""

    items: list[Property]
    next: str | None = None


@router.get("/schema", operation_id="get_schema")
async def get_schema(
    request: Request,
    key: Reader,
    kind: Annotated[Literal["event", "attribute", "company"] | None, Query()] = None,
    name: Annotated[str | None, Query(max_length=200, description="Of the event.")] = None,
    conflicts: Annotated[bool, Query(description="Only those that came with several types.")] = False,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> PropertyList:
    """What comes in, from hourly samples of the log."""
    after = paging.decode(cursor, str, str, str) or ("", "", "")
    async with surface_of(request).pool.connection() as conn:
        found = await schema.schema(
            conn, kind=kind, name=name, conflicts=conflicts, after=(after[0], after[1], after[2]), limit=limit + 1
        )
    shown, further = paging.cut(found, limit)
    items = [Property(**one, conflict=len(one["types"]) > 1) for one in shown]
    last = items[-1] if further else None
    return PropertyList(items=items, next=None if last is None else paging.encode(last.kind, last.name, last.property))
