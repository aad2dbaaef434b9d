"""`/gallery` and `/gallery/ID`: journeys ready to be taken over, each with its drawing."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from wend.api.pages.drawing import draw
from wend.api.pages.frame import facts, page
from wend.api.pages.html import link, table, tag
from wend.content.documents import dump
from wend.content.gallery import entries
from wend.reports.journeys import JourneyCounts

router = APIRouter(include_in_schema=False)


@router.get("/gallery")
async def gallery_page() -> HTMLResponse:
    """All journeys of the gallery."""
    rows = [
        (link(one.document.name, f"/gallery/{quote(one.id)}"), one.description, len(one.document.nodes))
        for one in entries().values()
    ]
    return page(
        "Gallery", table(("Journey", "What for", "Nodes"), rows, empty="The gallery is empty."), here="/gallery"
    )


@router.get("/gallery/{journey}")
async def gallery_entry_page(journey: str) -> HTMLResponse:
    """One journey of the gallery."""
    found = entries().get(journey)
    if found is None:
        return page("No such journey", tag("p", f"The gallery has no '{journey}'."), here="/gallery", status=404)
    return page(
        found.document.name,
        tag("p", found.description),
        draw(found.document, JourneyCounts()),
        facts(
            [
                ("messages", ", ".join(found.templates) or "none"),
                ("segments", ", ".join(found.segments) or "none"),
                ("you bring", ", ".join(f"{kind} {name}" for kind, name in found.needs) or "nothing"),
                ("take it over", tag("code", f"wend gallery take {found.id}")),
            ]
        ),
        tag("pre", dump(found.raw)),
        here="/gallery",
    )
