"""Business events: something happened to a thing; everybody linked to it is told (engine/broadcast.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wend.api.acts.audit import audit
from wend.api.acts.journeys import Refused
from wend.core.condition.linked import parse_linked
from wend.core.inputs import Event
from wend.core.journey.check import segments_read, unknown_segments
from wend.core.journey.triggers import OnBusiness
from wend.core.plan import Plan
from wend.core.problems import Problem, nearest
from wend.engine.broadcast import Audience, begin
from wend.engine.plans import load_plan
from wend.engine.segments import kinds
from wend.reports import people
from wend.store.clock import now_ms
from wend.store.postgres import Connection

MOST = 10_000
"""People named by one call."""


@dataclass(frozen=True, slots=True)
class Told:
    """A broadcast is on its way; `journeys` listen to it."""

    broadcast: int
    journeys: list[str]
    at: int


async def tell(
    conn: Connection,
    name: str,
    about: str,
    properties: dict[str, Any],
    linked: dict[str, Any] | None,
    *,
    who: str,
    plan: Plan | None = None,
) -> Told:
    """Tell everybody linked to the thing `about` what happened to it.

    `linked`: a condition as in condition/linked.py, {segment: id}, or {profiles: [ids or identifiers]}; None: as the triggers of the
    journeys that listen say. A journey whose trigger says it too starts only those who fulfil both. `plan`: the one in force, where it
    is at hand. Raises Refused.
    """
    if plan is None:
        plan = await load_plan(conn)
    listening = _listening(plan, name)
    problems: list[Problem] = []
    if not listening:
        known = {one for _, trigger in _triggers(plan) for one in trigger.pattern.names}
        problems.append(
            Problem("name", f"no live journey listens to the business event '{name}'{nearest(name, known)}")
        )
    if linked is None:
        audience = _by_triggers(listening, problems)
    elif set(linked) == {"profiles"}:
        audience = await _named(conn, linked["profiles"], problems)
    else:
        audience = _by_condition(plan, linked, problems)
    if problems:
        raise Refused(problems)
    now = await now_ms(conn)
    event = Event(name, now, properties, about=about)
    number = await begin(conn, audience, event, f"{name} about {about}", now=now)
    await audit(conn, who, f"business event {name} about {about}")
    return Told(number, sorted({journey for journey, _ in listening}), now)


def _triggers(plan: Plan) -> list[tuple[str, OnBusiness]]:
    return [
        (id, trigger)
        for id, published in plan.journeys.items()
        if published.status == "live"
        for trigger in published.live.document.triggers
        if isinstance(trigger, OnBusiness)
    ]


def heard(plan: Plan, name: str) -> bool:
    """Whether a live journey listens to the business event."""
    return bool(_listening(plan, name))


def _listening(plan: Plan, name: str) -> list[tuple[str, OnBusiness]]:
    return [(journey, trigger) for journey, trigger in _triggers(plan) if trigger.pattern.hears(name)]


def _by_triggers(listening: list[tuple[str, OnBusiness]], problems: list[Problem]) -> Audience:
    silent = [journey for journey, trigger in listening if trigger.linked is None]
    if silent:
        why = f"the trigger of journey '{silent[0]}' does not say either who is meant"
        problems.append(Problem("linked", f"is missing: {why}; everybody is {{segment: …}} or a condition"))
    raw = [trigger.linked.dump() for _, trigger in listening if trigger.linked is not None]
    return Audience(linked=tuple(one for place, one in enumerate(raw) if one not in raw[:place]))


def _by_condition(plan: Plan, linked: dict[str, Any], problems: list[Problem]) -> Audience:
    condition = parse_linked(linked, "linked", problems)
    if condition is None:
        return Audience()
    problems += unknown_segments([("linked", one) for one in segments_read(condition)], kinds(plan))
    for leaf in condition.leaves():
        if leaf.id not in plan.leaf_of:
            why = "what people did is remembered from when a published trigger or segment asks for it"
            problems.append(Problem("linked", f"{why}: put this into the trigger's own `linked`"))
            break
    segment = linked["segment"] if set(linked) == {"segment"} else None
    return Audience(segment=segment) if segment else Audience(linked=(linked,))


async def _named(conn: Connection, raw: Any, problems: list[Problem]) -> Audience:
    names: list[Any] = raw if isinstance(raw, list) else []  # pyright: ignore[reportUnknownVariableType]
    if not names or len(names) > MOST or not all(isinstance(one, str) for one in names):
        problems.append(Problem("linked.profiles", f"expected 1 to {MOST} profile ids or identifiers"))
        return Audience()
    found: list[int] = []
    for place, text in enumerate(names):
        meant = await people.find(conn, text)
        if len(meant) != 1:
            why = f"'{text}' means several people" if meant else f"nobody is known as '{text}'"
            problems.append(Problem(f"linked.profiles[{place}]", why))
        found += meant
    return Audience(ids=found)
