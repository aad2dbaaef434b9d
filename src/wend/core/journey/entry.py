"""Getting in: which triggers matched, and whether a run may start (journeys.md, "Triggers", rule 6; engine.md 7).

Every refusal of a matched trigger is recorded with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wend.core.condition.base import FOREVER
from wend.core.duration import format_duration
from wend.core.effects import Step
from wend.core.journey.compiled import Compiled
from wend.core.journey.ending import finish, past_of
from wend.core.journey.happened import (
    AttributesChanged,
    EventHappened,
    Happened,
    MessageChanged,
    ScoreChanged,
    StartAsked,
    TagAdded,
)
from wend.core.journey.triggers import OnEvent, Sparked
from wend.core.journey.turn import Pass
from wend.core.profile import MAX_RUNS, Profile, Run

_OTHER = (AttributesChanged, ScoreChanged, TagAdded, MessageChanged, StartAsked)


def offer(passing: Pass, happened: Happened) -> Iterator[tuple[Compiled, Run]]:
    """The runs that start because of what happened. Each is already among the profile's runs, at its first node, not yet entered."""
    plan = passing.plan
    if isinstance(happened, EventHappened):
        heard = plan.on_event.get(happened.event.name, ())
        if "*" in plan.on_event:
            heard = (*heard, *plan.on_event["*"])
    elif isinstance(happened, _OTHER):
        heard = plan.on_other
    else:
        return
    started: set[str] = set()
    for compiled, trigger in heard:
        if compiled.id in started:
            continue
        spark = trigger.spark(happened, passing.now, compiled.id)
        if spark is None or not _wanted(passing, compiled, trigger, spark):
            continue
        run = _start(passing, compiled, spark)
        if run is not None:
            started.add(compiled.id)
            yield compiled, run


def _wanted(passing: Pass, compiled: Compiled, trigger: object, spark: Sparked) -> bool:
    event = spark.event
    if isinstance(trigger, OnEvent):
        assert event is not None
        if not trigger.pattern.matches(event, passing.profile, passing.now, passing.zone):
            return False
    where = compiled.document.where
    if where is None:
        return True
    view = passing.view(event=event)
    if event is None:
        view.properties = spark.data
    return where.check(view).value


def _start(passing: Pass, compiled: Compiled, spark: Sparked) -> Run | None:
    document, profile = compiled.document, passing.profile
    key = _key(compiled, profile, spark)
    inside = [run for run in profile.runs if run.journey == compiled.id and run.key == key]
    why = _refusal(passing, compiled, spark, key, inside)
    if why is not None:
        step = Step("refused", passing.now, compiled.id, compiled.version, why=why, branch=spark.label)
        passing.steps.append(step)
        return None
    if document.reentry.kind == "restart":
        for run in inside:
            finish(passing, run, "restarted")
    run = Run(
        id=f"{profile.id:x}-{profile.next_run}",
        journey=compiled.id,
        version=compiled.version,
        node=document.start,
        started=passing.now,
        trigger_at=spark.at,
        key=key,
        entered=passing.now,
        since=passing.now,
        entry=compiled.cut(spark.data),
        hops=spark.event.hops if spark.event is not None else 0,
    )
    run.event = run.entry
    profile.next_run += 1
    profile.runs.append(run)
    record = past_of(profile, run)
    record[1:] = [passing.now, 0, record[3] + 1, run.id, False]
    _time_exit(passing, compiled, run)
    passing.step("started", run, why=spark.label, detail=None if key is None else {"key": key})
    return run


def _key(compiled: Compiled, profile: Profile, spark: Sparked) -> Any:
    name = compiled.document.key
    if name is None:
        return None
    found = spark.data.get(name)
    if found is None:
        found = profile.attributes.get(name)
    return found if found is None or isinstance(found, str | int | float) else str(found)


def _refusal(passing: Pass, compiled: Compiled, spark: Sparked, key: Any, inside: list[Run]) -> str | None:
    document, profile, plan, now = compiled.document, passing.profile, passing.plan, passing.now
    status = plan.journeys[compiled.id].status
    if status != "live":
        return f"the journey is {status}"
    if now - spark.at > plan.lateness:
        return f"the trigger is {format_duration(now - spark.at)} old, the limit is {format_duration(plan.lateness)}"
    opens, closes = document.active
    if (opens is not None and now < opens) or (closes is not None and now >= closes):
        return "outside the time in which the journey is active"
    if document.key is not None and key is None:
        return f"the trigger carries no '{document.key}'"
    for leaf in plan.exits[compiled.id, compiled.version]:
        times = profile.windows.get(leaf.id)
        if times and times[-1] > spark.at:
            return "overtaken: the exit event happened after the trigger"
    for condition in document.exit.conditions:
        if condition.check(passing.view()).value:
            return "its exit condition is already true"
    if inside and not document.many and document.reentry.kind != "restart":
        return "already inside" if key is None else f"already inside with {document.key} {key!r}"
    before = next((one for one in profile.past.get(compiled.id, ()) if one[0] == key), None)
    if before is not None and before[3]:
        if document.reentry.kind == "once":
            return "re-entry: once only"
        if document.reentry.kind == "after" and now - before[2] < document.reentry.after:
            return f"re-entry: only {format_duration(document.reentry.after)} after the last run ended"
    if len(profile.runs) - (len(inside) if document.reentry.kind == "restart" else 0) >= MAX_RUNS:
        return f"already in {MAX_RUNS} runs at once, the limit"
    return None


def _time_exit(passing: Pass, compiled: Compiled, run: Run) -> None:
    """When may an exit condition become true by mere passing of time?"""
    view = passing.view(run)
    soonest = min((one.check(view).may_change_at for one in compiled.document.exit.conditions), default=FOREVER)
    run.exit_at = soonest if soonest < FOREVER else None
