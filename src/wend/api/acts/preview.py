"""How many people a condition means today, before anything is published: of a bare condition, a segment document or a journey's draft.

A journey is asked for its `entry.where`. What reads the event at hand (`property`, `context`) cannot be counted beforehand.
"""

from __future__ import annotations

from typing import Any, LiteralString, cast

import psycopg

from wend.api.acts.journeys import Refused
from wend.core.condition.base import Condition
from wend.core.condition.syntax import parse
from wend.core.journey.check import segments_read, unknown_segments
from wend.core.problems import Problem, shown
from wend.engine.plans import load_plan
from wend.engine.segments import kinds
from wend.history.size import Size, size
from wend.store.clock import now_ms
from wend.store.postgres import Connection

LONGEST = "60s"
_LIMIT: LiteralString = "set local statement_timeout = '60s'"
_ENTRY = {"entry", "nodes", "rule", "start"}


class TooSlow(Exception):
    """The question takes longer than `LONGEST`."""


async def preview(conn: Connection, raw: Any) -> Size:
    """The number of people for whom the condition meant by `raw` is true now. Raises Refused with all faults, TooSlow."""
    where, meant = _meant(raw)
    problems: list[Problem] = []
    condition: Condition | None = parse(meant, where, problems)
    plan = await load_plan(conn)
    if condition is not None:
        problems += unknown_segments([(where, id) for id in segments_read(condition)], kinds(plan))
    if condition is None or problems:
        raise Refused(problems)
    now = await now_ms(conn)
    try:
        await conn.execute(_LIMIT)
        return await size(conn, condition, now, zone=plan.zone, settings=plan.settings)
    except psycopg.errors.QueryCanceled:
        raise TooSlow(f"counting takes longer than {LONGEST}; narrow the windows of time") from None


def sentence(found: Size) -> str:
    """The size as people say it."""
    if found.exact:
        return f"{found.count:,} of {found.of:,} people"
    return f"about {found.count:,} of {found.of:,} people (± {found.margin:,} with 95 % certainty, estimated from a sample)"


def _meant(raw: Any) -> tuple[str, Any]:
    """(where it stands, the condition as it was written)."""
    if not isinstance(raw, dict):
        return "", raw
    document = cast("dict[str, Any]", raw)
    if not _ENTRY.isdisjoint(document):
        entry: Any = document.get("entry")
        if not isinstance(entry, dict) or cast("dict[str, Any]", entry).get("where") is None:
            raise Refused([Problem("entry.where", "the journey has none: it takes everybody whom its trigger means")])
        return "entry.where", cast("dict[str, Any]", entry)["where"]
    if "list" in document:
        raise Refused([Problem("list", "a list has no condition: its people are counted as they are put on it")])
    if "condition" in document:
        return "condition", document["condition"]
    if not document:
        raise Refused([Problem("", f"expected a condition, a segment or a journey, found {shown(document)}")])
    return "", document
