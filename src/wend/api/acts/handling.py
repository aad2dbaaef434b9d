"""An operator's hand on people: put into a journey, taken out, let skip a wait; a few by name, or many by segment or by node.

Whoever is named is appended at once; a segment or a node goes out in chunks as a broadcast (engine/broadcast.py), so that live inputs
are never starved. Whether it did anything to somebody, `why` tells: every act is a step that names who did it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wend.api.acts.audit import audit
from wend.core.inputs import Handle, Input, Start
from wend.core.plan import Plan
from wend.core.problems import Problem, nearest
from wend.engine.broadcast import CHUNK, Audience, begin
from wend.engine.plans import load_plan
from wend.engine.segments import kinds
from wend.reports import people as reports
from wend.store.clock import now_ms
from wend.store.codec import encode_input
from wend.store.log import NewInput, append
from wend.store.postgres import Connection, fetch_all

Action = Literal["put", "out", "skip"]
MOST = 10_000
"""People named in one act; more go by a list (a static segment)."""


class Refused(ValueError):
    """It cannot be done; `problems` holds all that is wrong. Nothing was done to anybody."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to do to whom. `people`: profile ids or any identifiers; else everybody in `segment`; else (out, skip) everybody at `node`.

    `node` of `put`: where to put them in (the start when empty); of `out` and `skip`: only those who rest there.
    """

    action: Action
    journey: str
    people: Sequence[str] = ()
    segment: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """How many were told so; `broadcast`: they are told in chunks under this number (0: at once), `people` is then at most so many."""

    people: int
    broadcast: int
    at: int


async def act(conn: Connection, wanted: Wanted, *, who: str) -> Done:
    """Do it, inside the caller's transaction. Raises Refused."""
    plan = await load_plan(conn)
    problems = list(_faults(plan, wanted))
    ids = await _ids(conn, wanted.people, problems)
    if problems:
        raise Refused(problems)
    now = await now_ms(conn)
    input: Input = (
        Start(wanted.journey, now, {}, "operator", node=wanted.node)
        if wanted.action == "put"
        else Handle(wanted.action, wanted.journey, now, wanted.node, who=who)
    )
    if not wanted.people and not wanted.segment:
        ids = [
            row[0]
            for row in await fetch_all(
                conn,
                "select distinct profile_id from place where journey = %s and node = %s",
                (wanted.journey, wanted.node),
            )
        ]
    said = f"operator: {wanted.action} in journey {wanted.journey}"
    if wanted.segment:
        number = await begin(conn, Audience(segment=wanted.segment), input, said, now=now, journey=wanted.journey)
        done = Done(0, number, now)
    elif len(ids) > CHUNK:
        number = await begin(conn, Audience(ids=ids), input, said, now=now, journey=wanted.journey)
        done = Done(len(ids), number, now)
    else:
        payload = encode_input(input)
        at = await append(conn, [NewInput(id, input.KIND, payload) for id in ids])
        done = Done(len(ids), 0, at or now)
    whom = f"segment {wanted.segment}" if wanted.segment else f"{len(ids)} people"
    await audit(conn, who, f"{said}: {whom}", {"node": wanted.node, "people": [str(id) for id in ids[:100]]})
    return done


def _faults(plan: Plan, wanted: Wanted) -> list[Problem]:
    found: list[Problem] = []
    published = plan.journeys.get(wanted.journey)
    if published is None:
        found.append(
            Problem("journey", f"'{wanted.journey}' was never published{nearest(wanted.journey, plan.journeys)}")
        )
    elif wanted.node:
        versions = [published.live] if wanted.action == "put" else published.versions.values()
        nodes = {node for version in versions for node in version.document.nodes}
        if wanted.node not in nodes:
            found.append(
                Problem("node", f"'{wanted.journey}' has no node '{wanted.node}'{nearest(wanted.node, nodes)}")
            )
    if wanted.action == "put" and published is not None and published.status != "live":
        found.append(Problem("journey", f"nobody can enter '{wanted.journey}': it is {published.status}"))
    segments = kinds(plan)
    if wanted.segment and wanted.segment not in segments:
        found.append(Problem("segment", f"there is no segment '{wanted.segment}'{nearest(wanted.segment, segments)}"))
    if wanted.people and wanted.segment:
        found.append(Problem("segment", "name either people or a segment"))
    if not wanted.people and not wanted.segment and (wanted.action == "put" or not wanted.node):
        found.append(Problem("people", "name people, a segment" + ("" if wanted.action == "put" else ", or a node")))
    if len(wanted.people) > MOST:
        found.append(
            Problem("people", f"{len(wanted.people)} are more than {MOST}: put them on a list and name that as segment")
        )
    return found


async def _ids(conn: Connection, people: Sequence[str], problems: list[Problem]) -> list[int]:
    """The profile ids that are meant; unknown and ambiguous ones are added to `problems`."""
    found: dict[int, None] = {}
    for at, one in enumerate(people[:MOST]):
        ids = await reports.find(conn, one)
        if len(ids) == 1:
            found[ids[0]] = None
        else:
            why = "nobody is known by" if not ids else f"{len(ids)} people are known by"
            problems.append(Problem(f"people[{at}]", f"{why} '{one}'"))
    return list(found)
