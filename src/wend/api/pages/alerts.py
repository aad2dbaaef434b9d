"""`/alerts`: what journeys tell the people who work here; the one button marks everything as read."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from wend.api import paging
from wend.api.acts import alerts as acts
from wend.api.pages.frame import journey_path, more, page, person_link, time
from wend.api.pages.html import link, table, tag
from wend.api.problem import Fault
from wend.api.surface import surface_of

router = APIRouter(include_in_schema=False)
_AT_ONCE = 50


@router.get("/alerts")
async def alerts_page(
    request: Request, unread: Annotated[bool, Query()] = False, cursor: paging.Cursor = None
) -> HTMLResponse:
    """The list, the latest first."""
    before = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await acts.some(conn, before=before[0] if before else None, unread=unread, limit=_AT_ONCE + 1)
        count = await acts.unread(conn)
    shown, further = paging.cut(found, _AT_ONCE)
    rows = [
        (
            tag("strong", one.text) if one.status == "shown" else one.text,
            one.target,
            person_link(one.profile_id),
            link(one.journey, journey_path(one.journey)),
            time(one.at),
        )
        for one in shown
    ]
    mark = tag("form", tag("button", f"Mark all {count} as read", type="submit"), method="post", action="/alerts/read")
    return page(
        "Alerts",
        tag("p", link("all", "/alerts"), " ", link(f"unread ({count})", "/alerts?unread=true")),
        mark if count else None,
        table(("Alert", "For", "Person", "Journey", "Date"), rows, empty="There are no alerts."),
        more(f"/alerts?unread={str(unread).lower()}", paging.encode(shown[-1].id) if further else None),
        here="/alerts",
    )


@router.post("/alerts/read")
async def read_page(request: Request) -> Response:
    """The button. Only our own page may press it, not a form on somebody else's."""
    if urlsplit(request.headers.get("origin", "")).netloc != request.headers.get("host", ""):
        raise Fault(403, "origin", "This can only be asked for by the page itself.")
    async with surface_of(request).pool.connection() as conn:
        await acts.read(conn, None)
    return RedirectResponse("/alerts", 303)
