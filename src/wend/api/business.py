"""`/api/business-events` and `/api/broadcasts`: telling everybody who is linked to a thing, and how far that has come."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from wend.api.acts import business as acts
from wend.api.acts.journeys import Refused
from wend.api.journeys import fields_of
from wend.api.problem import Fault, missing
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.reports import broadcasts

router = APIRouter(prefix="/api", tags=["broadcasts"])


class BusinessEvent(BaseModel):
    """Something happened to the thing `about`. `linked`: who is meant (a condition in which `$about` stands for the thing,
    {segment: id}, or {profiles: [...]}); none: as the triggers that listen to it say."""

    name: str = Field(min_length=1, max_length=200)
    about: str = Field(min_length=1, max_length=200)
    properties: dict[str, Any] = {}
    linked: dict[str, Any] | None = None


class Told(BaseModel):
    """Taken: the broadcast that carries it, and the journeys that listen."""

    broadcast: int
    journeys: list[str]
    at: int


class Broadcast(BaseModel):
    """One input for many people: `told` so far; `ended_at` null: on its way, `done` of `parts` partitions."""

    id: int
    what: str
    journey: str
    created_at: int
    ended_at: int | None
    told: int
    done: int
    parts: int


class BroadcastList(BaseModel):
    """The latest broadcasts, newest first."""

    items: list[Broadcast]


@router.post("/business-events", operation_id="tell_business_event", status_code=202)
async def tell(request: Request, key: Writer, wanted: BusinessEvent) -> Told:
    """Tell everybody linked to a thing what happened to it."""
    async with surface_of(request).pool.connection() as conn:
        try:
            told = await acts.tell(
                conn, wanted.name, wanted.about, wanted.properties, wanted.linked, who=f"key {key.id}"
            )
        except Refused as refused:
            detail = "The business event cannot be told."
            raise Fault(422, "business-event", detail, fields_of(refused.problems)) from None
    return Told(broadcast=told.broadcast, journeys=told.journeys, at=told.at)


@router.get("/broadcasts", operation_id="list_broadcasts")
async def list_all(request: Request, key: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> BroadcastList:
    """The latest broadcasts: business events, schedules, members at publishing."""
    async with surface_of(request).pool.connection() as conn:
        found = await broadcasts.recent(conn, limit)
    return BroadcastList(items=[Broadcast.model_validate(asdict(one)) for one in found])


@router.get("/broadcasts/{broadcast}", operation_id="get_broadcast")
async def get(request: Request, key: Reader, broadcast: Annotated[int, Path(ge=1, lt=1 << 62)]) -> Broadcast:
    """How far a broadcast has come."""
    async with surface_of(request).pool.connection() as conn:
        found = await broadcasts.one(conn, broadcast)
    if found is None:
        raise missing("broadcast", broadcast)
    return Broadcast.model_validate(asdict(found))
