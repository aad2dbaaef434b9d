"""Several ways at once: a run at a `parallel` rests there while a run for each branch walks, until all of them are over.

Rules: the branches are the person's runs like others (they count among the 20, and each rests at a place of its own), but one with
the run whose branches they are: that one hears the exit rule and counts the goal, and when it ends they end. A branch is over at a
`join` or an `end`, or when it fails. When the last is over, the run goes on behind the join they came to; when none came to one,
it ends. A branch reads what the run remembers; what it adds itself (answers, sends, arms, rounds) flows back when it is over.
"""

from __future__ import annotations

from collections.abc import Callable

from wend.core.journey.contract import Answer, End, Fork, Go, Park
from wend.core.journey.ending import leave
from wend.core.journey.turn import Pass, RunTurn
from wend.core.profile import MAX_RUNS, Profile, Run, family

FORKING, PARALLEL = "forking", "parallel"
"""Phases of a run that goes several ways: they are being set out · it waits for them. After a colon the join they came to."""


def fork(passing: Pass, turn: RunTurn, answer: Fork, begin: Callable[[RunTurn], object]) -> Answer:
    """Let a run for each branch begin (`begin` lets it walk until it rests or is over), and say how the run itself goes on."""
    run, profile, compiled = turn.run, passing.profile, turn.compiled
    run.phase = FORKING
    turns: list[RunTurn] = []
    for branch in answer.branches:
        target = compiled.document.nodes[run.node].branches[branch]
        if len(profile.runs) >= MAX_RUNS:
            why = f"skipped: already in {MAX_RUNS} runs at once, the limit"
            passing.step("arrived", run, branch=branch, why=why)
            continue
        one = _branch(passing, turn, target)
        passing.step("moved", run, branch=branch, detail={"to": target, "run": one.id})
        run.move += 1
        _place_beside(profile, run, one)
        turns.append(RunTurn(passing, compiled, one))
        turns[-1].acted = turn.acted
    for one_turn in turns:
        begin(one_turn)
    turn.acted = any(one.acted for one in (turn, *turns))
    if len(family(profile, run)) == 1:
        return _onward(run)
    run.phase = run.phase.replace(FORKING, PARALLEL)
    return Park(None, "waits for its branches")


def over(passing: Pass, turn: RunTurn, join: str, why: str) -> tuple[RunTurn, Answer] | None:
    """A branch is over, at `join` or ('') elsewhere. When it was the last, the run whose branch it was goes on: its turn and answer."""
    one, profile = turn.run, passing.profile
    passing.step("arrived", one, why=why)
    leave(passing, [one])
    run = next(run for run in profile.runs if run.id == one.parent)
    _flow_back(one, run)
    if join:
        run.phase = f"{run.phase.partition(':')[0]}:{join}"
    if not run.phase.startswith(PARALLEL) or len(family(profile, run)) > 1:
        return None
    onward = RunTurn(passing, passing.plan.compiled(run.journey, run.version), run)
    onward.acted = turn.acted
    passing.moved[run.id] = run
    return onward, _onward(run)


def _place_beside(profile: Profile, run: Run, one: Run) -> None:
    """Behind the run and its other branches: who began earlier hears earlier (engine.md 6)."""
    ids = {member.id for member in family(profile, run)}
    last = max(at for at, member in enumerate(profile.runs) if member.id in ids)
    profile.runs.insert(last + 1, one)


def _branch(passing: Pass, turn: RunTurn, target: str) -> Run:
    run, profile = turn.run, passing.profile
    one = Run(
        id=f"{run.id}.{profile.next_run}",
        journey=run.journey,
        version=run.version,
        node=target,
        started=run.started,
        trigger_at=run.trigger_at,
        key=run.key,
        entered=passing.now,
        since=turn.real if turn.acted else passing.now,
        hops=run.hops,
        parent=run.id,
    )
    profile.next_run += 1
    if target in turn.compiled.on_circle:
        one.rounds[target] = 1
    return one


def _flow_back(one: Run, run: Run) -> None:
    run.saved.update(one.saved)
    run.arms.update(one.arms)
    for node, rounds in one.rounds.items():
        run.rounds[node] = run.rounds.get(node, 0) + rounds
    for node, (message, *rest) in one.sends.items():
        run.sends[node] = [f"{one.id}.{message}" if isinstance(message, int) else message, *rest]
    if one.event:
        run.event = one.event
    run.hops = max(run.hops, one.hops)


def _onward(run: Run) -> Answer:
    """All branches are over: behind the join."""
    join = run.phase.partition(":")[2]
    run.phase = ""
    if not join:
        return End("none of its branches came to a join")
    run.node = join
    return Go("next", "all branches are over")
