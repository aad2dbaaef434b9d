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
from wend.core.journey.happened import FactsChanged, Happened, SegmentChanged
from wend.core.profile import Profile
from wend.core.segment import SCORE, Segment

if TYPE_CHECKING:
    from wend.core.journey.turn import Pass
    from wend.core.plan import PlanChange


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


def judge(passing: Pass, segments: Iterable[Segment], *, silently: bool = False) -> None:
    """Judge these, in this order, and whoever reads those that changed. `silently`: runs may hear of changes, triggers do not."""
    profile, now, watch = passing.profile, passing.now, passing.plan.watch
    members, turns = profile.segments, profile.turns
    view: View = passing.view()
    # Whoever reads a segment that changes comes after it, and may not be among them yet.
    todo, place = list(segments), 0
    while place < len(todo):
        segment = todo[place]
        place += 1
        key, condition = segment.key, segment.condition
        if segment.recedes and turns.get(key, 0) > now:
            continue
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
            _change(passing, segment, value, silently)
            above = watch.above(segment)
            if above:
                todo, place = watch.in_order([*todo[place:], *above]), 0


def put(passing: Pass, segment: str, add: bool) -> bool:
    """Put the person on a list or take them off; whether that changed anything."""
    found = passing.plan.segments.get(segment)
    if found is None or found.condition is not None or add is (found.key in passing.profile.segments):
        return False
    _change(passing, found, add, False)
    judge(passing, passing.plan.watch.in_order(passing.plan.watch.above(found)))
    return True


def lifted(passing: Pass, change: PlanChange) -> None:
    """The person comes over a change of the plan that concerns a segment.

    A back-filled version takes the place of the one before it without a trigger hearing of it; runs that read it, and segments,
    are judged by it from now on.
    """
    id, version = change.journey, change.version
    if change.kind == "segment_live":
        _replace(passing, id, version)
    elif change.kind == "segment_gone":
        _forget(passing.profile, id)
        _forget(passing.profile, f"{id}@{version}")
    else:
        _forget(passing.profile, f"{id}@{version - 1}")


def joined(passing: Pass, other: Profile) -> None:
    """Somebody turned out to be this person: what either is in, both are in (the caller has all segments judged after it)."""
    members = passing.profile.segments
    for key, since in other.segments.items():
        segment = passing.plan.watch.named.get(key)
        if segment is None or key in members:
            continue
        members[key] = since
        passing.memberships[segment] = since
        if "@" not in segment:
            passing.queue.append((FactsChanged(frozenset({f"segment:{segment}"})), passing.hops))


def left(passing: Pass) -> None:
    """The person is nobody any more: out of every segment, without anybody hearing of it."""
    for key in passing.profile.segments:
        segment = passing.plan.watch.named.get(key)
        if segment is not None:
            passing.memberships[segment] = None


def _replace(passing: Pass, id: str, version: int) -> None:
    profile, segment = passing.profile, passing.plan.segments.get(id)
    warming, key = key_of(f"{id}@{version}"), key_of(id)
    members, turns = profile.segments, profile.turns
    before = members.pop(key, None)
    after = members.pop(warming, None)
    if after is not None:
        members[key] = after if before is None else before
    turns.pop(key, None)
    if warming in turns:
        turns[key] = turns.pop(warming)
    if segment is None:
        return  # it is gone again since
    watch, concerned = passing.plan.watch, [segment]
    if (before is None) is not (after is None):
        passing.queue.append((FactsChanged(frozenset({f"segment:{id}"})), passing.hops))
        concerned += watch.above(segment)
    judge(passing, watch.in_order(concerned), silently=True)


def _forget(profile: Profile, name: str) -> None:
    key = key_of(name)
    profile.segments.pop(key, None)
    profile.turns.pop(key, None)


def _change(passing: Pass, segment: Segment, entered: bool, silently: bool) -> None:
    members = passing.profile.segments
    if entered:
        members[segment.key] = passing.now
    else:
        del members[segment.key]
    if not segment.hidden:
        passing.memberships[segment.name] = passing.now if entered else None
    if segment.warming:
        return
    changed: Happened = SegmentChanged(segment.id, entered, passing.now)
    if silently:
        changed = FactsChanged(frozenset({f"segment:{segment.id}"}))
    passing.queue.append((changed, passing.hops))
