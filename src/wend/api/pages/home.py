"""`/`: is everything well, what needs somebody, and where to go."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from wend.api.pages.frame import journey_path, number, page
from wend.api.pages.html import Child, Html, link, table, tag
from wend.api.surface import surface_of
from wend.reports import health, journeys

router = APIRouter(include_in_schema=False)

_TROUBLE = {
    "dead_letters": "events were refused; see them with the API at /api/dead-letters",
    "parked": "inputs are parked because they could not be applied; `wend parked list` shows why",
    "identity_conflicts": "identifiers were refused because two different users would have become one; see /identity",
    "uncertain": "messages were handed over without an answer; they are never sent again by themselves",
}


@router.get("/")
async def home_page(request: Request) -> HTMLResponse:
    """The first page."""
    surface = surface_of(request)
    async with surface.pool.connection() as conn:
        state = await health.partitions(conn, surface.clock.now_ms())
        trouble = await health.trouble(conn)
        outbox = await health.outbox(conn)
        attention = await journeys.attention(conn)
        every = await journeys.every(conn)
        inside = await journeys.inside(conn)
        replay = await health.replaying(conn)
    needs: list[Child] = [f"{n} {_TROUBLE[name]}." for name, n in trouble.items() if n]
    for partition, why in state.stopped.items():
        needs.append(f"Partition {partition} has stopped: {why}. `wend partition resume {partition}` lets it go on.")
    if state.claimed + len(state.stopped) < state.total:
        needs.append(
            f"{state.total - state.claimed} of {state.total} partitions have no worker: nothing happens to the people in them."
        )
    if state.worst_lag > 60_000:
        needs.append(f"The journeys are {state.worst_lag // 1000} s behind; {number(state.waiting)} inputs wait.")
    if replay:
        needs.append("The workspace is in replay mode: live events are refused until the import is done.")
    if attention["drafts"]:
        needs.append((link(f"{attention['drafts']} drafts", "/journeys"), " are not published."))
    for name, n in attention.items():
        if name.startswith("failed:"):
            journey = name.removeprefix("failed:")
            needs.append((f"{n} steps failed since yesterday in ", link(journey, journey_path(journey)), "."))
        elif name.startswith("unpublished:"):
            journey = name.removeprefix("unpublished:")
            needs.append((f"{n} scheduled publications failed of ", link(journey, journey_path(journey)), "."))
    live = [one for one in every if one["status"] in ("live", "paused", "sunset")]
    cards = [
        ("journeys running", len(live)),
        ("people inside", sum(inside.values())),
        ("messages accepted", outbox.get("accepted", 0)),
        ("messages waiting", outbox.get("queued", 0) + outbox.get("sending", 0)),
    ]
    rows = [
        (link(one["name"] or one["id"], journey_path(one["id"])), one["status"], number(inside.get(one["id"], 0)))
        for one in live
    ]
    return page(
        "Wend",
        _needs(needs),
        tag("div", [tag("div", tag("b", number(n)), name, class_="card") for name, n in cards], class_="cards"),
        table(("Journey", "Status", "People inside"), rows, caption="Journeys", empty="No journey runs yet."),
        tag("h2", "Places"),
        tag(
            "ul",
            tag("li", link("Journeys", "/journeys"), ": where people are, and why"),
            tag("li", link("People", "/people"), ": one person's whole story"),
            tag("li", link("Inbox", "/inbox"), ": every message that would have been sent"),
            tag("li", link("Identity", "/identity"), ": identifiers that two different users sent"),
            tag("li", link("Schema", "/schema"), ": the properties and attributes seen, and their types"),
            tag(
                "li",
                link("OpenAPI", "/api/openapi.json"),
                ", ",
                link("metrics", "/metrics"),
                ", ",
                link("readiness", "/readyz"),
            ),
        ),
        here="/",
    )


def _needs(needs: list[Child]) -> Html:
    if not needs:
        return tag("p", "Nothing needs attention.", class_="good")
    return tag("div", tag("h2", "Needs attention"), tag("ul", [tag("li", one, class_="warn") for one in needs]))
