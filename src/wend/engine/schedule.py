"""Triggers by the calendar: when each falls due, kept so that every due is fired once (engine.md 21).

Rules: due times are a table; whoever fires locks it, and puts the broadcasts down in the same transaction, so several processes and
crashes fire each due once. After downtime only the latest missed due of each trigger is fired. A paused journey's schedule stands
still, and does not make up for it. A segment's members at publishing (`include_members`) are a schedule of one due.
`arrange` and `next_of` are shared by the live engine, replays and simulations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wend.core.inputs import Start
from wend.core.journey.document import Document
from wend.core.journey.rule import renamed
from wend.core.journey.triggers import OnInSegment, OnRule, OnSegment, Schedule
from wend.core.plan import Plan, Published
from wend.core.problems import Problem
from wend.engine.recurrence import latest_due, next_due
from wend.store.postgres import Connection, fetch_all, fetch_one, sql

Key = tuple[str, str]
"""(journey, mark of the trigger)"""


@dataclass(frozen=True, slots=True)
class Timed:
    """A trigger that the calendar starts."""

    journey: str
    mark: str
    published: int
    """Since when it has been published without a break (ms UTC)."""
    running: bool
    schedule: Schedule | None
    """None: once, when it is published."""
    segment: str = ""
    """'': everybody."""


@dataclass(frozen=True, slots=True)
class Clockwork:
    """How far a schedule has come. `since`: dues after it have not been fired (None: it stands still)."""

    since: int | None
    due: int | None
    fired: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule that has fallen due at the instant `at`."""

    journey: str
    mark: str
    segment: str
    at: int
    what: str

    def start(self, now: int) -> Start:
        """The input that everybody meant gets."""
        return Start(self.journey, now, {"trigger": self.mark, "scheduled": self.at}, "schedule")


def timed(plan: Plan) -> dict[Key, Timed]:
    """The triggers of all live and paused journeys that the calendar starts."""
    found: dict[Key, Timed] = {}
    for id, published in plan.journeys.items():
        if published.status not in ("live", "paused"):
            continue
        running = published.status == "live"
        for mark, schedule, segment in _of(published.live.document):
            since = _published(plan, published, mark)
            found[id, mark] = Timed(id, mark, since, running, schedule, segment)
    return found


def _of(document: Document) -> list[tuple[str, Schedule | None, str]]:
    found: list[tuple[str, Schedule | None, str]] = []
    for trigger in document.triggers:
        match trigger:
            case OnRule(schedule, mark):
                found.append((mark, schedule, ""))
            case OnInSegment(schedule, mark, segment):
                found.append((mark, schedule, segment))
            case OnSegment(segment, _, mark, True):
                found.append((mark, None, segment))
            case _:
                pass
    return found


def _published(plan: Plan, published: Published, mark: str) -> int:
    """When the trigger appeared that is still there: a schedule without a first day begins then."""
    since = 0
    for change in plan.changes:
        if change.journey != published.live.id:
            continue
        if change.kind == "stop":
            since = 0
        elif change.kind == "publish":
            there = any(mark == one[0] for one in _of(published.versions[change.version].document))
            since = (since or change.at) if there else 0
    return since


def arrange(known: Mapping[Key, Clockwork], plan: Plan) -> dict[Key, Clockwork]:
    """The clockworks under `plan`: new triggers begin, those that are gone are left out, paused ones stand still."""
    found: dict[Key, Clockwork] = {}
    for key, one in timed(plan).items():
        old = known.get(key)
        if old is not None and one.schedule is None and old.fired is not None:
            found[key] = old
        elif not one.running:
            found[key] = Clockwork(None, None, None if old is None else old.fired)
        elif old is None:
            found[key] = _wound(Clockwork(one.published, None), one, plan)
        else:
            # After a pause it counts from the present.
            found[key] = _wound(replace(old, since=plan.at if old.since is None else old.since), one, plan)
    return found


def _wound(work: Clockwork, one: Timed, plan: Plan) -> Clockwork:
    assert work.since is not None
    if one.schedule is None:
        return replace(work, due=work.since)
    try:
        due = next_due(one.schedule, one.published, plan.zone, work.since)
    except (ValueError, OverflowError):
        due = None  # publishing refuses such a rule (schedule_problems); one that came another way never falls due
    return replace(work, due=due)


def strike(work: Clockwork, one: Timed, plan: Plan, now: int) -> tuple[Due, Clockwork]:
    """What is due at `now`, the latest only, and the clockwork after it."""
    assert work.due is not None and work.since is not None
    at, what = work.due, f"{one.journey}: segment {one.segment} at publishing"
    after = Clockwork(now, None, at)
    if one.schedule is not None:
        at = latest_due(one.schedule, one.published, plan.zone, work.since, now) or at
        who = f"segment {one.segment}" if one.segment else "everybody"
        what = f"{one.journey}: {who}, {one.schedule.rrule}"
        after = _wound(Clockwork(now, None, at), one, plan)
    return Due(one.journey, one.mark, one.segment, at, what), after


class Calendar:
    """The schedules of a simulation, in memory."""

    def __init__(self, plan: Plan, now: int) -> None:
        """What fell due before `now` does not come again."""
        self._plan = plan
        fresh = {key: Clockwork(max(one.published, now), None) for key, one in timed(plan).items() if one.schedule}
        self._works = arrange(fresh, plan)

    @property
    def soonest(self) -> int | None:
        """The next instant at which something falls due."""
        return min((one.due for one in self._works.values() if one.due is not None), default=None)

    def change(self, plan: Plan) -> None:
        """Another plan is in force."""
        self._plan, self._works = plan, arrange(self._works, plan)

    def strike(self) -> list[Due]:
        """What is due at `soonest`."""
        now, entries, found = self.soonest, timed(self._plan), list[Due]()
        for key, one in self._works.items():
            if now is not None and one.due == now:
                due, self._works[key] = strike(one, entries[key], self._plan, now)
                found.append(due)
        return found


async def work(conn: Connection) -> tuple[int, int, int | None]:
    """The plan change up to which the schedules are known, the newest, and the soonest due (ms UTC)."""
    row = await fetch_one(conn, sql("schedule_work"))
    assert row is not None
    return row[0], row[1], row[2]


async def fire(conn: Connection, plan: Plan, now: int) -> list[Due]:
    """Bring the schedules to `plan`, the newest, and take those that are due at `now` (ms UTC), inside the caller's transaction,
    which puts down what comes of them."""
    await conn.execute(sql("schedule_known"))
    lifted = await fetch_one(conn, sql("schedule_lock"))
    if lifted is None or lifted[0] > plan.number:
        return []  # somebody who knows a newer plan was faster
    known = {(row[0], row[1]): Clockwork(*row[2:]) for row in await fetch_all(conn, sql("schedule_all"))}
    entries = timed(plan)
    arranged = arrange(known, plan)
    found: list[Due] = []
    for key, one in arranged.items():
        if one.due is not None and one.due <= now:
            due, arranged[key] = strike(one, entries[key], plan, now)
            found.append(due)
    for key in known.keys() - arranged.keys():
        await conn.execute(sql("schedule_delete"), key)
    for key, one in arranged.items():
        if known.get(key) != one:
            await conn.execute(sql("schedule_put"), (*key, one.since, one.due, one.fired))
    await conn.execute(sql("schedule_lifted"), (plan.number,))
    return found


def schedule_problems(document: Document, now: int, zone: str) -> list[Problem]:
    """What is wrong with the schedules of a journey about to be published at `now` (ms UTC): rules that nobody can read, or that
    never come."""
    problems: list[Problem] = []
    for place, trigger in enumerate(document.triggers):
        if isinstance(trigger, OnRule | OnInSegment):
            field = "date" if isinstance(trigger, OnRule) else "schedule"
            where = f"entry.on[{place}]" if isinstance(_raw(document).get("on"), list) else "entry.on"
            problem = _problem(trigger.schedule, now, zone)
            if problem:
                problems.append(Problem(f"{where}.{field}.rrule", problem))
    return renamed(problems, document.places)


def _raw(document: Document) -> dict[str, Any]:
    return document.raw["rule" if "rule" in document.raw else "entry"]


def _problem(schedule: Schedule, now: int, zone: str) -> str:
    try:
        if next_due(schedule, now, zone, now) is not None:
            return ""
    except (ValueError, OverflowError) as wrong:
        return f"'{schedule.rrule}' is not a rule: {wrong}"
    return f"'{schedule.rrule}' never comes: not once within ten years from now"
