"""`/identity` (identifiers that two different users sent) and `/schema` (properties, attributes and their types)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from wend.api import paging
from wend.api.pages.frame import more, number, page, person_link, time
from wend.api.pages.html import Child, Html, link, table, tag
from wend.api.surface import surface_of
from wend.reports import identity, schema

router = APIRouter(include_in_schema=False)
_AT_ONCE = 100


@router.get("/identity")
async def identity_page(
    request: Request,
    status: Annotated[Literal["open", "kept_apart", "merged", "all"], Query()] = "open",
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """Refused identifiers, the latest first."""
    before = paging.decode(cursor, int)
    async with surface_of(request).pool.connection() as conn:
        found = await identity.conflicts(
            conn, status=None if status == "all" else status, before=before[0] if before else None, limit=_AT_ONCE + 1
        )
    shown, further = paging.cut(found, _AT_ONCE)
    rows = [
        (
            one["id"],
            f"{one['namespace']} {one['value']}",
            _side(one, "person"),
            _side(one, "owner"),
            one["status"].replace("_", " ") + (f" by {one['resolved_by']}" if one["resolved_by"] else ""),
            time(one["at"]),
        )
        for one in shown
    ]
    ways = [link(name.replace("_", " "), f"/identity?status={name}") for name in (*identity.STATUSES, "all")]
    return page(
        "Identity",
        tag(
            "p",
            "Two people with different user ids are never merged by themselves: the identifier stays with its owner and the case"
            " is listed here. Resolve one with `wend identity resolve CASE --keep-apart` or `--merge`.",
        ),
        tag("p", [(one, " ") for one in ways]),
        table(("Case", "Identifier", "Sent with", "Belongs to", "Status", "When"), rows, empty="No such case."),
        more(f"/identity?status={status}", paging.encode(shown[-1]["id"]) if further else None),
    )


@router.get("/schema")
async def schema_page(
    request: Request, conflicts: Annotated[bool, Query()] = False, cursor: paging.Cursor = None
) -> HTMLResponse:
    """What comes in, and of what types."""
    after = paging.decode(cursor, str, str, str) or ("", "", "")
    async with surface_of(request).pool.connection() as conn:
        found = await schema.schema(conn, conflicts=conflicts, after=(after[0], after[1], after[2]), limit=_AT_ONCE + 1)
    shown, further = paging.cut(found, _AT_ONCE)
    rows = [(one["kind"], one["name"] or "–", one["property"], _types(one["types"]), time(one["at"])) for one in shown]
    last = shown[-1] if further else None
    path = "/schema?conflicts=true" if conflicts else "/schema"
    return page(
        "Schema",
        tag(
            "p", "From hourly samples of what comes in. A property with several types is compared as one of them only."
        ),
        tag("p", link("everything", "/schema"), " ", link("only type conflicts", "/schema?conflicts=true")),
        table(
            ("Kind", "Event", "Property", "Types (times in samples)", "Last seen"),
            rows,
            empty="Nothing was sampled yet.",
        ),
        more(path, None if last is None else paging.encode(last["kind"], last["name"], last["property"])),
    )


def _side(case: dict[str, Any], name: str) -> Child:
    users = ", ".join(case[f"{name}_users"] or [])
    return person_link(case[name], users or str(case[name]))


def _types(types: dict[str, int]) -> Html:
    told = ", ".join(f"{name} {number(n)}" for name, n in types.items())
    return tag("span", told, class_="warn" if len(types) > 1 else None)
