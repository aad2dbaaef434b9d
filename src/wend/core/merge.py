"""Two people turn out to be one (engine.md 13): what the survivor has wins, what is missing is filled, histories unite.

Runs go on with the survivor; of two with the same journey and key the survivor's stays and the other ends `merged`. A run that
goes several ways at once is one with its branches: all of them go on, or none. Segments: journey/membership.py (`joined`); live ones
are judged by what was united, and what changes by it is heard. All bounds of a state hold for what was united, too.
"""

from __future__ import annotations

from typing import Any

from wend.core import funnel
from wend.core.aggregate import unite
from wend.core.attributes import MAX_TAGS, adjust_score, apply_traits
from wend.core.caps import MAX_VALUES
from wend.core.consent import MAX_ENTRIES
from wend.core.facts import MAX_DEVICES, MAX_RECENT
from wend.core.habits import MAX_HOURS, MAX_MARKS, MAX_MESSAGES
from wend.core.inputs import MergeState
from wend.core.journey.ending import finish, overtaken
from wend.core.journey.turn import MESSAGES, Pass
from wend.core.pack import unpack
from wend.core.plan import Plan
from wend.core.profile import MAX_KEYS, MAX_RUNS, Facts, Profile, brief, family, in_full
from wend.core.score import limits


def arrived(input: MergeState, state: list[Any]) -> Profile:
    """The absorbed person whose packed `state` has come: through JSON, where numbers cannot be keys."""
    other = unpack(input.absorbed, state, input.attributes)
    other.segments = {int(key): since for key, since in other.segments.items()}
    other.turns = {int(key): at for key, at in other.turns.items()}
    return other


def absorb(passing: Pass, other: Profile) -> None:
    """Take over everything of `other`, who has become `passing.profile`. `passing.now` is the instant of the merge."""
    profile = passing.profile
    _fill_attributes(profile, other)
    profile.tags = list(dict.fromkeys([*profile.tags, *other.tags]))[:MAX_TAGS]
    adjust_score(profile, other.score, *limits(passing.plan.settings))
    profile.known = profile.known or other.known
    profile.consent = _latest(profile.consent, other.consent)
    profile.topics = _latest(profile.topics, other.topics)
    # Whole channels first, then single addresses, then counts of soft bounces.
    suppressed = {**other.suppressed, **profile.suppressed}
    profile.suppressed = {name: suppressed[name] for name in sorted(suppressed, key=_colons)[:MAX_ENTRIES]}
    for channel, tokens in other.devices.items():
        mine = profile.devices.get(channel, {})
        seen = {token: max(mine.get(token, 0), tokens.get(token, 0)) for token in {**mine, **tokens}}
        profile.devices[channel] = dict(sorted(seen.items(), key=lambda one: -one[1])[:MAX_DEVICES])
    _unite_facts(profile.facts, other.facts)
    plan = passing.plan
    profile.stage = _further(profile.stage, other.stage, funnel.order(plan.settings))
    _unite_caps(plan, profile.caps, other.caps)
    _unite_habits(profile, other)
    _unite_location(profile, other)
    _unite_hidden(passing, other)
    left = [run for run in profile.runs if overtaken(plan, other.windows, run)]
    left += [run for run in other.runs if overtaken(plan, profile.windows, run)]
    for id_, kept in other.windows.items():
        leaf = plan.leaf_of.get(id_)
        if leaf is not None:
            profile.windows[id_] = unite(leaf, profile.windows.get(id_, []), kept, passing.now)
    profile.messages = sorted([*profile.messages, *other.messages], key=lambda one: one[5])[-MESSAGES:]
    _unite_past(profile, other)
    _unite_runs(passing, other)
    for run in left:
        if run.id not in passing.gone:
            finish(passing, run, "exit: what was done as the other of the two")
    for run in profile.runs:  # re-entry is counted from the run that goes on
        for record in profile.past.get(run.journey, ()):
            if record[0] == run.key and not run.parent:
                record[1:3], record[4:] = [run.started, 0], [brief(run.id, profile.id), run.goal]


def _fill_attributes(profile: Profile, other: Profile) -> None:
    missing = {name: value for name, value in other.attributes.items() if name not in profile.attributes}
    mine, theirs = profile.attributes.get("groups"), other.attributes.get("groups")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        missing["groups"] = {**theirs, **mine}  # they belong to the companies of both
    apply_traits(profile, missing)


def _further(mine: str, theirs: str, order: list[str]) -> str:
    """Of two stages the one further on; one that the funnel does not have (any more) comes before all."""
    ranks = {stage: rank for rank, stage in enumerate(order)}
    return theirs if not mine or ranks.get(theirs, -1) > ranks.get(mine, -1) else mine


def _unite_caps(plan: Plan, mine: dict[str, list[int]], theirs: dict[str, list[int]]) -> None:
    """What both were sent counts, the latest as far as each rule needs."""
    for cap in plan.caps:
        keys = [key for key in {**theirs, **mine} if key[: len(cap.id)] == cap.id]
        both = {key: sorted([*mine.get(key, ()), *theirs.get(key, ())])[-cap.limit :] for key in keys}
        for key in sorted(keys, key=lambda key: both[key][-1])[:-MAX_VALUES]:
            del both[key]
            mine.pop(key, None)
        mine.update(both)


def _unite_habits(profile: Profile, other: Profile) -> None:
    for channel, hours in other.hours.items():
        profile.hours[channel] = [*hours, *profile.hours.get(channel, ())][-MAX_HOURS:]
    for channel, (accepted, answered, *marks) in other.response.items():
        own_accepted, own_answered, *own_marks = profile.response.get(channel, (0, 0))
        accepted, answered = accepted + own_accepted, answered + own_answered
        while accepted > MAX_MESSAGES:
            accepted, answered = accepted // 2, answered // 2
        profile.response[channel] = [accepted, answered, *[*marks, *own_marks][-MAX_MARKS:]]


def _unite_hidden(passing: Pass, other: Profile) -> None:
    """What had come true for one of the two (a date, a stage) does not come true again: its trigger has been heard."""
    members = passing.profile.segments
    for key, since in other.segments.items():
        segment = passing.plan.watch.by_key.get(key)
        if segment is not None and segment.hidden:
            members[key] = min(since, members.get(key, since))


def _unite_location(profile: Profile, other: Profile) -> None:
    """Where they were seen last is where they are; that says which fences they are inside of."""
    if other.location and (not profile.location or other.location[2] > profile.location[2]):
        before = profile.fences
        profile.location = other.location
        profile.fences = {fence: min(since, before.get(fence, since)) for fence, since in other.fences.items()}


def _colons(name: str) -> int:
    return name.count(":")


def _latest(mine: dict[str, list[Any]], others: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Of two answers to the same question the later one counts, at the same instant a no. Of too many a no is kept."""

    def weight(answer: list[Any]) -> tuple[int, bool]:
        return answer[1], answer[0] == "unsubscribed"

    both = dict(mine)
    for name, found in others.items():
        if name not in both or weight(found) > weight(both[name]):
            both[name] = found
    kept = sorted(both, key=lambda name: both[name][0] != "unsubscribed")[:MAX_ENTRIES]
    return {name: both[name] for name in kept}


def _unite_facts(mine: Facts, other: Facts) -> None:
    mine.first_seen = min((at for at in (mine.first_seen, other.first_seen) if at), default=0)
    mine.last_seen = max(mine.last_seen, other.last_seen)
    mine.sessions += other.sessions
    mine.orders += other.orders
    mine.revenue = round(mine.revenue + other.revenue, 6)
    mine.last_order_at = max(mine.last_order_at, other.last_order_at)
    mine.currency = mine.currency or other.currency
    if other.cart_changed_at > mine.cart_changed_at:
        mine.cart, mine.cart_id, mine.cart_changed_at = other.cart, other.cart_id, other.cart_changed_at
    # An offline phone: what one of the two put into the cart before the other's latest order was bought with it.
    mine.cart = [line for line in mine.cart if line["at"] > mine.last_order_at]
    for kind, items in other.recent.items():
        latest: dict[Any, dict[str, Any]] = {}
        for item in sorted([*mine.recent.get(kind, ()), *items], key=lambda one: -one["at"]):
            latest.setdefault(tuple(item.get(name) for name in ("product_id", "list", "query")), item)
        mine.recent[kind] = list(latest.values())[:MAX_RECENT]


def _unite_past(profile: Profile, other: Profile) -> None:
    for journey, records in other.past.items():
        own = profile.past.setdefault(journey, [])
        by_key = {record[0]: record for record in own}
        for record in records:
            record[4] = in_full(record[4], other.id)
            mine = by_key.get(record[0])
            if mine is None:
                own.append(record)
                continue
            times = mine[3] + record[3]
            if record[1] > mine[1]:
                mine[:] = record
            mine[3] = times
        own.sort(key=lambda one: (one[2] == 0, one[1]))
        del own[:-MAX_KEYS]


def _unite_runs(passing: Pass, other: Profile) -> None:
    profile = passing.profile
    own = list(profile.runs)
    taken = {(run.journey, run.key) for run in own}
    profile.runs = sorted([*own, *other.runs], key=lambda run: run.started)
    places = MAX_RUNS - len(own)
    for run in other.runs:
        if run.parent:
            continue  # a branch goes where its run goes
        ways = family(profile, run)
        published = passing.plan.journeys.get(run.journey)
        many = published is not None and published.live.document.many
        if not many and (run.journey, run.key) in taken:
            finish(passing, run, "merged")
        elif places < len(ways):
            finish(passing, run, f"merged: already in {MAX_RUNS} runs at once, the limit")
        else:
            places -= len(ways)
            passing.moved.update((one.id, one) for one in ways)
