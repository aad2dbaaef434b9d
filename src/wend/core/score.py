"""The built-in engagement score: points for what people do, and decay while they do nothing.

Settings `engagement`:
    weights:  {Order Completed: 20, Form Submitted: {points: 10, where: {property: form, is: demo}, per_day: 1}}
    messages: {opened: 1, clicked: 5, unsubscribed: -20}
    decay:    {after: 7d, every: 7d, points: 5}      (or factor: 0.9 in the place of points)
    floor: 0
    ceiling: 100
- An event counts once it is heard; imports, business events and events older than the lateness limit do not. `per_day`: only the first
  n of a local day count, and none that comes in after its day. Opens by machines do not count, and of each message each state counts once.
- Idle means: no event of the person (as `{inactive: …}`). The first decay comes `after` that, further ones each `every`.
- Decay by points ends at the floor (which it needs), decay by a factor at 0 (below 0.01 it is 0), or at a floor above it. Then there
  is no timer. A score outside floor and ceiling, from before they were set, comes within them at its next change.
- Whoever was idle already when decay was set loses nothing for the time before: the first period that ends afterwards counts.
- The timer is `Profile.turns[SCORE]`, kept lazily: never later than the true instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from wend.core.aggregate import MAX_TIMES, Leaf
from wend.core.attributes import MAX_SCORE, adjust_score
from wend.core.condition.base import Condition, View
from wend.core.condition.form import COUNTED
from wend.core.condition.numbers import is_number
from wend.core.condition.syntax import parse as parse_condition
from wend.core.duration import HOUR, parse_duration
from wend.core.inputs import Event, Feedback
from wend.core.problems import Problem, join, nearest, shown
from wend.core.profile import Profile
from wend.core.segment import SCORE
from wend.core.zone import start_of_day, to_local, zone_of

MAX_WEIGHTS = 200
STATES = ("delivered", "opened", "clicked", "replied", "unsubscribed", "complained", "bounced")
"""What can become of a message and may have a weight."""
_KEYS = ("weights", "messages", "decay", "floor", "ceiling")
_WEIGHT = ("points", "where", "per_day")
_DECAY = ("after", "every", "points", "factor")
_LEAST = 0.01
_DAY = 26 * HOUR
"""Longer than any local day."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What one event is worth. `per_day` 0: as often as it happens."""

    points: float
    where: Condition | None = None
    per_day: int = 0
    leaf: Leaf | None = None
    """What must be remembered to know how often it happened today."""


@dataclass(frozen=True, slots=True)
class Decay:
    """What is lost while idle: `points` taken away, or the score multiplied by `factor`. `after` and `every` in ms."""

    after: int
    every: int
    points: float = 0
    factor: float | None = None


@dataclass(frozen=True, slots=True)
class Engagement:
    """The setting, ready to be applied."""

    weights: dict[str, tuple[Weight, ...]] = field(default_factory=dict)
    messages: dict[str, float] = field(default_factory=dict)
    decay: Decay | None = None
    floor: float = -MAX_SCORE
    ceiling: float = MAX_SCORE

    def leaves(self) -> list[Leaf]:
        """What must be remembered of events."""
        return [one.leaf for weights in self.weights.values() for one in weights if one.leaf is not None]

    def decayed(self, score: float) -> float:
        """The score after one more period of doing nothing; the same score: it rests there."""
        decay = self.decay
        if decay is None:
            return score
        if decay.factor is None:
            return score if score <= self.floor else round(max(score - decay.points, self.floor), 6)
        less = score * decay.factor
        return round(min(max(0.0 if abs(less) < _LEAST else less, self.floor), self.ceiling), 6)


def limits(settings: Mapping[str, Any]) -> tuple[float, float]:
    """Floor and ceiling of the score, by the settings in force."""
    found: Mapping[str, Any] = settings.get("engagement") or {}
    return found.get("floor", -MAX_SCORE), found.get("ceiling", MAX_SCORE)


def hear_event(rules: Engagement, event: Event, view: View, lateness: int) -> tuple[float, float] | None:
    """Score an event that was just remembered; (old, new), or None when nothing changed."""
    if event.imported or event.about or view.now - event.at > lateness:
        return None
    points = 0.0
    for weight in rules.weights.get(event.name, ()):
        if weight.where is not None and not weight.where.check(view).value:
            continue
        if weight.leaf is not None and not 0 < _times_today(weight.leaf, event.at, view) <= weight.per_day:
            continue
        points += weight.points
    return _adjust(rules, view.profile, points)


def hear_feedback(rules: Engagement, feedback: Feedback, profile: Profile) -> tuple[float, float] | None:
    """Score what became of a message; (old, new), or None when nothing changed."""
    return None if feedback.machine else _adjust(rules, profile, rules.messages.get(feedback.state, 0))


def _adjust(rules: Engagement, profile: Profile, points: float) -> tuple[float, float] | None:
    if not points:
        return None
    old, new = adjust_score(profile, points, rules.floor, rules.ceiling)
    return None if old == new else (old, new)


def _times_today(leaf: Leaf, at: int, view: View) -> int:
    """How often it happened on this local day, this time (at `at`) included; 0: this time was on a day before."""
    zone = zone_of(view.profile.attributes, view.zone)
    begin = start_of_day(to_local(view.now, zone).date(), zone)
    return 0 if at < begin else sum(1 for one in view.profile.windows.get(leaf.id, ()) if one >= begin)


# --- the timer ---


def timing(rules: Engagement | None) -> tuple[Decay, float] | None:
    """What the timer depends on; None: there is none."""
    return None if rules is None or rules.decay is None else (rules.decay, rules.floor)


def schedule(rules: Engagement | None, profile: Profile, now: int) -> None:
    """See that the timer is set where the score may decay, not later than it does; without a rule there is none."""
    turns = profile.turns
    if rules is None or rules.decay is None:
        turns.pop(SCORE, None)
        return
    decay, seen = rules.decay, profile.facts.last_seen
    turn = turns.get(SCORE)
    if turn is None:
        if rules.decayed(profile.score) != profile.score:
            first = (seen or now) + decay.after
            turns[SCORE] = first if first > now else first + ((now - first) // decay.every + 1) * decay.every
    elif seen and now < seen + decay.after < turn:
        turns[SCORE] = seen + decay.after


def fall_due(rules: Engagement | None, profile: Profile, now: int) -> tuple[float, float] | None:
    """The timer's instant has come: (old, new) when the score decays. Sets the timer anew, or takes it away at rest."""
    del profile.turns[SCORE]
    if rules is None or rules.decay is None:
        return None
    due = profile.facts.last_seen + rules.decay.after
    if due > now:
        profile.turns[SCORE] = due
        return None
    old = profile.score
    profile.score = rules.decayed(old)
    if rules.decayed(profile.score) != profile.score:
        profile.turns[SCORE] = now + rules.decay.every
    return None if old == profile.score else (old, profile.score)


# --- from the document ---


def parse(raw: Any, where: str, problems: list[Problem]) -> Engagement | None:
    """The setting `engagement` (None: the score is off); faults are added to `problems`."""
    if raw is None:
        return None
    found = _mapping(raw, where, _KEYS, "expected {weights: {event name: points}, …}", problems)
    weights: dict[str, tuple[Weight, ...]] = {}
    given = _mapping(found.get("weights", {}), join(where, "weights"), None, "expected {event name: points}", problems)
    if len(given) > MAX_WEIGHTS:
        problems.append(
            Problem(join(where, "weights"), f"at most {MAX_WEIGHTS} events have weights, found {len(given)}")
        )
    for name, one in given.items():
        here = f"{where}.weights.{name}"
        several = cast("list[Any]", one) if isinstance(one, list) else [one]
        weights[name] = tuple(_weight(name, each, here, problems) for each in several)
    here = join(where, "messages")
    messages = _mapping(
        found.get("messages", {}), here, STATES, f"expected {{opened: 1}} ({', '.join(STATES)})", problems
    )
    points = {state: _number(messages[state], join(here, state), problems) for state in messages}
    floor = _number(found.get("floor", -MAX_SCORE), join(where, "floor"), problems)
    ceiling = _number(found.get("ceiling", MAX_SCORE), join(where, "ceiling"), problems)
    if floor >= ceiling:
        problems.append(Problem(join(where, "floor"), f"must be below the ceiling, found {floor:g} and {ceiling:g}"))
    decay = None
    if found.get("decay") is not None:
        decay = _decay(found["decay"], join(where, "decay"), problems)
        if decay.factor is None and "floor" not in found:
            problems.append(Problem(join(where, "floor"), "decay by points needs a floor, where it ends"))
    return Engagement(weights, points, decay, floor, ceiling)


def _weight(name: str, raw: Any, where: str, problems: list[Problem]) -> Weight:
    if is_number(raw):
        raw = {"points": raw}
    found = _mapping(raw, where, _WEIGHT, "expected points, or {points: 10, where: …, per_day: 3}", problems)
    points = _number(found.get("points"), join(where, "points"), problems)
    condition = None
    if found.get("where") is not None:
        inside = frozenset({COUNTED})
        condition = parse_condition(found["where"], join(where, "where"), problems, inside=inside)
    times: Any = found.get("per_day", 0)
    if not isinstance(times, int) or isinstance(times, bool) or not 0 <= times < MAX_TIMES:
        problems.append(
            Problem(join(where, "per_day"), f"expected a whole number up to {MAX_TIMES - 1}, found {shown(times)}")
        )
        times = 0
    leaf = Leaf(frozenset({name}), condition, window=_DAY, k=times + 1) if times else None
    return Weight(points, condition, times, leaf)


def _decay(raw: Any, where: str, problems: list[Problem]) -> Decay:
    found = _mapping(raw, where, _DECAY, "expected {after: 7d, every: 7d, points: 5}", problems)
    after = _length(found.get("after"), join(where, "after"), problems)
    every = _length(found.get("every", found.get("after")), join(where, "every"), problems)
    if ("points" in found) == ("factor" in found):
        problems.append(Problem(where, "give either 'points' (to take away) or 'factor' (to multiply by)"))
    points = _number(found.get("points", 1), join(where, "points"), problems)
    if points <= 0:
        problems.append(Problem(join(where, "points"), f"expected points to take away, more than 0, found {points:g}"))
    if "factor" not in found:
        return Decay(after, every, points)
    factor = _number(found["factor"], join(where, "factor"), problems)
    if not 0 <= factor < 1:
        problems.append(Problem(join(where, "factor"), f"expected a number from 0 to below 1, found {factor:g}"))
    return Decay(after, every, 0, factor)


def _mapping(
    raw: Any, where: str, allowed: tuple[str, ...] | None, wish: str, problems: list[Problem]
) -> dict[str, Any]:
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"{wish}, found {shown(raw)}"))
        return {}
    found = cast("dict[str, Any]", raw)
    for name in found if allowed else ():
        if name not in (allowed or ()):
            hint = f"{nearest(name, allowed or ())} (allowed: {', '.join(allowed or ())})"
            problems.append(Problem(join(where, name), f"'{name}' is not allowed here{hint}"))
    return found


def _number(raw: Any, where: str, problems: list[Problem]) -> float:
    if is_number(raw) and abs(raw) <= MAX_SCORE:
        return raw
    problems.append(Problem(where, f"expected a number, found {shown(raw)}"))
    return 0


def _length(raw: Any, where: str, problems: list[Problem]) -> int:
    try:
        ms = parse_duration(raw)
    except ValueError as wrong:
        problems.append(Problem(where, str(wrong)))
        return HOUR
    if ms < HOUR:
        problems.append(Problem(where, f"expected an hour or more, found {shown(raw)}"))
        return HOUR
    return ms
