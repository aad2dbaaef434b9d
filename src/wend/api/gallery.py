"""`/api/gallery`: journeys ready to be taken over, with their messages and segments."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from wend.api.acts import gallery as acts
from wend.api.journeys import fields_of
from wend.api.problem import Fault, FieldProblem, missing
from wend.api.security import Reader, Writer
from wend.api.surface import surface_of
from wend.content.gallery import Entry, entries
from wend.core.problems import nearest

router = APIRouter(prefix="/api/gallery", tags=["gallery"])

Id = Annotated[str, Path(max_length=64, description="The journey's id in the gallery.")]


class GalleryEntry(BaseModel):
    """A journey of the gallery. `needs`: what the workspace must bring itself, such as `service: shop`."""

    id: str
    name: str
    description: str
    templates: list[str]
    segments: list[str]
    needs: list[str]


class GalleryList(BaseModel):
    """The whole gallery, by id."""

    items: list[GalleryEntry]


class GalleryWhole(GalleryEntry):
    """An entry with its document."""

    document: dict[str, Any]


class TakenOver(BaseModel):
    """What was added. `ok`: the draft can be published as it is (once its segments are in force)."""

    journey: str
    templates: list[str]
    segments: list[str]
    ok: bool
    problems: list[FieldProblem]


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.document.name,
        "description": entry.description,
        "templates": list(entry.templates),
        "segments": list(entry.segments),
        "needs": [f"{kind}: {name}" for kind, name in entry.needs],
    }


def _entry(id: str) -> Entry:
    found = entries().get(id)
    if found is None:
        raise missing("journey in the gallery", id, nearest(id, entries()))
    return found


@router.get("", operation_id="list_gallery")
async def list_gallery(key: Reader) -> GalleryList:
    """All journeys of the gallery."""
    return GalleryList(items=[GalleryEntry(**_shown(one)) for one in entries().values()])


@router.get("/{journey}", operation_id="get_gallery_entry")
async def get_gallery_entry(key: Reader, journey: Id) -> GalleryWhole:
    """One journey of the gallery."""
    found = _entry(journey)
    return GalleryWhole(**_shown(found), document=found.raw)


@router.post("/{journey}", operation_id="take_from_gallery")
async def take_over(request: Request, key: Writer, journey: Id) -> TakenOver:
    """Copy it into the workspace: messages and segments where they are missing, the journey as a draft."""
    _entry(journey)
    async with surface_of(request).pool.connection() as conn:
        try:
            taken = await acts.take(conn, journey, who=f"key {key.id}")
        except acts.There as there:
            raise Fault(409, "exists", str(there)) from None
    return TakenOver(
        journey=taken.journey,
        templates=list(taken.templates),
        segments=list(taken.segments),
        ok=not any(one.level == "error" for one in taken.problems),
        problems=fields_of(taken.problems),
    )
