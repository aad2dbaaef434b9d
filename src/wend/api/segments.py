"""`/api/segments`: documents, publishing with progress, deleting, who is in them, and changing lists."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel, Field

from wend.api import paging
from wend.api.acts import segments as acts
from wend.api.acts.journeys import Refused
from wend.api.journeys import fields_of
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.core.problems import nearest
from wend.engine.publish import PublishError
from wend.reports import segments
from wend.store.postgres import Connection

router = APIRouter(prefix="/api/segments", tags=["segments"])

Id = Annotated[str, Path(max_length=64, description="The segment's id.")]
Raw = Annotated[
    dict[str, Any], Body(description="A segment document: {id, name, condition} or {id, name, list: true}.")
]


class SegmentProgress(BaseModel):
    """How far a version has been back-filled: people looked at of how many, and found to be in it. `read`: rows of the log."""

    version: int
    stage: str
    partitions: int
    done: int
    people: int
    of: int
    matched: int
    read: int


class SegmentShown(BaseModel):
    """A segment (`kind` live) or list. `size`: people in it now. `live_version` 0: its first version is still being back-filled."""

    id: str
    name: str
    kind: Literal["live", "list"]
    status: Literal["warming", "live"]
    version: int
    live_version: int
    size: int
    progress: SegmentProgress | None
    created_at: int
    updated_at: int


class SegmentList(BaseModel):
    """All segments, by id."""

    items: list[SegmentShown]


class SegmentWhole(SegmentShown):
    """A segment with its document as it was published last."""

    document: dict[str, Any]


class SegmentPublished(BaseModel):
    """What publishing did. `changed` false: this very document was published already."""

    id: str
    version: int
    changed: bool
    warnings: list[FieldProblem]


class Member(BaseModel):
    """Somebody in a segment, since when (ms UTC)."""

    profile_id: str
    known_as: str
    since: int


class Members(BaseModel):
    """A page of the people in a segment."""

    items: list[Member]
    next: str | None = None


class People(BaseModel):
    """Whom a call is about: profile ids or any identifiers."""

    ids: list[Annotated[str, Field(min_length=1, max_length=400)]] = Field(min_length=1, max_length=acts.MOST)


class RefusedPerson(BaseModel):
    """Somebody who was not taken, and why."""

    id: str
    why: str


class ListChanged(BaseModel):
    """Taken into the log at `at` (0: nobody); memberships follow at once."""

    taken: int
    at: int
    refused: list[RefusedPerson]


@router.get("", operation_id="list_segments")
async def list_all(request: Request, key: Reader) -> SegmentList:
    """All segments and lists."""
    async with surface_of(request).pool.connection() as conn:
        return SegmentList(items=[SegmentShown.model_validate(one) for one in await segments.every(conn)])


@router.get("/{segment}", operation_id="get_segment")
async def get(request: Request, key: Reader, segment: Id) -> SegmentWhole:
    """A segment."""
    async with surface_of(request).pool.connection() as conn:
        return SegmentWhole.model_validate(await known_segment(conn, segment))


@router.put("/{segment}", operation_id="put_segment")
async def put(request: Request, key: Writer, segment: Id, raw: Raw) -> SegmentPublished:
    """Publish a document as the next version. A condition is back-filled from history before it is in force."""
    document = {"id": segment} | raw
    if document["id"] != segment:
        detail = f"The document's id is {document['id']!r}, the address names {segment!r}."
        raise Fault(422, "invalid", detail, [FieldProblem(field="id", message=detail)])
    async with surface_of(request).pool.connection() as conn:
        try:
            done = await acts.publish(conn, document, who=f"key {key.id}")
        except Refused as refused:
            raise Fault(422, "segment", "The segment cannot be published.", fields_of(refused.problems)) from None
        except PublishError as error:
            raise Fault(409, "not-now", str(error)) from None
    return SegmentPublished(id=done.id, version=done.version, changed=done.changed, warnings=fields_of(done.warnings))


@router.delete("/{segment}", operation_id="delete_segment", status_code=204)
async def delete(request: Request, key: Writer, segment: Id) -> None:
    """Delete a segment or list. Refused while a journey that is not stopped, or another segment, uses it."""
    async with surface_of(request).pool.connection() as conn:
        await known_segment(conn, segment)
        try:
            await acts.retire(conn, segment, who=f"key {key.id}")
        except PublishError as error:
            raise Fault(409, "in-use", str(error)) from None


@router.get("/{segment}/members", operation_id="list_members")
async def list_members(
    request: Request, key: Reader, segment: Id, cursor: paging.Cursor = None, limit: paging.Limit = 50
) -> Members:
    """The people in it now."""
    after = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        await known_segment(conn, segment)
        found = await segments.members(conn, segment, after=after[0] if after else 0, limit=limit + 1)
    shown, further = paging.cut(found, limit)
    return Members(
        items=[Member.model_validate(one | {"profile_id": str(one["profile_id"])}) for one in shown],
        next=paging.encode(shown[-1]["profile_id"]) if further else None,
    )


@router.post("/{segment}/members", operation_id="add_members", status_code=202)
async def add(request: Request, key: Writer, segment: Id, wanted: People) -> ListChanged:
    """Put people on a list."""
    return await _change(request, segment, wanted, True, f"key {key.id}")


@router.delete("/{segment}/members", operation_id="remove_members", status_code=202)
async def remove(request: Request, key: Writer, segment: Id, wanted: People) -> ListChanged:
    """Take people off a list."""
    return await _change(request, segment, wanted, False, f"key {key.id}")


async def _change(request: Request, segment: str, wanted: People, add: bool, who: str) -> ListChanged:
    async with surface_of(request).pool.connection() as conn:
        if (await known_segment(conn, segment))["kind"] != "list":
            raise Fault(409, "no-list", f"{segment!r} is no list: who is in it is decided by its condition.")
        done = await acts.change_members(conn, segment, wanted.ids, add=add, who=who)
    refused = [RefusedPerson(id=id, why=why) for id, why in done.refused]
    return ListChanged(taken=done.taken, at=done.at, refused=refused)


async def known_segment(conn: Connection, segment: str) -> dict[str, Any]:
    """The segment as `reports.segments.one` gives it. 404 with the nearest name when there is none."""
    found = await segments.one(conn, segment)
    if found is None:
        raise missing("segment", segment, nearest(segment, await segments.kinds(conn)))
    return found
