"""Publishing, and the life of a journey: changes of the plan, at one place in every partition's log (engine.md 17).

One transaction over all heads in ascending order, one instant: a publisher that is killed leaves all partitions on
the old
plan or all on the new. What cannot become part of a plan is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal

from wend.core.inputs import PlanChanged
from wend.core.journey.check import lists_used, segments_used, unknown_segments
from wend.core.plan import ChangeKind, Plan, PlanChange, Policy
from wend.core.problems import Problem
from wend.engine.moving import stranded
from wend.engine.plans import PlanBook
from wend.store.codec import encode_input, encode_json
from wend.store.log import Appender, NewInput, lock_heads
from wend.store.mode import mode
from wend.store.postgres import Connection, fetch_one, sql

_STATUS = {"publish": "live", "pause": "paused", "resume": "live", "sunset": "sunset", "stop": "stopped"}


class PublishError(ValueError):
    """The change makes no sense now; the message says why. Nothing was written."""


class MoveRefused(PublishError):
    """People inside cannot be moved to the new version; `problems` says all that is in the way."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


async def publish_journey(
    conn: Connection,
    document: dict[str, Any],
    *,
    reads: Mapping[str, Iterable[str]] | None = None,
    policy: Policy = "keep",
    mapping: Mapping[str, str] | None = None,
) -> PlanChange:
    """Publish `document` (checked by the caller) as the next version of its journey, inside the caller's transaction.

    `reads`: what its templates read, {"entry": names, "event": names, "facts": names}; None: keep everything.
    `policy`, `mapping`: what becomes of people inside (journeys.md rule 8).
    Raises PublishError when the core cannot make a plan of it, MoveRefused when somebody inside would be left without a place.
    """
    kept = None if reads is None else {name: sorted(values) for name, values in reads.items()}
    return await _change(conn, "publish", str(document.get("id", "")), document, kept, policy, mapping)


async def change_life(conn: Connection, kind: Literal["pause", "resume", "sunset", "stop"], journey: str) -> PlanChange:
    """Pause, resume, sunset or stop a journey, inside the caller's transaction.

    Raises PublishError when it was never published, or is not in a state from which that leads anywhere.
    """
    return await _change(conn, kind, journey, None, None, "keep")


async def publish_settings(conn: Connection, settings: dict[str, Any]) -> PlanChange:
    """Bring settings of decisions (quiet hours, caps, zone …) into force; others keep their value. In the caller's
    transaction."""
    return await _change(conn, "settings", "", settings, None, "keep")


_FROM = {
    "pause": {"live"},
    "resume": {"paused", "sunset"},
    "sunset": {"live", "paused"},
    "stop": {"live", "paused", "sunset"},
}


def _check(plan: Plan, kind: ChangeKind, journey: str) -> int:
    """Refuse what makes no sense; the version of the change."""
    published = plan.journeys.get(journey)
    if kind == "publish":
        return 1 + max(published.versions, default=0) if published is not None else 1
    if kind == "settings":
        return 0
    if published is None:
        raise PublishError(f"journey {journey!r} was never published")
    if published.status not in _FROM[kind]:
        raise PublishError(f"cannot {kind} journey {journey!r}: it is {published.status}")
    return 0


def _check_segments(plan: Plan, journey: str) -> None:
    """Refuse a journey that uses a segment which nobody can be in."""
    document = plan.journeys[journey].live.document
    used, lists = segments_used(document), lists_used(document)
    kinds = dict.fromkeys(plan.warming, "live")
    kinds |= {id: "list" if one.condition is None else "live" for id, one in plan.segments.items() if not one.hidden}
    problems = [str(one) for one in unknown_segments([*used, *lists], kinds)]
    problems += [f"{where}: '{id}' is no list" for where, id in lists if kinds.get(id) == "live"]
    problems += [
        f"{where}: segment '{id}' is still being back-filled; publish again when it is live"
        for where, id in used
        if id in plan.warming and id not in plan.segments
    ]
    if problems:
        raise PublishError("; ".join(problems))


async def _check_people(
    conn: Connection, plan: Plan, journey: str, policy: Policy, mapping: Mapping[str, str] | None
) -> None:
    """MoveRefused unless everybody inside has a place in the new version, where they are to be moved."""
    if mapping and policy != "move":
        raise MoveRefused([Problem("mapping", f"only people who are moved can be mapped, the policy is {policy}")])
    if policy != "move":
        return
    published = plan.journeys[journey]
    older = {version: one for version, one in published.versions.items() if one is not published.live}
    problems = await stranded(conn, older, published.live.document, mapping)
    if problems:
        raise MoveRefused(problems)


async def _change(
    conn: Connection,
    kind: ChangeKind,
    journey: str,
    document: dict[str, Any] | None,
    reads: dict[str, list[str]] | None,
    policy: Policy,
    mapping: Mapping[str, str] | None = None,
) -> PlanChange:
    async def after(plan: Plan) -> None:
        if kind == "publish":
            _check_segments(plan, journey)
            await _check_people(conn, plan, journey, policy, mapping)

    change = await change_plan(
        conn,
        kind,
        journey,
        lambda plan: _check(plan, kind, journey),
        after,
        document=document,
        reads=reads,
        policy=policy,
        mapping=mapping,
    )
    if kind == "publish" and document is not None:
        name = str(document.get("name") or journey)
        await conn.execute(sql("journey_published"), (journey, name, "live", change.version, change.at, change.at))
    elif kind != "settings":
        await conn.execute(sql("journey_status"), (_STATUS[kind], change.at, journey))
    return change


async def change_plan(
    conn: Connection,
    kind: ChangeKind,
    subject: str,
    before: Callable[[Plan], int],
    after: Callable[[Plan], Awaitable[None]],
    *,
    document: dict[str, Any] | None = None,
    reads: dict[str, list[str]] | None = None,
    policy: Policy = "keep",
    mapping: Mapping[str, str] | None = None,
) -> PlanChange:
    """One change at one place of every partition's log, inside the caller's transaction. `subject`: the journey, or the segment.

    `before` looks at the plan as it is and gives the change's version, `after` looks at the plan as it would be: both raise
    PublishError to refuse. So does a change of which no plan can be made.
    """
    # In replay mode there is no clock: the change happens where the replay stands.
    clock = 0 if await mode(conn) == "replay" else None
    heads, _ = await lock_heads(conn)
    row = await fetch_one(conn, sql("plan_next"))
    assert row is not None
    number = int(row[0])
    plan = await PlanBook().plan(conn, number - 1)
    version = before(plan)
    change = PlanChange(number, 0, kind, subject, version, document, reads, policy, mapping)
    try:
        changed = plan.apply(change)
    except (ValueError, KeyError) as error:
        raise PublishError(str(error)) from error
    await after(changed)
    payload = encode_input(PlanChanged(number, 0))
    rows = [(partition, NewInput(0, PlanChanged.KIND, payload)) for partition in heads]
    at = await Appender(len(heads)).append_to(conn, rows, at=clock)
    await conn.execute(
        sql("plan_write"),
        (
            number,
            at,
            kind,
            subject,
            version,
            policy,
            None if document is None else encode_json(document).decode(),
            None if reads is None else encode_json(reads).decode(),
            None if mapping is None else encode_json(dict(mapping)).decode(),
        ),
    )
    return PlanChange(number, at, kind, subject, version, document, reads, policy, mapping)
