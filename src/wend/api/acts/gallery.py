"""Taking a journey over from the gallery: its messages and segments, where they are missing, and the journey as a draft."""

from __future__ import annotations

from dataclasses import dataclass

from wend.api.acts import journeys, segments, templates
from wend.content import gallery
from wend.content.store import list_templates
from wend.core.problems import Problem
from wend.reports import journeys as drawn
from wend.reports import segments as kept
from wend.store.postgres import Connection


@dataclass(frozen=True, slots=True)
class Taken:
    """What was added (ids), and what still keeps the draft from being published."""

    journey: str
    templates: tuple[str, ...]
    segments: tuple[str, ...]
    problems: list[Problem]


class There(ValueError):
    """The workspace has a journey of this id already, which would be lost or mixed up; the message says what to do."""


async def take(conn: Connection, id: str, *, who: str) -> Taken:
    """Copy a journey of the gallery into the workspace. What is there already (a changed message, say) is left as it is.

    KeyError: the gallery has no such journey. There: the workspace has a draft of its own; nothing was added.
    """
    entry = gallery.entries()[id]
    before = await drawn.one(conn, id)
    if before is not None and before["draft"] not in (None, entry.raw):
        raise There(
            f"journey '{id}' has a draft of its own, which would be lost: publish it first, or save it under another id"
        )
    there = {one.id for one in await list_templates(conn)}
    added = tuple(name for name in entry.templates if name not in there)
    for name in added:
        await templates.push(conn, gallery.message(name), f"gallery/{name}", who=who)
    known = await kept.kinds(conn)
    missing = tuple(name for name in entry.segments if name not in known)
    for name in missing:
        await segments.publish(conn, gallery.segment(name), who=who)
    problems = await journeys.put_draft(conn, entry.raw, who=who)
    return Taken(id, added, missing, problems)
