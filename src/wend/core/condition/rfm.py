"""`{rfm: champions}` · `{rfm: [loyal, champions]}` · `{rfm: {r: {gte: 4}, f: …, m: …}}` · `{abc: a}`: classes of buyers.

Points for recency fall as time passes: the instant at which the answer changes by it is known exactly. Whoever never ordered is
in no class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader
from wend.core.condition.numbers import Holds, number_reader, read_object
from wend.core.problems import nearest, shown
from wend.core.rfm import ABC, CHANGED, CLASSES, READS, Points, thresholds

_POINTS = ("r", "f", "m")


@dataclass(frozen=True, slots=True, eq=False)
class Class(Form):
    """By class, or by points."""

    holds: Callable[[Points], bool]

    def check(self, view: View) -> Verdict:
        facts, limits, now = view.profile.facts, thresholds(view.settings), view.now
        points = limits.points(facts, now)
        if points is None:
            return FALSE
        value = self.holds(points)
        while (now := limits.next_change(facts, now)) < FOREVER:
            later = limits.points(facts, now)
            assert later is not None
            if self.holds(later) is not value:
                return Verdict(value, now)
        return Verdict(value)

    def listens(self) -> Listens:
        return Listens(facts=READS | {CHANGED})


@dataclass(frozen=True, slots=True, eq=False)
class Share(Form):
    """In A, B or C by revenue."""

    wanted: frozenset[str]

    def check(self, view: View) -> Verdict:
        return TRUE if thresholds(view.settings).share(view.profile.facts) in self.wanted else FALSE

    def listens(self) -> Listens:
        return Listens(facts=READS | {CHANGED})


def parse_rfm(reader: Reader) -> Condition | None:
    """A class, a list of classes, or comparisons of the points."""
    reader.only("rfm")
    if not isinstance(reader.raw["rfm"], dict):
        wanted = _names(reader, "rfm", CLASSES, "a class")
        return Class(reader.raw, lambda points: points.name in wanted) if wanted else None
    inner = reader.sub("rfm", "comparisons such as {r: {gte: 4}}")
    if inner is None:
        return None
    faults = len(reader.errors)
    for name in inner.raw:
        if name not in _POINTS:
            inner.fault(str(name), f"{shown(name)} has no points; there are r (recency), f (frequency), m (money)")
    tests: list[tuple[int, Holds]] = []
    for place, name in enumerate(_POINTS):
        test = read_object(inner, name, number_reader) if name in inner.raw else None
        if test is not None:
            tests.append((place, test.holds))
    if len(reader.errors) > faults:
        return None
    return Class(reader.raw, lambda points: all(holds(points[place]) for place, holds in tests))


def parse_abc(reader: Reader) -> Condition | None:
    """`{abc: a}` or `{abc: [a, b]}`."""
    reader.only("abc")
    wanted = _names(reader, "abc", ABC, "one of the three")
    return Share(reader.raw, wanted) if wanted else None


def _names(reader: Reader, key: str, allowed: tuple[str, ...], what: str) -> frozenset[str]:
    raw: Any = reader.raw[key]
    names = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    wrong = [name for name in names if name not in allowed]
    if wrong or not names:
        found: object = wrong[0] if wrong else names
        reader.fault(key, f"{shown(found)} is not {what}{nearest(found, allowed)} (allowed: {', '.join(allowed)})")
        return frozenset()
    return frozenset(names)
