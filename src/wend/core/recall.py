"""History for a segment that is published late: what a person's state would hold had its condition been there from the beginning.

Rules (engine.md 19): events are taken in the order in which they were applied, each at its own log time, so that the outcome is
what a live engine would have kept. What the state keeps of times before the oldest event that is still recorded stays. The
segment is then judged silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from wend.core.aggregate import remember, unite, valued
from wend.core.condition.base import FOREVER, Condition, View
from wend.core.condition.groups import All, Any_, Not
from wend.core.facts import MAX_RECENT, RECENT_EVENTS, apply_event
from wend.core.inputs import Event
from wend.core.journey.membership import judge
from wend.core.journey.turn import Pass
from wend.core.plan import Plan
from wend.core.profile import Profile
from wend.core.segment import Segment

Heard = tuple[int, Event]
"""Log time at which it was applied, and the event."""


def events_of(segment: Segment) -> frozenset[str]:
    """Names of the events of which the segment's condition remembers something ('*': all); none for a list."""
    names: set[str] = set()
    for leaf in _leaves(segment):
        names |= leaf.events
    for fact in _recent(segment):
        names |= RECENT_EVENTS[fact]
    return frozenset(names)


def needs_properties(segment: Segment) -> bool:
    """Whether more than the names and times of those events matters."""
    return bool(_recent(segment)) or any(
        leaf.where is not None or leaf.keep not in ("times", "first") for leaf in _leaves(segment)
    )


def reaches_back(plan: Plan, segment: Segment, now: int) -> int:
    """Log time (ms UTC) before which no event matters to the segment's condition at `now`; 0: all do."""
    if _recent(segment):
        return 0
    return max(0, min((now - plan.leaf_of[leaf.id].window for leaf in _leaves(segment)), default=0))


def only_by_events(condition: Condition) -> bool:
    """Whether nobody can match who never did any of the events that the condition counts, now or by mere passing of time.

    Conservative: False where it is not certain.
    """
    if isinstance(condition, All):
        return any(map(only_by_events, condition.parts))
    if isinstance(condition, Any_):
        return all(map(only_by_events, condition.parts))
    listens = condition.listens()
    if not listens.events or listens.facts or listens.attributes - {"timezone"} or isinstance(condition, Not):
        return False
    return condition.check(View(Profile(0), 1)) == (False, FOREVER)


def recall(plan: Plan, profile: Profile, segment: Segment, heard: Iterable[Heard], oldest: int) -> None:
    """Give `profile` the memory that the condition of `segment` needs; `heard`: all recorded events of the person, in order.

    `oldest`: log time of the oldest event that is still recorded for anybody (ms UTC); 0: nothing was ever let go.
    """
    leaves = [plan.leaf_of[leaf.id] for leaf in _leaves(segment)]
    recent = frozenset(_recent(segment))
    windows: dict[str, list[Any]] = {}
    scratch = Profile(profile.id)
    view = View(profile, 0, plan.zone, settings=plan.settings)
    now = 0
    for now, event in heard:
        if event.about:
            continue  # no deed of the person
        at = min(event.at, now)
        view.now, view.properties, view.context = now, event.properties, event.context
        for leaf in leaves:
            if event.name in leaf.events or "*" in leaf.events:
                remember(windows, leaf, at, view)
        if recent:
            apply_event(scratch, event, recent)
    for leaf in leaves:
        found = windows.get(leaf.id, [])
        earlier = _earlier(profile.windows.get(leaf.id, []), found, oldest)
        if earlier:
            found = unite(leaf, found, earlier, max(now, profile.last))
        if found:
            profile.windows[leaf.id] = found
        else:
            profile.windows.pop(leaf.id, None)
    for fact in recent:
        name = fact.removeprefix("recent.")
        found = scratch.facts.recent.get(name, [])
        found += [item for item in profile.facts.recent.get(name, ()) if item["at"] < oldest and item not in found]
        if found:
            profile.facts.recent[name] = found[:MAX_RECENT]


def judge_late(plan: Plan, profile: Profile, segment: Segment, now: int) -> dict[str, int | None]:
    """Judge one warming segment silently at `now`; the change of membership, as in `Decision.memberships`."""
    passing = Pass(plan, profile, now, 0)
    judge(passing, [segment], silently=True)
    return passing.memberships


def _leaves(segment: Segment) -> Iterator[Any]:
    if segment.condition is not None:
        yield from segment.condition.leaves()


def _recent(segment: Segment) -> list[str]:
    return [fact for fact in segment.listens.facts if fact in RECENT_EVENTS]


def _earlier(kept: list[Any], found: list[Any], oldest: int) -> list[Any]:
    """What was kept of times that are not recorded any more; a late event that is still recorded is in both, but counts once."""
    rest = [valued(entry) for entry in found]
    earlier: list[Any] = []
    for entry in kept:
        at: int = entry if isinstance(entry, int) else entry[0]
        if at >= oldest:
            continue
        if valued(entry) in rest:
            rest.remove(valued(entry))
        else:
            earlier.append(entry)
    return earlier
