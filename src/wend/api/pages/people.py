"""`/people` (search by any identifier) and `/people/ID`: who somebody is, what may be sent to them, where they are, what happened."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from wend.api import paging
from wend.api.pages.frame import facts, journey_path, more, page, person_link, time
from wend.api.pages.html import Child, Html, link, table, tag
from wend.api.pages.segments import person_segments
from wend.api.surface import surface_of
from wend.core.consent import CHANNELS, reachable
from wend.core.profile import Profile
from wend.engine.plans import PlanBook
from wend.reports import journeys, people, segments
from wend.reports.sentences import message_sentence, sentences, step_sentence
from wend.reports.timeline import START, Entry, timeline
from wend.reports.why import why

router = APIRouter(include_in_schema=False)
_AT_ONCE = 50


@router.get("/people")
async def search_page(request: Request, q: Annotated[str, Query(max_length=400)] = "") -> Response:
    """Search; a single match goes straight to the person."""
    async with surface_of(request).pool.connection() as conn:
        found = await people.find(conn, q) if q.strip() else await people.recent(conn)
        if q.strip() and len(found) == 1:
            return RedirectResponse(f"/people/{found[0]}", 303)
        shown = [await people.load(conn, one) for one in found]
    box = tag(
        "form",
        tag("label", "Profile id, user id, anonymous id or e-mail ", for_="q"),
        tag("input", id="q", name="q", value=q, type="search", maxlength=400),
        " ",
        tag("button", "Search", type="submit"),
        method="get",
        role="search",
    )
    rows = [
        (
            person_link(one.id, people.title(one)),
            one.id,
            ", ".join(f"{i['namespace']} {i['value']}" for i in one.identifiers[:4]),
        )
        for one in shown
    ]
    empty = f"Nobody is known by '{q}'." if q.strip() else "Nobody is known yet. Send an event to /v1/track."
    caption = "" if q.strip() else "Some people"
    return page(
        "People", box, table(("Who", "Profile id", "Identifiers"), rows, caption=caption, empty=empty), here="/people"
    )


@router.get("/people/{profile_id}")
async def person_page(
    request: Request,
    profile_id: int,
    journey: Annotated[str | None, Query(max_length=100)] = None,
    cursor: paging.Cursor = None,
) -> Response:
    """One person."""
    before = paging.decode(cursor, int, int, int) or START
    async with surface_of(request).pool.connection() as conn:
        survivor = await people.survivor(conn, profile_id)
        if survivor != profile_id:
            return RedirectResponse(f"/people/{survivor}", 303)
        person = await people.load(conn, profile_id)
        if person.profile is None and not person.identifiers:
            return page("Nobody", tag("p", f"Nothing is known about person {profile_id}."), here="/people", status=404)
        entries = await timeline(conn, profile_id, before=(before[0], before[1], before[2]), limit=_AT_ONCE + 1)
        answer = await why(conn, profile_id, journey, PlanBook()) if journey else None
        every = await journeys.every(conn)
        inside = await segments.of_person(conn, person.partition, profile_id)
    shown, further = paging.cut(entries, _AT_ONCE)
    profile = person.profile or Profile(profile_id)
    content: list[Child] = [tag("p", f"Profile {profile_id}", class_="muted")]
    if profile.erased:
        content.append(tag("p", "This person was erased.", class_="warn"))
    content += [
        facts([(one["namespace"], one["value"]) for one in person.identifiers]),
        tag("p", "Merged into this person: ", ", ".join(map(str, person.absorbed)), class_="muted")
        if person.absorbed
        else None,
        tag("h2", "Journeys"),
        _runs(profile),
        _ask(profile_id, journey, [one["id"] for one in every]),
        tag("pre", "\n".join(sentences(answer)), id="why") if answer else None,
        tag("h2", "Segments"),
        person_segments(inside),
        tag("h2", "Timeline"),
        _timeline(shown),
        more(f"/people/{profile_id}", paging.encode(*shown[-1].position) if further else None),
        tag("h2", "Attributes"),
        facts([(name, _value(value)) for name, value in sorted(profile.attributes.items())] or [("–", "none known")]),
        _other_facts(profile),
        tag("h2", "May be reached by"),
        _reachability(profile),
        tag("h2", "Consent"),
        _consent(profile),
    ]
    return page(people.title(person), *content, here="/people")


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _runs(profile: Profile) -> Html:
    rows = [
        (
            link(run.journey, journey_path(run.journey)),
            link(run.node, f"{journey_path(run.journey)}?node={quote(run.node, safe='')}#people"),
            time(run.until, none="until something happens"),
            time(run.started),
            "" if run.key is None else str(run.key),
            run.version,
        )
        for run in profile.runs
    ]
    head = ("Journey", "Rests at", "Until", "Entered", "Key", "Version")
    return table(head, rows, empty="In no journey now.")


def _ask(profile_id: int, journey: str | None, every: list[str]) -> Html | None:
    if not every:
        return None
    links = [
        (
            link(
                one,
                f"/people/{profile_id}?journey={quote(one, safe='')}#why",
                aria_current="true" if one == journey else None,
            ),
            " ",
        )
        for one in every[:50]
    ]
    return tag("p", "Why did, or didn't, they get it? ", links)


def _timeline(entries: list[Entry]) -> Html:
    # What became of a message is told by the step that it caused.
    told = [one for one in entries if one.kind != "feedback" or not one.detail.get("journey")]
    rows = [(time(one.at), _what(one), _said(one)) for one in told]
    return table(("When", "What", ""), rows, empty="Nothing happened yet.")


def _what(entry: Entry) -> Child:
    if entry.source == "input":
        return tag("span", entry.kind.replace("_", " "), class_="badge")
    if entry.source == "message":
        return tag("span", f"message {entry.kind}", class_="badge")
    return (
        link(entry.detail["journey"], journey_path(entry.detail["journey"])) if entry.detail["journey"] else entry.kind
    )


def _said(entry: Entry) -> Child:
    detail = entry.detail
    if entry.source == "step":
        return step_sentence(detail)
    if entry.source == "message":
        text = message_sentence(detail)
        inbox = detail["inbox_id"]
        return (text, " ", link(detail["subject"] or "read it", f"/inbox/{inbox}")) if inbox else text
    if entry.kind == "event":
        properties: dict[str, Any] = detail.get("properties") or {}
        return (
            tag("b", detail.get("name", "")),
            " ",
            tag("span", _value(properties), class_="muted") if properties else None,
        )
    if entry.kind == "identify":
        return tag("span", _value(detail.get("traits") or {}), class_="muted")
    if entry.kind == "feedback":
        return f"{detail.get('state', '')} {detail.get('journey', '')} {detail.get('node', '')} {detail.get('url', '')}".strip()
    return tag("span", _value({name: value for name, value in detail.items() if name != "state"}), class_="muted")


def _other_facts(profile: Profile) -> Html:
    known = profile.facts
    pairs: list[tuple[str, Child]] = [("score", f"{profile.score:g}"), ("tags", ", ".join(profile.tags) or "–")]
    if profile.stage:
        pairs.append(("stage", profile.stage))
    pairs += [("first seen", time(known.first_seen or None)), ("last seen", time(known.last_seen or None))]
    if known.orders:
        worth = f"{known.orders}, worth {known.revenue:g} {known.currency}, the last on "
        pairs.append(("orders", (worth, time(known.last_order_at or None))))
    if known.cart:
        pairs.append(
            (
                "cart",
                ", ".join(
                    f"{line.get('quantity', 1)} × {line.get('name') or line.get('product_id')}" for line in known.cart
                ),
            )
        )
    return facts(pairs)


def _reachability(profile: Profile) -> Html:
    rows: list[tuple[Child, ...]] = []
    for channel in CHANNELS:
        marketing, why_not = reachable(profile, channel, "marketing")
        transactional, why_not_that = reachable(profile, channel, "transactional")
        rows.append((channel.replace("_", " "), _yes(marketing, why_not), _yes(transactional, why_not_that)))
    return table(("Channel", "Marketing", "Transactional"), rows)


def _yes(yes: bool, why_not: str) -> Html:
    return tag("span", "yes", class_="good") if yes else tag("span", f"no: {why_not}", class_="muted")


def _consent(profile: Profile) -> Html:
    rows: list[tuple[Child, ...]] = [(name, one[0], time(one[1])) for name, one in profile.consent.items()]
    rows += [(f"topic {name}", one[0], time(one[1])) for name, one in profile.topics.items()]
    rows += [(f"suppressed {name}", reason, "") for name, reason in profile.suppressed.items()]
    return table(("Channel or topic", "State", "Since"), rows, empty="Never asked, nothing recorded.")
