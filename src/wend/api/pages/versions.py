"""`/journeys/ID/versions/N`: a published version, what differs from the one before it and from the one that is live now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from wend.api.pages.frame import journey_path, page
from wend.api.pages.html import Html, link, table, tag
from wend.api.surface import surface_of
from wend.content.documents import dump
from wend.core.problems import shown
from wend.reports import journeys
from wend.reports.difference import Difference, difference

router = APIRouter(include_in_schema=False)
_SIGNS = {"added": "+", "removed": "−", "changed": "~"}


@router.get("/journeys/{journey}/versions/{version}")
async def version_page(request: Request, journey: str, version: Annotated[int, Path(ge=1, lt=1 << 31)]) -> HTMLResponse:
    """One version of a journey."""
    async with surface_of(request).pool.connection() as conn:
        found = await journeys.one(conn, journey)
        document = await journeys.document(conn, journey, version)
        before = await journeys.document(conn, journey, version - 1)
    if found is None or document is None:
        said = tag("p", f"There is no version {version} of a journey '{journey}'.")
        return page("No such version", said, here="/journeys", status=404)
    content: list[object] = [tag("p", "A version of ", link(found["name"] or journey, journey_path(journey)), ".")]
    if before is not None:
        content += [tag("h2", f"What differs from version {version - 1}"), _differences(difference(before, document))]
    if found["version"] != version:
        newest = difference(document, found["document"])
        content += [tag("h2", f"What is different in version {found['version']}, the latest"), _differences(newest)]
    content += [
        tag("p", "To publish this version again: ", tag("code", f"wend journey rollback {journey} {version}")),
        tag("h2", "Document"),
        tag("pre", dump(document)),
    ]
    return page(f"{found['name'] or journey}, version {version}", *content, here="/journeys")


def _differences(found: list[Difference]) -> Html:
    rows = [(_SIGNS[one.what], one.where, _said(one.before), _said(one.after)) for one in found]
    return table(("", "Where", "Before", "After"), rows, empty="Nothing but the drawing.")


def _said(value: object) -> str:
    return "–" if value is None else shown(value)
