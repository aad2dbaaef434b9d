"""`/inbox` and `/inbox/ID`: what the built-in channels caught. Mail is foreign content: its HTML is sanitised and shown in a frame
that may run nothing and ask nobody for anything."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from wend.api import paging
from wend.api.pages.frame import facts, journey_path, more, page, person_link, time
from wend.api.pages.html import Child, Html, link, table, tag
from wend.api.surface import surface_of
from wend.content.sanitise import safe_html
from wend.reports import messages
from wend.reports.sentences import clock as _clock
from wend.reports.sentences import message_sentence, step_sentence

router = APIRouter(include_in_schema=False)
_AT_ONCE = 50

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@router.get("/inbox")
async def inbox_page(
    request: Request,
    to: Annotated[str, Query(max_length=400)] = "",
    channel: Annotated[str, Query(max_length=40)] = "",
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """The list, the latest first."""
    before = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await messages.inbox(
            conn, recipient=to.strip(), channel=channel, before=before[0] if before else None, limit=_AT_ONCE + 1
        )
    shown, further = paging.cut(found, _AT_ONCE)
    rows = [
        (
            link(one["subject"] or one["preview"][:60] or "(no subject)", f"/inbox/{one['id']}"),
            one["recipient"],
            one["channel"].replace("_", " "),
            time(one["at"]),
        )
        for one in shown
    ]
    form = tag(
        "form",
        tag("label", "To ", for_="to"),
        tag("input", id="to", name="to", value=to, type="search", maxlength=400),
        " ",
        tag("button", "Filter", type="submit"),
        method="get",
        role="search",
    )
    empty = "Nothing was caught yet." if not to else f"Nothing was caught for '{to}'."
    path = f"/inbox?to={quote(to)}&channel={quote(channel)}"
    cursor_on = paging.encode(shown[-1]["id"]) if further else None
    return page(
        "Inbox",
        form,
        table(("Subject", "To", "Channel", "Date"), rows, empty=empty),
        more(path, cursor_on),
        here="/inbox",
    )


@router.get("/inbox/{inbox_id}")
async def message_page(request: Request, inbox_id: int) -> HTMLResponse:
    """One message."""
    async with surface_of(request).pool.connection() as conn:
        found = await messages.caught(conn, inbox_id) if inbox_id < 1 << 63 else None
    if found is None:
        return page("No such message", tag("p", f"There is no message {inbox_id}."), here="/inbox", status=404)
    headers: dict[str, Any] = found["headers"]
    content: list[Child] = [
        facts(
            [
                ("From", found["sender"]),
                ("To", found["recipient"]),
                ("Channel", found["channel"].replace("_", " ")),
                ("Date", time(found["at"])),
            ]
        ),
        _origin(found["message"]),
    ]
    if found["body_html"]:
        content += [tag("h2", "HTML"), _frame(found["body_html"])]
    content += [tag("h2", "Text"), tag("pre", found["body_text"] or "(no text part)")]
    content += [tag("h2", "Headers"), facts([(name, _shown(value)) for name, value in headers.items()])]
    if found["channel"] == "email":
        content.append(tag("p", link("As it came over the wire", f"/inbox/{inbox_id}/raw")))
    return page(found["subject"] or "(no subject)", *content, here="/inbox")


@router.get("/inbox/{inbox_id}/raw")
async def raw_page(request: Request, inbox_id: int) -> Response:
    """The bytes of a mail, as text."""
    async with surface_of(request).pool.connection() as conn:
        raw = await messages.raw(conn, inbox_id) if inbox_id < 1 << 63 else None
    if raw is None:
        return page("No such mail", tag("p", f"There is no mail {inbox_id}."), here="/inbox", status=404)
    return Response(raw, media_type="text/plain; charset=utf-8")


def _framed(html: str) -> str:
    """The mail's HTML as a document of its own. Links open in a new tab; pictures from elsewhere stay away."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><base target="_blank">'
    return f"<!doctype html><html><head>{policy}</head><body>{safe_html(html)}</body></html>"


def _frame(html: str) -> Html:
    return tag(
        "iframe",
        srcdoc=_framed(html),
        sandbox="allow-popups allow-popups-to-escape-sandbox",
        title="The message as its reader sees it",
        referrerpolicy="no-referrer",
    )


def _origin(message: dict[str, Any] | None) -> Html | None:
    """Which journey sent it to whom, and what became of it."""
    if message is None:
        return None
    sent = tag(
        "p",
        "Sent by ",
        link(
            f"{message['journey']} at {message['node']}",
            f"{journey_path(message['journey'])}?node={quote(message['node'], safe='')}#people",
        ),
        " to ",
        person_link(message["profile_id"]),
        ". ",
        message_sentence(message),
    )
    lines = [
        tag("li", f"{_clock(one['at'])}: {step_sentence({'node': message['node'], **one})}")
        for one in message["timeline"]
    ]
    return tag("div", sent, tag("ul", lines))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
