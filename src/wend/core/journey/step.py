"""The walker: moves runs through their drawings.

Order within one thing that happened (engine.md 6): each run, oldest first: its goal is counted, then a node that waits for just
this takes it, else `exit_when` leaves; then triggers; then what the runs themselves caused, first in first out, at the same
`now`. A run never hears the input that started it. A node that raises stops only its run.
"""

from __future__ import annotations

from collections.abc import Callable

from wend.core.condition.base import FOREVER
from wend.core.inputs import OUTCOMES, Event, Feedback
from wend.core.journey.compiled import Compiled, concerns
from wend.core.journey.contract import Answer, End, Go, Park
from wend.core.journey.document import Goal
from wend.core.journey.ending import finish
from wend.core.journey.entry import offer
from wend.core.journey.happened import EventHappened, Happened, MessageChanged
from wend.core.journey.turn import MINUTE, MOVES, Pass, RunTurn
from wend.core.profile import Run


def handle(passing: Pass, first: list[Happened]) -> None:
    """Let runs and triggers hear what happened, and everything they cause."""
    queue = passing.queue
    queue.extend(first)
    profile = passing.profile
    while queue:
        happened = queue.popleft()
        for run in tuple(profile.runs):
            if run.id not in passing.gone:
                _hear(passing, run, happened)
        if isinstance(happened, EventHappened):
            _count_goals_after_the_end(passing, happened.event)
        for compiled, run in offer(passing, happened):
            enter(passing, compiled, run)


def wake(passing: Pass, run: Run) -> None:
    """An instant that the run asked for (`until` or `exit_at`) has come."""
    compiled = passing.plan.compiled(run.journey, run.version)
    if run.exit_at is not None and run.exit_at <= passing.now and _leaves_by_condition(passing, compiled, run):
        return
    if run.until is None or run.until > passing.now:
        return
    turn = RunTurn(passing, compiled, run)
    placed = compiled.document.nodes[run.node]
    if run.until - run.entered >= MINUTE:
        run.hops = 0
    run.until = None
    delayed = run.phase == "delayed"
    if delayed:
        run.phase = ""
        run.since = max(run.since, passing.now)
    _walk(passing, turn, placed.node.enter if delayed else placed.node.wake)


def thaw(passing: Pass, run: Run) -> None:
    """The run's journey was resumed: a node that was reached while it was paused is entered now."""
    if run.phase == "frozen":
        run.phase = ""
        enter(passing, passing.plan.compiled(run.journey, run.version), run)


def enter(passing: Pass, compiled: Compiled, run: Run) -> None:
    """The run has arrived at `run.node`: go on from there until it rests."""
    turn = RunTurn(passing, compiled, run)
    _walk(passing, turn, lambda turn: _arrive(passing, turn))


def _hear(passing: Pass, run: Run, happened: Happened) -> None:
    compiled = passing.plan.compiled(run.journey, run.version)
    event = happened.event if isinstance(happened, EventHappened) else None
    if event is not None:
        if event.at < run.trigger_at or not _same_key(compiled, run, event):
            return
        goal = compiled.document.goal
        if goal is not None and not run.goal and _reaches(passing, goal, event, run.started):
            run.goal = True
            _count_goal(passing, run, goal, event)
    elif isinstance(happened, MessageChanged):
        _note(passing, run, happened.feedback)
    if run.phase not in ("frozen", "delayed") and concerns(compiled.listens[run.node], happened):
        turn = RunTurn(passing, compiled, run)
        try:
            answer = compiled.node(run.node).hear(turn, happened)
        except Exception as error:  # noqa: BLE001 - a failing node stops only its run (engine.md 14)
            _fail(passing, run, error)
            return
        if answer is not None:
            if event is not None and isinstance(answer, Go):
                run.event = compiled.cut(event.properties)
                run.hops = max(run.hops, event.hops)
            taken = answer
            _walk(passing, turn, lambda _: taken)
            if event is not None and isinstance(taken, Go):
                return
            if run.id in passing.gone:
                return
    if event is not None:
        for pattern in compiled.document.exit.patterns:
            if pattern.matches(event, passing.profile, passing.now, passing.zone, run):
                finish(passing, run, f"exit: {event.name}")
                return
    if compiled.document.exit.conditions and concerns(compiled.exit_listens, happened):
        _leaves_by_condition(passing, compiled, run)


def _walk(passing: Pass, turn: RunTurn, ask: Callable[[RunTurn], Answer]) -> None:
    """Move until the run rests. `ask` gives the first answer."""
    run, compiled = turn.run, turn.compiled
    try:
        answer = ask(turn)
        while True:
            if isinstance(answer, Park):
                run.until = answer.until
                passing.moved[run.id] = run
                return
            if isinstance(answer, End):
                finish(passing, run, answer.reason)
                return
            answer = _go(passing, turn, compiled, answer)
    except Exception as error:  # noqa: BLE001 - a failing node stops only its run (engine.md 14)
        _fail(passing, run, error)


def _go(passing: Pass, turn: RunTurn, compiled: Compiled, answer: Go) -> Answer:
    run = turn.run
    placed = compiled.document.nodes[run.node]
    passing.moves += 1
    if passing.moves > MOVES:
        raise OverflowError(f"more than {MOVES} moves for one input: is there a loop that never rests?")
    target = placed.target(answer.branch)
    if target is None:
        raise LookupError(f"node '{run.node}' has no way out by '{answer.branch}'")
    passing.step(
        "dropped" if answer.branch == "dropped" else "moved",
        run,
        branch=answer.branch,
        why=answer.why,
        detail={"to": target},
    )
    acted = placed.node.GROUP == "action"
    run.move += 1
    run.node = target
    run.entered = passing.now
    run.since = turn.real if acted else passing.now
    run.until = None
    run.phase = ""
    if target in compiled.on_circle:
        run.rounds[target] = run.rounds.get(target, 0) + 1
    return _arrive(passing, turn)


def _arrive(passing: Pass, turn: RunTurn) -> Answer:
    run = turn.run
    placed = turn.compiled.document.nodes[run.node]
    if run.journey in passing.paused:
        run.phase = "frozen"
        return Park(None, "the journey is paused")
    if placed.timing is not None:
        acts_at = placed.timing.acts_at(run.since, passing.zone)
        if acts_at > passing.now:
            run.phase = "delayed"
            return Park(acts_at, "its timing")
    return placed.node.enter(turn)


def _same_key(compiled: Compiled, run: Run, event: Event) -> bool:
    """An event that carries the key reaches only the runs with the same value (journeys.md, "Keys")."""
    name = compiled.document.key
    carried = None if name is None else event.properties.get(name)
    return carried is None or carried == run.key


def _leaves_by_condition(passing: Pass, compiled: Compiled, run: Run) -> bool:
    view = passing.view(run)
    soonest = FOREVER
    for condition in compiled.document.exit.conditions:
        verdict = condition.check(view)
        if verdict.value:
            finish(passing, run, "exit: its condition is true")
            return True
        soonest = min(soonest, verdict.may_change_at)
    run.exit_at = soonest if soonest < FOREVER else None
    return False


def _note(passing: Pass, run: Run, feedback: Feedback) -> None:
    """Remember what became of a message of this run."""
    if feedback.run != run.id:
        return
    sent = run.sends.get(feedback.node)
    if sent is not None and sent[0] == feedback.move and feedback.state not in sent[2:] and not feedback.machine:
        sent.append(feedback.state)
    if feedback.state in OUTCOMES and (feedback.move != run.move or run.phase != "sent"):
        passing.step("outcome", run, branch=feedback.state, why=f"ignored: it belongs to move {feedback.move}")


def _reaches(passing: Pass, goal: Goal, event: Event, started: int) -> bool:
    in_time = goal.within is None or passing.now - started <= goal.within
    return in_time and goal.pattern.matches(event, passing.profile, passing.now, passing.zone)


def _count_goal(passing: Pass, run: Run, goal: Goal, event: Event) -> None:
    value = event.properties.get(goal.value) if goal.value else None
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    passing.step("goal", run, why=event.name, detail={"value": number})


def _count_goals_after_the_end(passing: Pass, event: Event) -> None:
    """A goal with a window counts also when the run is over by then."""
    for journey, records in passing.profile.past.items():
        published = passing.plan.journeys.get(journey)
        goal = None if published is None else published.live.document.goal
        if goal is None or goal.within is None or not goal.pattern.hears(event.name):
            continue
        for record in records:
            key, started, ended, _, run_id, reached = record
            if reached or not ended or event.at < started or not _reaches(passing, goal, event, started):
                continue
            record[5] = True
            version = published.live.version if published else 0
            _count_goal(passing, Run(run_id, journey, version, "", started, started, key), goal, event)


def _fail(passing: Pass, run: Run, error: Exception) -> None:
    passing.step("failed", run, why=f"{type(error).__name__}: {error}")
    finish(passing, run, "failed")
