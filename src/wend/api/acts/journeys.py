"""Journeys: checking a document against the workspace, keeping drafts, publishing, and the life of a published one.

The decision that a change makes sense is the engine's (engine/publish.py: one transaction over all heads); here is what comes
before it: the whole document is checked, with what the workspace knows, and all problems are told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from wend.api.acts import asks
from wend.api.acts.audit import audit
from wend.api.acts.templates import reads_of
from wend.content.geofences import geofence_ids
from wend.content.store import list_templates
from wend.content.templates import Template, parse_template
from wend.content.variables import check_variables
from wend.core.condition.stage import order
from wend.core.journey.check import Known, check
from wend.core.journey.document import Document, parse
from wend.core.journey.nodes.adjust_score import AdjustScore
from wend.core.journey.overlap import overlaps
from wend.core.journey.triggers import OnEvent
from wend.core.plan import Policy
from wend.core.problems import Problem
from wend.engine.plans import load_plan
from wend.engine.publish import change_life, publish_journey
from wend.engine.schedule import schedule_problems
from wend.reports import journeys, segments
from wend.reports.seen import seen
from wend.store.clock import now_ms
from wend.store.codec import encode_json
from wend.store.postgres import Connection

Act = Literal["pause", "resume", "sunset", "stop"]


class Refused(ValueError):
    """The document has errors; `problems` holds all of them, warnings included."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing did: the version, its place in the plan, and warnings. `changed` False: this very document is live already."""

    id: str
    version: int
    number: int
    warnings: list[Problem]
    changed: bool = True


async def checked(
    conn: Connection, raw: Any, templates: dict[str, Any] | None = None
) -> tuple[Document | None, list[Problem]]:
    """Everything that is wrong with a document: its own faults, and what it names that the workspace does not have.

    `templates`: documents of templates (by id) that will be there too. The document is None when there is an error.
    """
    found = {one.id: one.document for one in await list_templates(conn)} | (templates or {})
    sample = await seen(conn)
    in_force = (await load_plan(conn)).settings
    known = Known(
        events=sample.events or None,
        templates={name: str(document.get("channel", "")) for name, document in found.items()},
        journeys=frozenset(one["id"] for one in await journeys.every(conn)),
        segments=await segments.kinds(conn),
        stages=frozenset(order(in_force)),
        geofences=frozenset(await geofence_ids(conn)),
        **await asks.set_up(conn),
    )
    document, problems = check(raw, known)
    if document is None:
        return None, problems
    for place, template in _used(document, found):
        if template is not None:
            where = f"{place} ({template.id})"
            properties = sample.properties_of(_heard(document))
            problems += check_variables(template, sample.attributes or None, properties, where)
    problems += asks.check_texts(document, sample.attributes or None, sample.properties_of(_heard(document)))
    live = [parse(one, []) for one in await journeys.live_documents(conn)]
    problems += overlaps(document, [one for one in live if one is not None])
    if in_force.get("engagement"):
        problems += _scored_twice(document)
    problems += schedule_problems(document, await now_ms(conn), in_force.get("zone", "UTC"))
    failed = any(one.level == "error" for one in problems)
    return (None if failed else document), problems


def _scored_twice(document: Document) -> list[Problem]:
    """A journey that keeps a score while the built-in score is on: the same deed would count twice."""
    why = "the built-in score is on (setting `engagement`), so what is scored here may count twice; use one of the two"
    nodes = [placed.id for placed in document.nodes.values() if placed.node.KIND == AdjustScore.KIND]
    return [Problem(f"nodes.{id}.{AdjustScore.KIND}", why, "warning") for id in nodes]


def _used(document: Document, found: dict[str, Any]) -> list[tuple[str, Template | None]]:
    """Where templates are used, and they."""
    return [
        (f"nodes.{placed.id}.{placed.node.KIND}.{setting}", parse_template(found.get(template, {}))[0])
        for placed in document.nodes.values()
        for setting, _, template in placed.node.templates()
    ]


def _heard(document: Document) -> set[str]:
    """Names of all events whose properties its templates may read; none when it starts by something else."""
    if not all(isinstance(one, OnEvent) for one in document.triggers):
        return set()
    started = {name for one in document.triggers if isinstance(one, OnEvent) for name in one.pattern.names}
    return started | {name for placed in document.nodes.values() for name in placed.node.listens().events}


async def put_draft(conn: Connection, raw: dict[str, Any], *, who: str) -> list[Problem]:
    """Keep a draft, complete or not; returns what is still wrong with it. Raises Refused only when it has no usable id."""
    problems: list[Problem] = []
    parse(raw, problems)
    if any(one.where == "id" for one in problems):
        raise Refused([one for one in problems if one.where == "id"])
    now = await now_ms(conn)
    name = raw["name"] if isinstance(raw.get("name"), str) else raw["id"]
    await conn.execute(
        "insert into journey (id, name, status, draft, created_at, updated_at) values (%(id)s, %(name)s, 'draft', %(draft)s::json,"
        " %(now)s, %(now)s) on conflict (id) do update set draft = excluded.draft, updated_at = excluded.updated_at,"
        " name = case when journey.version = 0 then excluded.name else journey.name end",
        {"id": raw["id"], "name": name, "draft": encode_json(raw).decode(), "now": now},
    )
    await audit(conn, who, f"draft of journey {raw['id']} saved")
    _, problems = await checked(conn, raw)
    return problems


async def publish(
    conn: Connection,
    raw: dict[str, Any],
    *,
    who: str,
    policy: Policy = "keep",
    mapping: Mapping[str, str] | None = None,
) -> Published:
    """Check and publish a document as the next version. Raises Refused, or engine's PublishError (MoveRefused says all problems).

    `policy` and `mapping`: what becomes of the people inside (journeys.md rule 8). Publishing what is live already changes nothing,
    unless people are to be moved to it, or to leave.
    """
    document, problems = await checked(conn, raw)
    if document is None:
        raise Refused(problems)
    before = await journeys.one(conn, document.id)
    found = {one.id: one.document for one in await list_templates(conn)}
    reads = reads_of([template for _, template in _used(document, found) if template is not None])
    reads = asks.both(reads, asks.reads(document))
    if policy == "keep" and before is not None and before["status"] == "live" and before["document"] == raw:
        kept = await journeys.reads(conn, document.id, before["version"])
        if kept is None or all(set(names) <= set(kept.get(kind, ())) for kind, names in reads.items()):
            return Published(document.id, before["version"], 0, problems, changed=False)
    change = await publish_journey(conn, raw, reads=reads, policy=policy, mapping=mapping)
    await conn.execute(
        "update journey set draft = null where id = %s and draft::text = %s", (document.id, encode_json(raw).decode())
    )
    detail = {"policy": policy, **({"mapping": dict(mapping)} if mapping else {})}
    await audit(conn, who, f"journey {document.id} version {change.version} published", detail)
    return Published(document.id, change.version, change.number, problems)


async def live(conn: Connection, act: Act, journey: str, *, who: str) -> str:
    """Pause, resume, sunset or stop; returns the status after it. Raises the engine's PublishError."""
    await change_life(conn, act, journey)
    await audit(conn, who, f"journey {journey}: {act}")
    after = await journeys.one(conn, journey)
    return cast(str, after["status"]) if after else ""
