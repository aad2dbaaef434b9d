"""Who is in which segment: judged when something happens that may change it, and at the instant at which time alone may.

Rules (engine.md 6): segments are judged before runs hear what happened; each change of membership is itself heard, after it.
A segment that reads another is judged after it. `turns` is kept lazily: an instant that moves away (each event moves "inactive
for 30 days") is not written anew, the old one is looked at in vain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from wend.core.condition.base import FOREVER, View
from wend.core.condition.member import key_of
from wend.core.journey.happened import Happened, SegmentChanged
from wend.core.segment import SCORE, Segment

if TYPE_CHECKING:
    from wend.core.journey.turn import Pass


def settle(passing: Pass, happened: Happened) -> None:
    """Judge the segments that what happened may have changed; changes are queued to be heard."""
    concerned = passing.plan.watch.concerned(happened)
    if concerned:
        judge(passing, concerned)


def settle_all(passing: Pass) -> None:
    """Judge every segment: somebody is heard of for the first time, or became another by a merge."""
    if passing.plan.watch.ordered:
        judge(passing, passing.plan.watch.ordered)


def fall_due(passing: Pass) -> None:
    """Judge the segments whose instant has come by `passing.now`."""
    turns, watch = passing.profile.turns, passing.plan.watch
    due = [key for key, at in turns.items() if at <= passing.now and key != SCORE]
    for key in due:
        if key not in watch.by_key:
            del turns[key]  # its segment is gone
    judge(passing, watch.in_order(watch.by_key[key] for key in due if key in watch.by_key))


def judge(passing: Pass, segments: Iterable[Segment]) -> None:
    """Judge these, in this order, and whoever reads those that changed."""
    profile, now, watch = passing.profile, passing.now, passing.plan.watch
    members, turns = profile.segments, profile.turns
    view: View = passing.view()
    todo = list(segments)
    while todo:
        segment = todo.pop(0)
        key, condition = segment.key, segment.condition
        assert condition is not None
        value, change = condition.check(view)
        if change >= FOREVER:
            if key in turns:
                del turns[key]
        else:
            old = turns.get(key)
            if old is None or change < old or old <= now:
                turns[key] = change
        if value is not (key in members):
            _change(passing, segment, value)
            above = watch.above(segment.id)
            if above:
                todo = watch.in_order([*todo, *above])


def put(passing: Pass, segment: str, add: bool) -> bool:
    """Put the person on a list or take them off; whether that changed anything."""
    found = passing.plan.segments.get(segment)
    if found is None or found.condition is not None or add is (found.key in passing.profile.segments):
        return False
    _change(passing, found, add)
    judge(passing, passing.plan.watch.in_order(passing.plan.watch.above(segment)))
    return True


def replaced(passing: Pass, segment: str, version: int) -> None:
    """A back-filled version takes the place of the one before it, silently."""
    profile = passing.profile
    warming, key = key_of(f"{segment}@{version}"), key_of(segment)
    for kept in (profile.segments, profile.turns):
        kept.pop(key, None)
        if warming in kept:
            kept[key] = kept.pop(warming)


def gone(passing: Pass, segment: str) -> None:
    """The segment is no more."""
    key = key_of(segment)
    passing.profile.segments.pop(key, None)
    passing.profile.turns.pop(key, None)


def _change(passing: Pass, segment: Segment, entered: bool) -> None:
    members = passing.profile.segments
    if entered:
        members[segment.key] = passing.now
    else:
        del members[segment.key]
    if not segment.hidden:
        passing.memberships[segment.name] = passing.now if entered else None
    if not segment.warming:
        passing.queue.append((SegmentChanged(segment.id, entered, passing.now), passing.hops))
