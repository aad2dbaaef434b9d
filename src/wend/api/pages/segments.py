"""`/segments` and `/segments/ID`: sizes, how far a back-fill has come, the document, and the people."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from wend.api import paging
from wend.api.pages.frame import facts, more, number, page, person_link, time
from wend.api.pages.html import Child, Html, link, table, tag
from wend.api.surface import surface_of
from wend.content.documents import dump
from wend.reports import segments

router = APIRouter(include_in_schema=False)
_AT_ONCE = 50


@router.get("/segments")
async def segments_page(request: Request) -> HTMLResponse:
    """All segments and lists."""
    async with surface_of(request).pool.connection() as conn:
        found = await segments.every(conn)
    rows = [
        (
            link(one["name"], segment_path(one["id"])),
            one["id"],
            one["kind"],
            number(one["size"]),
            _state(one),
            time(one["updated_at"]),
        )
        for one in found
    ]
    empty = "No segment yet. Publish one: wend segment publish my-segment.yaml"
    head = ("Name", "Id", "Kind", "People", "State", "Changed")
    return page("Segments", table(head, rows, empty=empty), here="/segments")


@router.get("/segments/{segment}")
async def segment_page(request: Request, segment: str, cursor: paging.Cursor = None) -> HTMLResponse:
    """One segment and the people in it."""
    after = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await segments.one(conn, segment)
        if found is None:
            return page("No such segment", tag("p", f"There is no segment '{segment}'."), here="/segments", status=404)
        people = await segments.members(conn, segment, after=after[0] if after else 0, limit=_AT_ONCE + 1)
    shown, further = paging.cut(people, _AT_ONCE)
    rows = [(person_link(one["profile_id"], one["known_as"]), time(one["since"])) for one in shown]
    return page(
        found["name"],
        facts(
            [
                ("kind", "kept by its condition" if found["kind"] == "live" else "a list"),
                ("people", number(found["size"])),
                ("state", _state(found)),
                ("version", found["version"]),
            ]
        ),
        tag("h2", "Document"),
        tag("pre", dump(found["document"])),
        tag("h2", "People"),
        table(("Who", "Since"), rows, empty="Nobody is in it."),
        more(segment_path(segment), paging.encode(shown[-1]["profile_id"]) if further else None),
        here="/segments",
    )


def segment_path(segment: str) -> str:
    """Path of a segment's page."""
    return f"/segments/{quote(segment, safe='')}"


def person_segments(found: list[dict[str, Any]]) -> Html:
    """The segments that somebody is in, for the person's page."""
    rows = [(link(one["name"], segment_path(one["id"])), one["kind"], time(one["since"])) for one in found]
    return table(("Segment", "Kind", "Since"), rows, empty="In no segment.")


def _state(one: dict[str, Any]) -> Child:
    progress = one["progress"]
    if progress is None:
        return tag("span", "in force", class_="good")
    version = f"version {progress['version']}: {progress['stage']} "
    bar = tag(
        "progress", f"{progress['people']} of {progress['of']}", value=progress["people"], max=max(1, progress["of"])
    )
    return (
        version,
        bar,
        f" {number(progress['people'])} of {number(progress['of'])} people, {number(progress['matched'])} in it",
    )
