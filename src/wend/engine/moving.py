"""Before a publication over people in flight: who would be left without a place, and what would become of everybody.

Both read `place`, which the engine keeps as it applies the logs: what is still on its way is not counted. Whoever arrives at a node
that is gone between this look and the publication stays on the older version, and it is recorded (core/journey/inflight.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wend.core.journey.compiled import Compiled
from wend.core.journey.contract import Node
from wend.core.journey.document import Document, parse
from wend.core.journey.inflight import ends, faults, landing
from wend.core.plan import Plan, Policy
from wend.core.problems import Problem, nearest
from wend.engine.plans import load_plan
from wend.store.clock import now_ms
from wend.store.postgres import Connection, fetch_all

_COUNTED = 1_000
"""People without a place are counted up to here: the heads are locked meanwhile."""

Fate = Literal["stays", "same", "mapped", "removed", "leaves", "ends"]


@dataclass(frozen=True, slots=True)
class AtNode:
    """The people at one node of one older version.

    `fate`: they stay on their version · same node · mapped to `to` · their node is removed (publishing is refused until it is mapped) ·
    leave · their branch of a parallel ends, the run does not. `at_once`: so many go on at the publication, by what the lengths of waits
    tell; None: that depends on each person (dates, expressions).
    """

    node: str
    version: int
    waiting: int
    fate: Fate
    to: str | None
    at_once: int | None


async def stranded(
    conn: Connection, older: Mapping[int, Compiled], new: Document, mapping: Mapping[str, str] | None
) -> list[Problem]:
    """Why people inside cannot be moved to `new`: faults of the mapping, and every node at which somebody waits without a place."""
    found = list(faults([one.document for one in older.values()], new, mapping))
    without = [
        (node, version)
        for version, one in older.items()
        for node in one.document.nodes
        if landing(one.document, new, node, mapping) is None and not ends(one.document, new, node, mapping)
    ]
    for node, version, n in await fetch_all(
        conn,
        "select t.node, t.version, c.n from unnest(%s::text[], %s::int[]) t(node, version), lateral (select count(*) as n from"
        " (select from place p where p.journey = %s and p.node = t.node and p.version = t.version limit %s) x) c where c.n > 0",
        ([node for node, _ in without], [version for _, version in without], new.id, _COUNTED),
    ):
        many = f"{n} or more" if n == _COUNTED else str(n)
        document = older[version].document
        if document.key != new.key:
            before, after = (f"by '{key}'" if key else "without a key" for key in (document.key, new.key))
            why = f"{many} wait at '{node}' of version {version}, told apart {before}, the new version {after}: choose keep or exit"
            found.append(Problem("entry.key", why))
        elif (mapping or {}).get(node, node) in new.nodes:
            why = f"{many} wait at '{node}' of version {version}, and the new version has no join for its branches: map the join"
            found.append(Problem(f"nodes.{node}", why))
        elif node not in (mapping or {}):
            why = f"{many} wait at '{node}' of version {version}, which the new version does not have: map it to one of its nodes"
            found.append(Problem(f"mapping.{node}", why + nearest(node, new.nodes)))
    return found


async def impact(
    conn: Connection, raw: dict[str, Any], policy: Policy, mapping: Mapping[str, str] | None = None
) -> tuple[list[AtNode], list[Problem]]:
    """What publishing `raw` (a document that can be published) would do to the people inside, by node and version; and what refuses it."""
    new = parse(raw, [])
    assert new is not None
    plan = await load_plan(conn)
    published = plan.journeys.get(new.id)
    if published is None:
        problems = (
            [Problem("policy", "nothing of this journey is published yet, so there is nobody to map")]
            if mapping
            else []
        )
        return [], problems
    groups = await fetch_all(
        conn,
        "select node, version, count(*) from place where journey = %s group by node, version order by node, version",
        (new.id,),
    )
    found = [_at_node(plan, new, policy, mapping, node, version, n) for node, version, n in groups]
    lengths = {
        (one.node, one.version): length
        for one in found
        if one.fate in ("same", "mapped") and (length := _length(new, one.to)) is not None and one.at_once is None
    }
    over = await _over(conn, new.id, lengths, await now_ms(conn))
    shown = [
        AtNode(one.node, one.version, one.waiting, one.fate, one.to, over.get((one.node, one.version), one.at_once))
        for one in found
    ]
    problems = await stranded(conn, published.versions, new, mapping) if policy == "move" else []
    return shown, problems


def _at_node(
    plan: Plan, new: Document, policy: Policy, mapping: Mapping[str, str] | None, node: str, version: int, waiting: int
) -> AtNode:
    if policy == "keep":
        return AtNode(node, version, waiting, "stays", None, 0)
    if policy == "exit":
        return AtNode(node, version, waiting, "leaves", None, waiting)
    old = plan.compiled(new.id, version).document
    if ends(old, new, node, mapping):
        return AtNode(node, version, waiting, "ends", None, waiting)
    to = landing(old, new, node, mapping)
    if to is None:
        return AtNode(node, version, waiting, "removed", None, 0)
    before, after = old.nodes[node].node, new.nodes[to].node
    fate: Fate = "leaves" if after.KIND == "end" else "same" if to == node else "mapped"
    return AtNode(node, version, waiting, fate, to, _at_once(before, after, waiting))


def _at_once(before: Node, after: Node, waiting: int) -> int | None:
    """How many go on at once as far as the kinds of node tell; None: it is a matter of time."""
    if before.KIND == after.KIND == "parallel":
        return 0
    if after.GROUP == "flow" and after.KIND != "end":
        return None
    # Arrived at another kind of action or condition, they go through it; at the same kind they wait for what is on its way.
    return 0 if before.KIND == after.KIND and after.KIND != "end" else waiting


def _length(new: Document, node: str | None) -> int | None:
    """How long one rests at a node at most, counted from the arrival (ms); None: for ever, or that depends."""
    settings = new.nodes[node].node.settings if node is not None else {}
    length = settings.get("for", settings.get("timeout"))
    return length if isinstance(length, int) else None


async def _over(
    conn: Connection, journey: str, lengths: Mapping[tuple[str, int], int], now: int
) -> dict[tuple[str, int], int]:
    """How many have rested longer than the new length, by node and version."""
    rows = await fetch_all(
        conn,
        "select t.node, t.version, count(p.*) from unnest(%s::text[], %s::int[], %s::bigint[]) t(node, version, length)"
        " left join place p on p.journey = %s and p.node = t.node and p.version = t.version and p.entered + t.length <= %s"
        " group by t.node, t.version",
        ([n for n, _ in lengths], [v for _, v in lengths], list(lengths.values()), journey, now),
    )
    return {(node, version): n for node, version, n in rows}
