"""`/journeys` and `/journeys/ID`: the journey drawn with its counts; a count shows the people there, each with why and until."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from wend.api import paging
from wend.api.pages.drawing import draw
from wend.api.pages.frame import journey_path, more, number, page, person_link, time
from wend.api.pages.html import Html, link, table, tag
from wend.api.surface import surface_of
from wend.content.documents import dump
from wend.core.journey.document import Document, parse
from wend.core.problems import Problem
from wend.engine.scheduled import Scheduled, listed
from wend.reports import journeys
from wend.reports.sentences import step_sentence

router = APIRouter(include_in_schema=False)
_AT_ONCE = 50


@router.get("/journeys")
async def journeys_page(request: Request) -> HTMLResponse:
    """All journeys."""
    async with surface_of(request).pool.connection() as conn:
        found = await journeys.every(conn)
        inside = await journeys.inside(conn)
    rows = [
        (
            link(one["name"] or one["id"], journey_path(one["id"])),
            one["id"],
            _badge(one["status"]),
            number(inside.get(one["id"], 0)),
            one["version"] or "–",
            time(one["updated_at"]),
        )
        for one in found
    ]
    empty = "No journey yet. Publish one: wend journey publish my-journey.yaml"
    head = ("Name", "Id", "Status", "People inside", "Version", "Changed")
    return page("Journeys", table(head, rows, empty=empty), here="/journeys")


@router.get("/journeys/{journey}")
async def journey_page(
    request: Request, journey: str, node: Annotated[str | None, Query()] = None, cursor: paging.Cursor = None
) -> HTMLResponse:
    """One journey, and the people at `node` when it is given."""
    after = paging.decode(cursor, int, str) or (0, "")
    async with surface_of(request).pool.connection() as conn:
        found = await journeys.one(conn, journey)
        if found is None:
            return page("No such journey", tag("p", f"There is no journey '{journey}'."), here="/journeys", status=404)
        counts = await journeys.counts(conn, journey)
        history = await journeys.history(conn, journey)
        coming = await listed(conn, journey, limit=20)
        people = await journeys.people_at(conn, journey, node, after=after, limit=_AT_ONCE + 1) if node else []
    raw: dict[str, Any] = found["document"] or found["draft"] or {}
    problems: list[Problem] = []
    document = parse(raw, problems)
    cards = [
        ("started", counts.started),
        ("inside now", counts.inside),
        ("ended", counts.ended),
        ("reached the goal", counts.goals),
    ]
    cards.append(("starts refused", counts.refused))
    drawn = (
        draw(document, counts)
        if document and document.nodes
        else tag("p", "Nothing can be drawn of it yet.", class_="muted")
    )
    content: list[object] = [
        tag(
            "p",
            _badge(found["status"]),
            f" {found['id']} · version {found['version'] or '–'}",
            _draft(found),
            class_="muted",
        ),
        tag("div", [tag("div", tag("b", number(n)), name, class_="card") for name, n in cards], class_="cards"),
        [tag("p", str(one), class_="bad" if one.level == "error" else "warn") for one in problems],
        drawn,
    ]
    if node:
        shown, further = paging.cut(people, _AT_ONCE)
        content.append(_people(document, journey, node, shown, further))
    content += [tag("h2", "Publication"), _history(journey, history)]
    if coming:
        content += [tag("h2", "Publications at an instant"), _coming(coming)]
    content.append(tag("h2", "Document"))
    content.append(tag("pre", dump(raw)))
    return page(found["name"] or journey, *content, here="/journeys")


def _badge(status: str) -> Html:
    tone = {"live": "good", "paused": "warn", "stopped": "bad"}.get(status, "muted")
    return tag("span", status, class_=f"badge {tone}")


def _draft(found: dict[str, Any]) -> str:
    return (
        " · has a draft that is not published" if found["draft"] is not None and found["document"] is not None else ""
    )


def _people(document: Document | None, journey: str, node: str, people: list[dict[str, Any]], further: bool) -> Html:
    summaries = {} if document is None else {placed.id: placed.node.summary() for placed in document.nodes.values()}
    rows = [
        (
            person_link(one["profile_id"], one["known_as"]),
            _why(one),
            time(one["entered"]),
            time(one["until"], none="until something happens"),
            time(one["started"]),
            one["version"],
        )
        for one in people
    ]
    last = people[-1] if further else None
    cursor = paging.encode(last["profile_id"], last["run"]) if last else None
    return tag(
        "section",
        tag("h2", f"People at {node}", id="people"),
        tag("p", summaries.get(node, ""), class_="muted"),
        table(
            ("Who", "Why here", "Since", "Until", "Entered the journey", "Version"),
            rows,
            empty="Nobody rests here now.",
        ),
        more(f"{journey_path(journey)}?node={node}", cursor),
    )


def _why(one: dict[str, Any]) -> str:
    """The latest decision of the run: what brought it here, or what holds it here."""
    if one["step"] is None:
        return "–"
    step = {"kind": one["step"], "why": one["why"], "branch": one["branch"], "node": one["step_node"]}
    return step_sentence(step)


def _coming(coming: list[Scheduled]) -> Html:
    rows = [(time(one.at), one.status, one.policy, one.why or one.version or "–") for one in coming]
    return table(("When", "Status", "People inside", "Version, or why not"), rows)


def _history(journey: str, history: list[dict[str, Any]]) -> Html:
    rows = [
        (
            time(one["at"]),
            one["kind"],
            link(one["version"], f"{journey_path(journey)}/versions/{one['version']}") if one["version"] else "–",
            one["policy"],
        )
        for one in history
    ]
    return table(("When", "What", "Version", "People inside"), rows, empty="Never published.")
