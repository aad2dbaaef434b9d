"""Publishing, and the life of a journey: changes of the plan, at one place in every partition's log (engine.md 17).

One transaction over all heads in ascending order, one instant: a publisher that is killed leaves all partitions on
the old
plan or all on the new. What cannot become part of a plan is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from wend.core.inputs import PlanChanged
from wend.core.plan import ChangeKind, Plan, PlanChange, Policy
from wend.engine.plans import PlanBook
from wend.store.codec import encode_input, encode_json
from wend.store.log import Appender, NewInput, lock_heads
from wend.store.mode import mode
from wend.store.postgres import Connection, fetch_one, sql

_STATUS = {"publish": "live", "pause": "paused", "resume": "live", "sunset": "sunset", "stop": "stopped"}


class PublishError(ValueError):
    """The change makes no sense now; the message says why. Nothing was written."""


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
    Raises PublishError when the core cannot make a plan of it.
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


def _check(plan: Plan, kind: ChangeKind, journey: str) -> None:
    if kind in ("publish", "settings"):
        return
    published = plan.journeys.get(journey)
    if published is None:
        raise PublishError(f"journey {journey!r} was never published")
    if published.status not in _FROM[kind]:
        raise PublishError(f"cannot {kind} journey {journey!r}: it is {published.status}")


async def _change(
    conn: Connection,
    kind: ChangeKind,
    journey: str,
    document: dict[str, Any] | None,
    reads: dict[str, list[str]] | None,
    policy: Policy,
    mapping: Mapping[str, str] | None = None,
) -> PlanChange:
    # In replay mode there is no clock: the change happens where the replay stands.
    clock = 0 if await mode(conn) == "replay" else None
    heads, _ = await lock_heads(conn)
    row = await fetch_one(conn, sql("plan_next"))
    assert row is not None
    number = int(row[0])
    plan = await PlanBook().plan(conn, number - 1)
    _check(plan, kind, journey)
    version = 0
    if kind == "publish":
        before = plan.journeys.get(journey)
        version = 1 + max(before.versions, default=0) if before is not None else 1
    change = PlanChange(number, 0, kind, journey, version, document, reads, policy, mapping)
    try:
        plan.apply(change)
    except (ValueError, KeyError) as error:
        raise PublishError(str(error)) from error
    payload = encode_input(PlanChanged(number, 0))
    rows = [(partition, NewInput(0, PlanChanged.KIND, payload)) for partition in heads]
    at = await Appender(len(heads)).append_to(conn, rows, at=clock)
    await conn.execute(
        sql("plan_write"),
        (
            number,
            at,
            kind,
            journey,
            version,
            policy,
            None if document is None else encode_json(document).decode(),
            None if reads is None else encode_json(reads).decode(),
            None if mapping is None else encode_json(dict(mapping)).decode(),
        ),
    )
    if kind == "publish" and document is not None:
        name = str(document.get("name") or journey)
        await conn.execute(sql("journey_published"), (journey, name, "live", version, at, at))
    elif kind != "settings":
        await conn.execute(sql("journey_status"), (_STATUS[kind], at, journey))
    return PlanChange(number, at, kind, journey, version, document, reads, policy, mapping)
