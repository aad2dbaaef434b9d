"""Two people turn out to be one (engine.md 13): what the survivor has wins, what is missing is filled, histories unite.

Runs go on with the survivor; of two with the same journey and key the survivor's stays and the other ends `merged`.
"""

from __future__ import annotations

from typing import Any

from wend.core.aggregate import unite
from wend.core.journey.ending import finish
from wend.core.journey.turn import Pass
from wend.core.profile import MAX_KEYS, MAX_RUNS, Facts, Profile, Run

_STATE_AT = 1
RECENT = 10
DEVICES = 10


def absorb(passing: Pass, other: Profile) -> None:
    """Take over everything of `other`, who has become `passing.profile`. `passing.now` is the instant of the merge."""
    profile = passing.profile
    missing = {name: value for name, value in other.attributes.items() if name not in profile.attributes}
    if missing:
        profile.attributes = {**profile.attributes, **missing}
        profile.attributes_changed = True
    profile.tags += [tag for tag in other.tags if tag not in profile.tags]
    profile.score += other.score
    profile.known = profile.known or other.known
    _latest(profile.consent, other.consent)
    _latest(profile.topics, other.topics)
    profile.suppressed = {**other.suppressed, **profile.suppressed}
    for channel, tokens in other.devices.items():
        both = {**tokens, **profile.devices.get(channel, {})}
        profile.devices[channel] = dict(sorted(both.items(), key=lambda one: -one[1])[:DEVICES])
    _unite_facts(profile.facts, other.facts)
    for id_, kept in other.windows.items():
        leaf = passing.plan.leaf_of.get(id_)
        if leaf is not None:
            profile.windows[id_] = unite(leaf, profile.windows.get(id_, []), kept, passing.now)
    profile.messages = sorted([*profile.messages, *other.messages], key=lambda one: one[5])[-20:]
    _unite_past(profile, other)
    _unite_runs(passing, other)
    profile.awaiting += [one for one in other.awaiting if one not in profile.awaiting]


def _latest(mine: dict[str, list[Any]], others: dict[str, list[Any]]) -> None:
    """Of two answers to the same question the later one counts; at the same instant a no."""
    for name, found in others.items():
        own = mine.get(name)
        if own is None or (found[_STATE_AT], found[0] == "unsubscribed") > (own[_STATE_AT], own[0] == "unsubscribed"):
            mine[name] = found


def _unite_facts(mine: Facts, other: Facts) -> None:
    firsts = [at for at in (mine.first_seen, other.first_seen) if at]
    mine.first_seen = min(firsts, default=0)
    mine.last_seen = max(mine.last_seen, other.last_seen)
    mine.sessions += other.sessions
    mine.orders += other.orders
    mine.revenue += other.revenue
    mine.last_order_at = max(mine.last_order_at, other.last_order_at)
    mine.currency = mine.currency or other.currency
    if other.cart_changed_at > mine.cart_changed_at:
        mine.cart, mine.cart_id, mine.cart_changed_at = other.cart, other.cart_id, other.cart_changed_at
    for kind, items in other.recent.items():
        both = sorted([*mine.recent.get(kind, []), *items], key=lambda one: -int(one.get("at", 0)))
        mine.recent[kind] = both[:RECENT]


def _unite_past(profile: Profile, other: Profile) -> None:
    for journey, records in other.past.items():
        own = profile.past.setdefault(journey, [])
        by_key = {repr(one[0]): one for one in own}
        for record in records:
            mine = by_key.get(repr(record[0]))
            if mine is None:
                own.append(record)
            else:
                mine[3] += record[3]
                if record[1] > mine[1]:
                    mine[1], mine[2], mine[4], mine[5] = record[1], record[2], record[4], record[5]
        own.sort(key=lambda one: one[1])
        del own[:-MAX_KEYS]


def _unite_runs(passing: Pass, other: Profile) -> None:
    profile = passing.profile
    taken = {(run.journey, repr(run.key)) for run in profile.runs}
    many = {id_ for id_, one in passing.plan.journeys.items() if one.live.document.many}
    doubled: list[Run] = []
    for run in other.runs:
        profile.runs.append(run)
        passing.moved[run.id] = run
        if (run.journey in many or (run.journey, repr(run.key)) not in taken) and len(profile.runs) <= MAX_RUNS:
            continue
        doubled.append(run)
    for run in doubled:
        finish(passing, run, "merged")
    profile.runs.sort(key=lambda run: (run.started, run.id))
    for run in profile.runs:  # the survivor's open run is the one that re-entry is counted from
        for record in profile.past.get(run.journey, ()):
            if record[0] == run.key:
                record[1], record[2], record[4], record[5] = run.started, 0, run.id, run.goal
