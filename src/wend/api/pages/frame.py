"""What all pages have in common: head, navigation, style, and how instants and people are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from urllib.parse import quote

from fastapi.responses import HTMLResponse

from wend.api.pages.html import Child, Html, join, link, tag
from wend.reports.sentences import clock

_STYLE = files("wend.api.pages").joinpath("style.css").read_text(encoding="utf-8")

_NAVIGATION = (
    ("/", "Home"),
    ("/journeys", "Journeys"),
    ("/segments", "Segments"),
    ("/gallery", "Gallery"),
    ("/people", "People"),
    ("/inbox", "Inbox"),
    ("/alerts", "Alerts"),
)


def page(title: str, *content: Child, here: str = "", status: int = 200) -> HTMLResponse:
    """A whole page. `here`: path of the navigation entry it belongs to."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("link", rel="icon", href="data:,"),  # or the browser asks for /favicon.ico
        tag("title", f"{title} – Wend"),
        tag("style", Html(_STYLE)),
    )
    entries = [link(text, to, aria_current="page" if to == here else None) for to, text in _NAVIGATION]
    skip = link("Skip to content", "#content", class_="skip")
    body = tag(
        "body",
        skip,
        tag("nav", tag("strong", "Wend"), entries, aria_label="Main"),
        tag("main", tag("h1", title), content, id="content"),
    )
    return HTMLResponse("<!doctype html>" + tag("html", head, body, lang="en"), status)


def time(at: int | None, *, none: str = "–") -> Html:
    """An instant (ms UTC), exact in the machine-readable part."""
    if at is None:
        return Html(none)
    try:
        exact = datetime.fromtimestamp(at / 1000, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return tag("span", at)
    return tag("time", clock(at), datetime=exact, class_="nowrap")


def facts(pairs: list[tuple[str, Child]]) -> Html:
    """Names and values, one under the other."""
    return tag("dl", [join((tag("dt", name), tag("dd", value))) for name, value in pairs])


def number(n: int) -> str:
    """A count in short: 5400 → 5.4K."""
    for limit, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "K")):
        if abs(n) >= limit:
            return f"{n / limit:.1f}".removesuffix(".0") + unit
    return str(n)


def person_link(profile_id: int, text: str = "") -> Html:
    """A link to somebody's page."""
    return link(text or str(profile_id), f"/people/{profile_id}")


def journey_path(journey: str) -> str:
    """Path of a journey's page."""
    return f"/journeys/{quote(journey, safe='')}"


def more(path: str, cursor: str | None) -> Html | None:
    """A link to the next page of a list, when there is one."""
    if cursor is None:
        return None
    return tag("p", link("Older →", f"{path}{'&' if '?' in path else '?'}cursor={quote(cursor, safe='')}"))
