"""Getting out: how a run ends, and what is remembered of it for re-entry and for goals that follow."""

from __future__ import annotations

from typing import Any

from wend.core.aggregate import key_text
from wend.core.effects import Withdraw
from wend.core.journey.turn import Pass
from wend.core.plan import Plan
from wend.core.profile import OUTSIDE, Run, brief, family, lineage


def finish(passing: Pass, run: Run, reason: str) -> None:
    """The run is over, with all its branches (a branch: the whole run). What is on its way is withdrawn while it still can be."""
    profile = passing.profile
    if run.id in passing.gone:
        return
    *_, run = lineage(profile, run)
    arms = {node: arm for one in family(profile, run) for node, arm in one.arms.items()}
    leave(passing, family(profile, run))
    id = brief(run.id, profile.id)
    for record in profile.past.get(run.journey, ()):
        if record[4] == id:
            record[2], record[5] = passing.now, run.goal
            record[6:] = [arms] if arms else []
    forget(passing, run.journey)
    passing.step("ended", run, why=reason)


def leave(passing: Pass, runs: list[Run]) -> None:
    """Take these runs away; what they have on its way is withdrawn."""
    profile = passing.profile
    for run in runs:
        if run.phase in OUTSIDE:
            passing.effects.append(Withdraw(f"{run.id}.{run.move}"))
        passing.gone.add(run.id)
        passing.moved.pop(run.id, None)
    profile.runs = [one for one in profile.runs if one.id not in passing.gone]


def forget(passing: Pass, journey: str) -> None:
    """Let go of the records of keys that no longer matter: neither to re-entry nor to a goal that may follow.

    A journey without keys has one record, which stays: somebody may make it `once` later.
    """
    published, records = passing.plan.journeys.get(journey), passing.profile.past.get(journey)
    if published is None or not records:
        return
    document, now = published.live.document, passing.now
    reentry, goal = document.reentry, document.goal
    if document.key is None or reentry.kind == "once":
        return
    within = -1 if goal is None or goal.within is None else goal.within
    records[:] = [
        record
        for record in records
        if not record[2]
        or (reentry.kind == "after" and now - record[2] < reentry.after)
        or (not record[5] and now - record[1] <= within)
    ]
    if not records:
        del passing.profile.past[journey]


def overtaken(plan: Plan, windows: dict[str, list[Any]], run: Run) -> bool:
    """Whether, by these windows, an exit event that reaches the run happened after its trigger (engine.md 7)."""
    for one in plan.exits.get((run.journey, run.version), ()):
        times = windows.get(one.any.id)
        if times and times[-1] > run.trigger_at:
            return True
        if one.keyed is not None:
            key = key_text(run.key)
            if any(at > run.trigger_at and carried == key for at, carried in windows.get(one.keyed.id, ())):
                return True
    return False
