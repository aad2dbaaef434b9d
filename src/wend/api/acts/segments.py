"""Segments and lists: checking a document against the workspace, publishing, deleting, and putting people on lists by call.

That a change makes sense is decided by engine/segments.py, at one place in every partition's log; here is what comes before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wend.api.acts.audit import audit
from wend.api.acts.journeys import Published, Refused
from wend.core.inputs import ListChange
from wend.core.journey.check import Known, strange_names, unknown_segments
from wend.core.problems import Problem
from wend.core.segment import parse_document, segments_read
from wend.engine.segments import publish_segment, retire_segment
from wend.reports import people, segments
from wend.reports.seen import seen
from wend.store.clock import now_ms
from wend.store.codec import encode_input
from wend.store.log import NewInput, append
from wend.store.postgres import Connection

MOST = 1_000
"""People put on a list by one call."""


async def checked(conn: Connection, raw: Any) -> tuple[str, list[Problem]]:
    """The id of a segment's document ('' when it has none), and everything that is wrong with it, warnings too."""
    problems: list[Problem] = []
    id, condition = parse_document(raw, problems)
    if condition is not None:
        sample = await seen(conn)
        used = [("condition", one) for one in segments_read(condition)]
        problems += unknown_segments(used, {**await segments.kinds(conn), id: "live"})
        known = Known(events=sample.events or None, attributes=sample.attributes or None)
        problems += strange_names(condition, "condition", known)
    return id, problems


async def publish(conn: Connection, raw: Any, *, who: str) -> Published:
    """Check and publish a document as the next version. Raises Refused, or the engine's PublishError.

    A condition is back-filled before it is in force. Publishing what was published last already changes nothing.
    """
    id, problems = await checked(conn, raw)
    if any(one.level == "error" for one in problems):
        raise Refused(problems)
    before = await segments.one(conn, id)
    if before is not None and before["document"] == raw:
        return Published(id, before["version"], 0, problems, changed=False)
    change = await publish_segment(conn, raw)
    await audit(conn, who, f"segment {id} version {change.version} published")
    return Published(id, change.version, change.number, problems)


async def retire(conn: Connection, segment: str, *, who: str) -> None:
    """Delete a segment or list. Raises the engine's PublishError: there is none, or something uses it."""
    await retire_segment(conn, segment)
    await audit(conn, who, f"segment {segment} deleted")


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a call that changes a list: how many people it was taken for, and who was refused, with the reason."""

    taken: int
    at: int
    refused: list[tuple[str, str]]


async def change_members(
    conn: Connection, segment: str, who_is_meant: Sequence[str], *, add: bool, who: str
) -> Changed:
    """Put people on a list, or take them off: profile ids or any identifiers. Whoever is not known is refused.

    Who is on it already stays; the membership itself changes when the engine comes to it. The caller has looked whether it is a list.
    """
    found: dict[int, None] = {}
    refused: list[tuple[str, str]] = []
    for text in dict.fromkeys(who_is_meant):
        meant = await people.find(conn, text)
        if len(meant) == 1:
            found[meant[0]] = None
        elif meant:
            refused.append((text, f"means several people: {', '.join(map(str, meant[:10]))}"))
        else:
            refused.append((text, "nobody is known by this; upload a CSV to add people who are not known yet"))
    now = await now_ms(conn)
    payload = encode_input(ListChange(segment, now, add))
    at = await append(conn, [NewInput(id, ListChange.KIND, payload) for id in found])
    done = "put on" if add else "taken off"
    await audit(conn, who, f"{len(found)} people {done} list {segment}")
    return Changed(len(found), at, refused)
