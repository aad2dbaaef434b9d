"""`{event: Order Completed, count: {gte: 3}, within: 30d, where: …}`: what the person did, counted in exact windows.

Also `sum/avg/min/max/distinct: property` with a comparison, `per: property` (any one value of it fulfils the count), and
`first`/`last` with a comparison of their time. Without a comparison: at least once. With `then` or `then_not`: sequence.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from wend.core.aggregate import MAX_KEYS, Leaf
from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.built_in import every_moment, read_moments
from wend.core.condition.form import FALSE, TRUE, Form, Reader
from wend.core.condition.measure import (
    KINDS,
    SETTINGS,
    Measure,
    Source,
    Window,
    follow,
    read_measure,
    read_source,
)
from wend.core.condition.moments import MomentTest
from wend.core.condition.numbers import (
    ORDERED,
    Holds,
    NumberTest,
    compare,
    count_reader,
    number_reader,
    read_number_test,
    read_object,
)
from wend.core.condition.sequence import parse_sequence

_END = (FOREVER, 0, "")
ONCE = NumberTest(compare("gte", 1), (0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Counting(Form):
    """Base: conditions on one leaf."""

    leaf: Leaf

    def leaves(self) -> Iterator[Leaf]:
        yield self.leaf

    def listens(self) -> Listens:
        return Listens(events=self.leaf.events)


@dataclass(frozen=True, slots=True, eq=False)
class Count(Counting):
    """How often, in a window that ends now: the k latest instants are enough."""

    window: Window
    holds: Holds

    def check(self, view: View) -> Verdict:
        times = view.profile.windows.get(self.leaf.id, ())
        start = self.window.start(view)
        if start is None:
            return FALSE
        far = self.window.far
        holds = self.holds
        if far == FOREVER:
            return TRUE if holds(len(times) - bisect_right(times, start)) else FALSE
        first = bisect_right(times, max(start, view.now - far))
        left = len(times) - first
        value = holds(left)
        for index in range(first, len(times)):
            # Of several at one instant the last tells.
            left -= 1
            if left and times[index + 1] == times[index]:
                continue
            if holds(left) is not value:
                return Verdict(value, times[index] + far)
        return TRUE if value else FALSE


@dataclass(frozen=True, slots=True, eq=False)
class Measured(Counting):
    """A measure, compared with numbers."""

    measure: Measure
    holds: Holds

    def check(self, view: View) -> Verdict:
        series = self.measure.series(view)

        def truth(instant: int) -> bool:
            found = series.at(instant)
            return found is not None and self.holds(found)

        return follow(view.now, truth, series.changes(view.now))


@dataclass(frozen=True, slots=True, eq=False)
class CountPer(Counting):
    """Whether any one value of a property was counted so often."""

    measure: Measure
    holds: Holds

    def check(self, view: View) -> Verdict:
        series, holds = self.measure.series(view), self.holds
        low, high = series.between(view.now)
        ats, keys = series.ats, series.column
        counts = Counter(keys[low:high])
        value = any(map(holds, counts.values()))
        moves = [(at + series.near, 1, key) for at, key in zip(ats[high:], keys[high:], strict=True)]
        if series.far < FOREVER:
            moves += [(at + series.far, -1, key) for at, key in zip(ats[low:], keys[low:], strict=True)]
        for (at, by, key), (following, _, _) in pairwise([*sorted(moves), _END]):
            counts[key] += by
            # Of several at one instant the last tells.
            if at != following and any(map(holds, counts.values())) is not value:
                return Verdict(value, at)
        return TRUE if value else FALSE


@dataclass(frozen=True, slots=True, eq=False)
class When(Counting):
    """The time of the first or the latest such event."""

    tests: tuple[MomentTest, ...]

    def check(self, view: View) -> Verdict:
        times = view.profile.windows.get(self.leaf.id)
        if not times:
            return FALSE
        return every_moment(self.tests, times[-1], view)

    def listens(self) -> Listens:
        return Listens(events=self.leaf.events, attributes=frozenset({"timezone"}))


def parse_event(reader: Reader) -> Condition | None:
    """All shapes of the form."""
    if "then" in reader.raw or "then_not" in reader.raw:
        return parse_sequence(reader)
    faults = len(reader.errors)
    reader.only(*SETTINGS, "count", "per", "first", "last", "then", "then_not", *ORDERED)
    source = read_source(reader)
    form: Condition | None
    if "first" in reader.raw or "last" in reader.raw:
        form = _when(reader, source)
    elif any(kind in reader.raw for kind in KINDS):
        form = _measured(reader, source)
    else:
        form = _counted(reader, source)
    return form if len(reader.errors) == faults else None


def _counted(reader: Reader, source: Source) -> Condition:
    for key in ORDERED:
        if key in reader.raw:
            reader.fault(key, f"what is compared? Write count: {{{key}: …}}, or add 'sum: property'")
    test = (read_object(reader, "count", count_reader) or ONCE) if "count" in reader.raw else ONCE
    if "per" in reader.raw:
        if test.holds(0):
            reader.fault("per", "the count must ask for at least one, as values that never came are not known")
        property = reader.text("per", "the name or path of a property")
        k = test.k if source.window.near == 0 else MAX_KEYS
        leaf = source.leaf("keys", property, k)
        return CountPer(reader.raw, leaf, Measure(leaf, "distinct", source.window), test.holds)
    if source.window.near:
        measure = read_measure(reader, source, 0)
        return Measured(reader.raw, measure.leaf, measure, test.holds)
    return Count(reader.raw, source.leaf("times", "", test.k), source.window, test.holds)


def _measured(reader: Reader, source: Source) -> Condition:
    for key in ("count", "per"):
        if key in reader.raw:
            reader.fault(key, "cannot be combined with a sum, average, minimum, maximum or distinct count")
    distinct = "distinct" in reader.raw
    read = count_reader(reader) if distinct else number_reader(reader)
    test = read_number_test(reader, read, operators=ORDERED) or ONCE
    measure = read_measure(reader, source, test.k)
    return Measured(reader.raw, measure.leaf, measure, test.holds)


def _when(reader: Reader, source: Source) -> Condition:
    which = "first" if "first" in reader.raw else "last"
    for key in reader.raw:
        if key not in ("event", "where", which):
            reader.fault(key, f"cannot be combined with '{which}', which looks at all time")
    tests = read_moments(reader, which)
    leaf = source.leaf("first", "", 1) if which == "first" else source.leaf("times", "", 1)
    return When(reader.raw, leaf, tests or ())
