"""Publishing and retiring segments: changes of the plan like those of journeys (engine.md 17, 19).

A list is in force at once. A condition is back-filled first (engine/backfill.py): until then its version is `warming`, judged
silently, and the version before it, if there is one, stays in force. A segment never changes between list and condition.
"""

from __future__ import annotations

from typing import Any

from wend.core.funnel import PREFIX as FUNNEL
from wend.core.journey.check import lists_used, segments_used, unknown_segments
from wend.core.plan import Plan, PlanChange
from wend.core.problems import Problem
from wend.core.segment import Segment, latest, parse_document, segments_read
from wend.engine.publish import PublishError, change_plan
from wend.store.codec import encode_json
from wend.store.postgres import Connection, sql


async def publish_segment(conn: Connection, document: dict[str, Any]) -> PlanChange:
    """Publish a segment's document as its next version, inside the caller's transaction.

    Raises PublishError: the document has faults, reads itself in a circle, names an unknown segment, cannot be told apart from
    another, or was a list and is now none (or the other way round).
    """
    problems: list[Problem] = []
    id, condition = parse_document(document, problems)
    if problems:
        raise PublishError("; ".join(map(str, problems)))

    def before(plan: Plan) -> int:
        known = kinds(plan)
        kind = "list" if condition is None else "live"
        if known.get(id, kind) != kind:
            was, now = ("a list", "condition") if kind == "live" else ("a condition", "list")
            raise PublishError(f"{now}: segment '{id}' is {was} so far; delete it first, or choose another id")
        if condition is not None:
            read = [("condition", one) for one in segments_read(condition)]
            unknown = [str(one) for one in unknown_segments(read, {**known, id: kind})]
            if unknown:
                raise PublishError("; ".join(unknown))
        return 1 + latest(plan.changes, id)

    change = await change_plan(conn, "segment", id, before, _nothing, document=document)
    name = str(document.get("name") or id)
    kind, status = ("list", "live") if condition is None else ("live", "warming")
    kept = encode_json(document).decode()
    live = change.version if condition is None else 0
    await conn.execute(
        sql("segment_published"), (id, name, kind, status, kept, change.version, live, change.at, change.at)
    )
    if condition is not None:
        await conn.execute(sql("backfill_begin"), (id, change.version, id, change.version, change.at))
    return change


async def segment_live(conn: Connection, id: str, version: int) -> PlanChange:
    """Put a back-filled version in force, inside the caller's transaction. PublishError: it is not warming (any more)."""

    def before(plan: Plan) -> int:
        warming = plan.warming.get(id)
        if warming is None or warming.version != version:
            raise PublishError(f"segment '{id}' has no version {version} that is being back-filled")
        return version

    change = await change_plan(conn, "segment_live", id, before, _nothing)
    await conn.execute(sql("segment_live"), (version, change.at, id))
    return change


async def retire_segment(conn: Connection, id: str) -> PlanChange:
    """Take a segment or list away, inside the caller's transaction.

    Raises PublishError: there is none, or a journey that is not stopped or another segment uses it (which is told).
    """

    def before(plan: Plan) -> int:
        if id not in kinds(plan):
            raise PublishError(f"there is no segment '{id}'")
        users = used_by(plan, id)
        if users:
            raise PublishError(f"segment '{id}' is used by {', '.join(users)}: change those first")
        return latest(plan.changes, id)

    change = await change_plan(conn, "segment_gone", id, before, _nothing)
    await conn.execute(sql("segment_gone"), (id,))
    await conn.execute(sql("backfill_forget"), (id,))
    return change


def kinds(plan: Plan) -> dict[str, str]:
    """Segment id → list or live, of all that are in force or being back-filled."""
    found: dict[str, Segment] = {**plan.warming, **plan.segments}
    return {id: "list" if one.condition is None else "live" for id, one in found.items() if not one.hidden}


def used_by(plan: Plan, id: str) -> list[str]:
    """What uses a segment: journeys in which people are or may be, and other segments."""
    found = [
        f"journey '{name}' (version {version}, {where})"
        for name, published in plan.journeys.items()
        if published.status != "stopped"
        for version, compiled in published.versions.items()
        for where, segment in [*segments_used(compiled.document), *lists_used(compiled.document)]
        if segment == id
    ]
    readers = [*plan.segments.values(), *plan.warming.values()]
    found += [_name(one.id) for one in readers if one.condition is not None and id in segments_read(one.condition)]
    return list(dict.fromkeys(found))


def _name(id: str) -> str:
    """What a person calls the reader: a stage's rule is a hidden segment."""
    return f"stage '{id.removeprefix(FUNNEL)}' of the funnel" if id.startswith(FUNNEL) else f"segment '{id}'"


async def _nothing(_: Plan) -> None:
    """Whatever a plan can be made of is fine."""
