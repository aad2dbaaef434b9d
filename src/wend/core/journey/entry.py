"""Getting in: which triggers matched, and whether a run may start (journeys.md, "Triggers", rule 6; engine.md 7).

Every refusal of a matched trigger is recorded with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.condition.base import FOREVER
from wend.core.duration import format_duration
from wend.core.effects import Step
from wend.core.inputs import Start
from wend.core.journey.compiled import Compiled
from wend.core.journey.ending import finish, forget, overtaken
from wend.core.journey.happened import EventHappened, Happened, StartAsked
from wend.core.journey.triggers import Sparked, Trigger, topic_of
from wend.core.journey.turn import Pass
from wend.core.profile import MAX_KEYS, MAX_RUNS, Profile, Run, brief


def offer(passing: Pass, happened: Happened) -> Iterator[tuple[Compiled, Run]]:
    """The runs that start because of what happened. Each is already among the profile's runs, at its first node, not yet entered."""
    plan = passing.plan
    if isinstance(happened, EventHappened):
        heard = plan.on_event.get(happened.event.name, ())
        if "*" in plan.on_event:
            heard = (*heard, *plan.on_event["*"])
    elif isinstance(happened, StartAsked) and happened.start.trigger == "operator":
        yield from _by_hand(passing, happened.start)
        return
    else:
        topic = topic_of(happened)
        heard = () if topic is None else plan.on_other.get(topic, ())
    settled: set[str] = set()
    for compiled, trigger in heard:
        if compiled.id in settled:
            continue
        spark = trigger.spark(happened, passing.now, compiled.id)
        if spark is None or not _wanted(passing, compiled, trigger, spark):
            continue
        settled.add(compiled.id)
        run = _start(passing, compiled, spark)
        if run is not None:
            yield compiled, run
    if isinstance(happened, StartAsked) and happened.start.journey not in settled:
        start = happened.start
        if start.trigger == "schedule":
            return  # it goes to everybody; whoever is not meant is not worth a record
        why = f"no published journey of this name has a trigger '{start.trigger}' whose conditions are fulfilled"
        passing.steps.append(Step("refused", passing.now, start.journey, why=why))


def _by_hand(passing: Pass, start: Start) -> Iterator[tuple[Compiled, Run]]:
    """An operator puts the person in, whatever the triggers are; re-entry and limits hold."""
    published = passing.plan.journeys.get(start.journey)
    why = "there is no published journey of this name"
    if published is not None:
        compiled, node = published.live, start.node or published.live.document.start
        if node in compiled.document.nodes:
            run = _start(passing, compiled, Sparked(start.at, start.data, "put in by an operator"), node)
            if run is not None:
                yield compiled, run
            return
        why = f"version {compiled.version} has no node '{node}'"
    passing.steps.append(Step("refused", passing.now, start.journey, why=f"put in by an operator: {why}"))


def _wanted(passing: Pass, compiled: Compiled, trigger: Trigger, spark: Sparked) -> bool:
    view = passing.view(event=spark.event)
    if spark.event is None:
        view.properties = spark.data
    where = compiled.document.where
    return trigger.fits(view) and (where is None or where.check(view).value)


def _start(passing: Pass, compiled: Compiled, spark: Sparked, node: str = "") -> Run | None:
    document, profile = compiled.document, passing.profile
    node = node or document.start
    key = compiled.key_of(spark.data)
    run = Run(
        id=f"{profile.id:x}-{profile.next_run}",
        journey=compiled.id,
        version=compiled.version,
        node=node,
        started=passing.now,
        trigger_at=spark.at,
        key=compiled.key_of(profile.attributes) if key is None else key,
        entered=passing.now,
        since=passing.now,
        entry=compiled.cut(spark.data),
        hops=passing.hops,
    )
    run.event = run.entry
    if node in compiled.on_circle:
        run.rounds[node] = 1
    inside = [one for one in profile.runs if one.journey == compiled.id and one.key == run.key]
    why = _refusal(passing, compiled, run, inside)
    if why is not None:
        step = Step("refused", passing.now, compiled.id, compiled.version, why=why, branch=spark.label)
        passing.steps.append(step)
        return None
    if document.reentry.kind == "restart":
        for one in inside:
            finish(passing, one, "restarted")
    profile.next_run += 1
    profile.runs.append(run)
    forget(passing, compiled.id)
    _record(profile, run)
    passing.step("started", run, why=spark.label, detail=None if run.key is None else {"key": run.key})
    return run


def _refusal(passing: Pass, compiled: Compiled, run: Run, inside: list[Run]) -> str | None:
    """Why the run may not start; None when it may: then it knows when an exit condition may become true."""
    document, profile, plan, now = compiled.document, passing.profile, passing.plan, passing.now
    status, key, age = plan.journeys[compiled.id].status, run.key, passing.now - run.trigger_at
    if status != "live":
        return f"the journey is {status}"
    if age > plan.lateness:
        return f"the trigger is {format_duration(age)} old, the limit is {format_duration(plan.lateness)}"
    opens, closes = document.active
    if (opens is not None and now < opens) or (closes is not None and now >= closes):
        return "outside the time in which the journey is active"
    if document.key is not None and key is None:
        return f"the trigger carries no '{document.key}'"
    if overtaken(plan, profile.windows, run):
        return "overtaken: the exit event happened after the trigger"
    view = passing.view(run)
    verdicts = [condition.check(view) for condition in document.exit.conditions]
    if any(verdict.value for verdict in verdicts):
        return "its exit condition is already true"
    soonest = min((verdict.may_change_at for verdict in verdicts), default=FOREVER)
    run.exit_at = soonest if soonest < FOREVER else None
    reentry = document.reentry
    if inside and not document.many and reentry.kind != "restart":
        return "already inside" if key is None else f"already inside with {document.key} {key!r}"
    before = next((one for one in profile.past.get(compiled.id, ()) if one[0] == key), None)
    if before is not None:
        if reentry.kind == "once":
            return "re-entry: once only"
        if reentry.kind == "after" and now - before[2] < reentry.after:
            return f"re-entry: only {format_duration(reentry.after)} after the last run ended"
    if len(profile.runs) - (len(inside) if reentry.kind == "restart" else 0) >= MAX_RUNS:
        return f"already in {MAX_RUNS} runs at once, the limit"
    return None


def _record(profile: Profile, run: Run) -> None:
    """Note the start; of too many keys the one that is over and was started longest ago is forgotten."""
    records = profile.past.setdefault(run.journey, [])
    record = next((one for one in records if one[0] == run.key), None)
    if record is not None:
        record[1:] = [run.started, 0, record[3] + 1, brief(run.id, profile.id), False]
        return
    records.append([run.key, run.started, 0, 1, brief(run.id, profile.id), False])
    if len(records) > MAX_KEYS:
        records.remove(min(records, key=lambda one: (one[2] == 0, one[1])))
