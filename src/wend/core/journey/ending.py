"""Getting out: how a run ends, and what is remembered of it for re-entry and for goals that follow."""

from __future__ import annotations

from typing import Any

from wend.core.effects import Withdraw
from wend.core.journey.turn import Pass
from wend.core.profile import MAX_KEYS, Profile, Run


def finish(passing: Pass, run: Run, reason: str) -> None:
    """The run is over. A message still on its way is withdrawn."""
    profile = passing.profile
    if run.phase == "sent":
        passing.effects.append(Withdraw(f"{run.id}.{run.move}"))
    profile.runs = [one for one in profile.runs if one.id != run.id]
    passing.gone.add(run.id)
    passing.moved.pop(run.id, None)
    record = past_of(profile, run)
    record[2], record[5] = passing.now, run.goal
    passing.step("ended", run, why=reason)


def past_of(profile: Profile, run: Run) -> list[Any]:
    """The record of this run's journey and key; made when there is none. The oldest one goes when there are too many."""
    records = profile.past.setdefault(run.journey, [])
    for record in records:
        if record[0] == run.key:
            return record
    record = [run.key, run.started, 0, 0, run.id, False]
    records.append(record)
    if len(records) > MAX_KEYS:
        inside = {one.key for one in profile.runs if one.journey == run.journey}
        outside = [one for one in records if one is not record and one[0] not in inside]
        if outside:
            records.remove(min(outside, key=lambda one: one[1]))
    return record
