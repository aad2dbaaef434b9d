"""The walker: moves runs through their drawings.

Order within one thing that happened (engine.md 6): each run, oldest first: its goal is counted, then a node that waits for just
this takes it, else `exit_when` leaves; then triggers; then what the runs themselves caused, first in first out, at the same
`now`. A run never hears the input that started it. A node that raises stops only its run. A run that goes several ways at once
(branching.py) hears as one: when one of its branches takes what happened, the exit rule does not leave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wend.core.amount import amount
from wend.core.attributes import get
from wend.core.condition.base import FOREVER
from wend.core.inputs import OUTCOMES, Event, Feedback
from wend.core.inputs import Answer as Reply
from wend.core.journey import classes
from wend.core.journey.branching import PARALLEL, fork, over
from wend.core.journey.compiled import Compiled, concerns
from wend.core.journey.contract import Answer, End, Fork, Go, Meet, Park
from wend.core.journey.document import Goal
from wend.core.journey.ending import finish
from wend.core.journey.entry import offer
from wend.core.journey.happened import Answered, EventHappened, Happened, MessageChanged, Overheard
from wend.core.journey.membership import settle
from wend.core.journey.turn import MINUTE, Pass, RunTurn
from wend.core.journey.waiting import shortened, woken
from wend.core.profile import Run, family, in_full, lineage


def handle(passing: Pass, first: list[Happened], hops: int = 0) -> None:
    """Let runs and triggers hear what happened, and everything they cause. `hops`: how deep in a chain of emitted events it is."""
    queue = passing.queue
    queue.extend([(happened, hops) for happened in first])
    while queue:
        happened, passing.hops = queue.popleft()
        settle(passing, happened)
        classes.hear(passing, happened)
        for run in _concerned(passing, happened):
            _hear(passing, run, happened)
        if isinstance(happened, EventHappened) and _listed(happened.event.name, passing.plan.late_goals):
            _count_goals_after_the_end(passing, happened.event)
        for compiled, run in offer(passing, happened):
            enter(passing, compiled, run)


def _concerned(passing: Pass, happened: Happened) -> Sequence[Run]:
    """The runs to which it may matter: most events matter to none, which is found out quickly."""
    runs = passing.profile.runs
    if not isinstance(happened, EventHappened):
        return [run for run in runs if not run.parent]
    name, facts = happened.event.name, happened.facts
    found: list[Run] = []
    for run in runs:
        reach = passing.plan.compiled(run.journey, run.version).reach[run.node]
        if _listed(name, reach.events) or not facts.isdisjoint(reach.facts):
            *_, whole = (run,) if not run.parent else lineage(passing.profile, run)
            if all(one is not whole for one in found):
                found.append(whole)
    return found


def _listed(name: str, names: frozenset[str]) -> bool:
    return name in names or "*" in names


def wake(passing: Pass, run: Run) -> None:
    """An instant that the run asked for (`until` or `exit_at`) has come."""
    compiled = passing.plan.compiled(run.journey, run.version)
    if run.exit_at is not None and run.exit_at <= passing.now and leaves_by_condition(passing, compiled, run):
        return
    if run.until is None or run.until > passing.now:
        return
    _rested(passing, run)
    run.until = None
    if run.phase == "delayed":
        run.phase = ""
        run.since = max(run.since, passing.now)
        walk(passing, RunTurn(passing, compiled, run), compiled.node(run.node).enter)
    else:
        walk(passing, RunTurn(passing, compiled, run), woken)


def thaw(passing: Pass, run: Run) -> None:
    """The run's journey goes on after a pause: a node that was reached meanwhile is entered now."""
    if run.phase == "frozen":
        run.phase = ""
        enter(passing, passing.plan.compiled(run.journey, run.version), run)


def enter(passing: Pass, compiled: Compiled, run: Run) -> None:
    """The run has arrived at `run.node`: go on from there until it rests."""
    _begin(RunTurn(passing, compiled, run))


def _begin(turn: RunTurn) -> None:
    def arrive(turn: RunTurn) -> Answer:
        # Before it can cause anything: two journeys that start each other end here.
        turn.passing.count_move()
        return _arrive(turn.passing, turn)

    walk(turn.passing, turn, arrive)


def _hear(passing: Pass, run: Run, happened: Happened) -> None:
    compiled = passing.plan.compiled(run.journey, run.version)
    runs = family(passing.profile, run) if run.phase.startswith(PARALLEL) else [run]
    event = None
    if isinstance(happened, EventHappened):
        if happened.event.at < run.trigger_at or not _same_key(compiled, run.key, happened.event):
            happened = Overheard(happened.event, happened.facts)
        else:
            event = happened.event
            goal = compiled.document.goal
            if goal is not None and not run.goal and _reaches(passing, goal, event, run.started):
                run.goal = True
                arms = {node: arm for one in runs for node, arm in one.arms.items()}
                _count_goal(passing, run, goal, event, arms)
    elif isinstance(happened, MessageChanged):
        for one in runs:
            _note(passing, one, happened.feedback)
    elif isinstance(happened, Answered):
        for one in runs:
            _note_answer(passing, one, happened.answer)
    takers: list[Run] = []
    others: list[Run] = []
    for one in runs:
        its = passing.plan.compiled(one.journey, one.version)
        if one.phase in ("frozen", "delayed") or not concerns(its.listens[one.node], happened):
            continue
        if event is not None and its.node(one.node).TAKES_EVENTS:
            takers.append(one)
        else:
            others.append(one)
    taken = [_offer_to_node(passing, one, happened) for one in takers]
    if not any(taken) and _leaves(passing, compiled, run, happened, event):
        return
    for one in others:
        _offer_to_node(passing, one, happened)


def _leaves(passing: Pass, compiled: Compiled, run: Run, happened: Happened, event: Event | None) -> bool:
    """Whether the exit rule took the run out."""
    if event is not None:
        for pattern in compiled.document.exit.patterns:
            if pattern.hears(event.name) and pattern.fits(passing.view(run, event)):
                finish(passing, run, f"exit: {event.name}")
                return True
    concerns_exit = bool(compiled.document.exit.conditions) and concerns(compiled.exit_listens, happened)
    return concerns_exit and leaves_by_condition(passing, compiled, run)


def _offer_to_node(passing: Pass, run: Run, happened: Happened) -> bool:
    """Let the node at which the run rests hear what happened; whether it mattered to it."""
    compiled = passing.plan.compiled(run.journey, run.version)

    def hear(turn: RunTurn) -> Answer | None:
        answer = compiled.node(run.node).hear(turn, happened)
        if isinstance(answer, Go):
            _rested(passing, run)
            run.hops = max(run.hops, passing.hops)
            if isinstance(happened, EventHappened):
                run.event = compiled.cut(happened.event.properties)
        return answer

    return walk(passing, RunTurn(passing, compiled, run), hear, rested=(run.move, run.until))


def _rested(passing: Pass, run: Run) -> None:
    """A rest of a minute or more ends a chain of emitted events (engine.md 6)."""
    if passing.now - run.entered >= MINUTE:
        run.hops = 0


def walk(
    passing: Pass,
    turn: RunTurn,
    ask: Callable[[RunTurn], Answer | None],
    rested: tuple[int, int | None] | None = None,
) -> bool:
    """Move until the run rests or ends. `ask` gives the first answer; False: it gave none, and nothing changed.

    `rested`: the move after which, and the instant until which, the run was resting; whoever goes on so is not noted as moved.
    """
    run = turn.run
    try:
        answer = ask(turn)
        if answer is None:
            return False
        while not isinstance(answer, End):
            if isinstance(answer, Meet) and run.parent:
                break
            if isinstance(answer, Meet):
                answer = Go("next")
            if isinstance(answer, Go):
                answer = _go(passing, turn, answer)
            elif isinstance(answer, Fork):
                answer = fork(passing, turn, answer, _begin)
                passing.moved[run.id] = run
            elif (until := shortened(turn, answer.until)) is not None and until <= passing.now:
                passing.count_move()
                answer = woken(turn)
            else:
                run.until = until
                if rested != (run.move, until):
                    passing.moved[run.id] = run
                return True
        join, reason = (run.node, "at the join") if isinstance(answer, Meet) else ("", answer.reason)
    except Exception as error:  # noqa: BLE001 - a failing node stops only its run (engine.md 14)
        passing.step("failed", run, why=f"{type(error).__name__}: {error}")
        join, reason = "", "failed"
    if not run.parent:
        finish(passing, run, reason)
        return True
    onward = over(passing, turn, join, reason)
    if onward is not None:
        walk(passing, onward[0], lambda _: onward[1])
    return True


def _go(passing: Pass, turn: RunTurn, answer: Go) -> Answer:
    run = turn.run
    placed = turn.compiled.document.nodes[run.node]
    passing.count_move()
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
    if placed.node.ARMS and turn.compiled.document.goal is not None:
        run.arms[run.node] = answer.branch
    turn.acted = turn.acted or placed.node.REACHES_OUT
    run.move += 1
    run.node = target
    run.entered = passing.now
    run.since = turn.real if turn.acted else passing.now
    run.until = None
    run.phase = ""
    if target in turn.compiled.on_circle:
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


def _same_key(compiled: Compiled, key: Any, event: Event) -> bool:
    """An event that carries the key reaches only the runs with the same value (journeys.md, "Keys")."""
    carried = compiled.key_of(event.properties)
    return carried is None or carried == key


def leaves_by_condition(passing: Pass, compiled: Compiled, run: Run) -> bool:
    """Whether a condition of the exit rule is true, so that the run has left; else it knows when one may become so."""
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
    own = feedback.run == run.id
    if not own and not feedback.run.startswith(f"{run.id}."):
        return  # (a branch that is over leaves what it sent to the run)
    sent = run.sends.get(feedback.node)
    message = feedback.move if own else feedback.effect_id
    if sent is not None and sent[0] == message and feedback.state not in sent[2:] and not feedback.machine:
        sent.append(feedback.state)
    if own and feedback.state in OUTCOMES and (feedback.move != run.move or run.phase != "sent"):
        passing.step("outcome", run, branch=feedback.state, why=f"ignored: it belongs to move {feedback.move}")


def _note_answer(passing: Pass, run: Run, answer: Reply) -> None:
    """Every answer to this run is a step; one to an earlier move changes nothing else (engine.md 5)."""
    if answer.run == run.id:
        late = answer.move != run.move or run.phase != "asked"
        why = f"ignored: it belongs to move {answer.move}" if late else answer.why
        passing.step("answered", run, branch=answer.state, why=why)


def _reaches(passing: Pass, goal: Goal, event: Event, started: int) -> bool:
    in_time = goal.within is None or event.at - started <= goal.within
    return in_time and goal.pattern.hears(event.name) and goal.pattern.fits(passing.view(None, event))


def _count_goal(passing: Pass, run: Run, goal: Goal, event: Event, arms: dict[str, str]) -> None:
    """`arms`: the arms of splits taken before it."""
    value = amount(get(event.properties, goal.value)) if goal.value else None
    detail: dict[str, Any] = {"value": value or 0}
    if arms:
        detail["arms"] = arms
    passing.step("goal", run, why=event.name, detail=detail)


def _count_goals_after_the_end(passing: Pass, event: Event) -> None:
    """A goal with a window counts also when the run is over by then."""
    for journey, records in passing.profile.past.items():
        published = passing.plan.journeys.get(journey)
        goal = None if published is None else published.live.document.goal
        if published is None or goal is None or goal.within is None or not goal.pattern.hears(event.name):
            continue
        for record in records:
            key, started, ended, _, run_id, reached, *arms = record
            if reached or not ended or event.at < started or not _same_key(published.live, key, event):
                continue
            if _reaches(passing, goal, event, started):
                record[5] = True
                over = Run(
                    in_full(run_id, passing.profile.id), journey, published.live.version, "", started, started, key
                )
                _count_goal(passing, over, goal, event, arms[0] if arms else {})
