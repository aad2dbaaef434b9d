"""What the triggers of a journey heard of somebody, and why nothing began: the person's log told again (engine.md 25).

Nothing is recorded of triggers that did not match (it would be far more than all the rest), so it is worked out when asked: the
person's inputs are read day by day, the newest first, and told to `react` again from the oldest on, each under the plan of its
time, with an ear at the triggers of the journey. So every judgement is that of its moment. The log has no index by person
(docs/decisions/0013-why-without-an-index.md), so reading stops after some seconds or inputs; then the answer says since when it
has looked, and what was known before is taken from today.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import psycopg

from wend.core.condition.base import Condition, View
from wend.core.inputs import Chunk, Event, PlanChanged
from wend.core.journey.compiled import Compiled
from wend.core.journey.happened import Happened
from wend.core.journey.triggers import OnEvent, Sparked, Trigger
from wend.core.pack import pack, unpack
from wend.core.plan import Heard, Plan
from wend.core.profile import Profile
from wend.core.react import react
from wend.reports.explain import explain
from wend.reports.rows import first, rows
from wend.reports.waited_for import described
from wend.store.codec import decode_input
from wend.store.days import DAY
from wend.store.postgres import Connection, fetch_all, sql

MOST = 5_000
"""Inputs that are told again."""
SECONDS = 3.0
"""Reading the log stops after so long."""


class Plans(Protocol):
    """The plans of all times (engine.plans.PlanBook)."""

    async def plan(self, conn: Connection, number: int) -> Plan: ...

    def at(self, instant: int, newest: int) -> Plan: ...


@dataclass(slots=True)
class Note:
    """One time that a trigger of the journey heard what it listens to. `why`: what was not fulfilled then; nothing: it was."""

    at: int
    trigger: str
    """What it waits for, in words."""
    what: str
    """What it heard."""
    version: int
    why: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Retold:
    """`since`: the log was looked through from here on; None: as far as it goes back."""

    notes: list[Note]
    since: int | None = None


class _Ear(Trigger):
    """Listens at a trigger: asks it, and notes what it says."""

    KIND = "ear"

    def __init__(self, inner: Trigger, compiled: Compiled, notes: list[Note]) -> None:
        self._inner = inner
        self._compiled = compiled
        self._notes = notes

    def topics(self, journey: str) -> tuple[str, ...]:
        return self._inner.topics(journey)

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        spark = self._inner.spark(happened, now, journey)
        if spark is not None:
            self._notes.append(Note(now, described(self._inner), spark.label, self._compiled.version))
        return spark

    def fits(self, view: View) -> bool:
        fits, note, where = self._inner.fits(view), self._notes[-1], self._compiled.document.where
        if not fits:
            own = [line for condition in self._inner.conditions() for line in explain(condition, view)]
            note.why = own or ["the trigger itself does not fit"]
        elif where is not None:
            note.why = explain(where, view)
        return fits

    def conditions(self) -> Iterator[Condition]:
        return self._inner.conditions()


async def retell(
    conn: Connection, plans: Plans, person: tuple[int, int], today: Profile, journey: str, triggers: tuple[Trigger, ...]
) -> Retold:
    """What the triggers of `journey` heard of `person` (partition, profile id); `today`: the person as known now.

    `triggers`: those of its latest version, for events that came when nobody listened to them.
    """
    found, since = await _inputs(conn, *person)
    newest = await first(conn, "select coalesce(max(number), 0)::int as number from plan_change")
    number = int(newest["number"]) if newest else 0
    await plans.plan(conn, number)
    notes: list[Note] = []
    ears: dict[int, Plan] = {}
    profile = Profile(person[1]) if since is None else _as_known(today)
    heard: set[int] = set()
    for row in found:
        if row["message_hash"] is not None:
            if row["message_hash"] in heard:
                continue
            heard.add(row["message_hash"])
        plan = plans.at(row["at"], number)
        if plan.number not in ears:
            ears[plan.number] = _with_ears(plan, journey, notes)
        input = decode_input(row["kind"], row["payload"].encode())
        if isinstance(input, Event):
            notes += _deaf(plan, journey, triggers, input.name, row["at"])
        if not isinstance(input, Chunk | PlanChanged):
            profile = react(ears[plan.number], profile, input, row["at"], None).profile
    return Retold(notes, since)


def _deaf(plan: Plan, journey: str, triggers: tuple[Trigger, ...], name: str, at: int) -> Iterator[Note]:
    """An event that a trigger of today would have heard, but that came when the journey did not listen to it."""
    if any(one.id == journey for heard in (name, "*") for one, _ in plan.on_event.get(heard, ())):
        return
    published = plan.journeys.get(journey)
    if published is None:
        why = "the journey was not published yet"
    elif published.status == "stopped":
        why = "the journey was stopped"
    else:
        why = f"version {published.live.version} did not listen to it"
    for trigger in triggers:
        if isinstance(trigger, OnEvent) and trigger.pattern.hears(name):
            yield Note(
                at, described(trigger), f"event {name}", 0 if published is None else published.live.version, [why]
            )


def _as_known(today: Profile) -> Profile:
    """The person as known today, without what is counted anew and without runs."""
    known = unpack(today.id, pack(today), today.attributes)
    known.runs, known.past, known.plan, known.last = [], {}, 0, 0
    return known


def _with_ears(plan: Plan, journey: str, notes: list[Note]) -> Plan:
    def listen(heard: dict[str, tuple[Heard, ...]]) -> dict[str, tuple[Heard, ...]]:
        return {
            name: tuple((one, _Ear(trigger, one, notes) if one.id == journey else trigger) for one, trigger in several)
            for name, several in heard.items()
        }

    return replace(plan, on_event=listen(plan.on_event), on_other=listen(plan.on_other))


async def _inputs(conn: Connection, partition: int, profile_id: int) -> tuple[list[dict[str, Any]], int | None]:
    """The person's inputs in order, and since when, if not all were read."""
    seen = await first(conn, "select min(at) as at from identifier where profile_id = %s", (profile_id,))
    oldest = int(seen["at"]) // DAY if seen is not None and seen["at"] is not None else 0
    names = await fetch_all(conn, sql("days_of"), ("log",))
    days = [day for one in reversed(names) if (day := _day(one[0])) >= oldest]
    found: list[dict[str, Any]] = []
    until = time.monotonic() + SECONDS
    for place, day in enumerate(days):
        left = until - time.monotonic()
        if place and (left <= 0 or len(found) >= MOST):
            return found[::-1], (day + 1) * DAY
        try:
            async with conn.transaction():
                await conn.execute("select set_config('statement_timeout', %s, true)", (str(max(1, int(left * 1000))),))
                of_day = await rows(
                    conn,
                    "select seq, at, kind, message_hash, payload::text as payload from log where partition = %s"
                    " and profile_id = %s and at >= %s and at < %s order by seq desc limit %s",
                    (partition, profile_id, day * DAY, (day + 1) * DAY, MOST),
                )
                await conn.execute("select set_config('statement_timeout', '0', true)")
        except psycopg.errors.QueryCanceled:
            return found[::-1], (day + 1) * DAY
        found += of_day
    cut = found[:MOST]
    return cut[::-1], cut[-1]["at"] if len(found) > MOST else None


def _day(name: str) -> int:
    """Days since 1970 UTC of a range of the log, by its name (`log_20261122`)."""
    began = datetime.strptime(name.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC)
    return int(began.timestamp() * 1000) // DAY
