"""A measure: one number worked out of remembered events, now and at later instants. Used by `event` and `compare`.

Window (now − far, now − near]; `since: entry` only counts what came after the run's trigger. Measures know the instants at
which their value may change, so the truth of a comparison is followed exactly until it flips.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import fsum
from typing import Any, cast

from wend.core.aggregate import MAX_KEYS, Keep, Leaf
from wend.core.condition.base import FOREVER, Condition, Verdict, View
from wend.core.condition.form import COUNTED, JOURNEY, Reader
from wend.core.problems import shown
from wend.core.zone import parse_instant

KINDS = ("sum", "avg", "min", "max", "distinct")
"""What is measured; 'count' when none of them is given."""
LOOK_AHEAD = 50
"""So many changes are looked at before it is left at "not before the next one": to wake once in vain costs less than to look at
hundreds at each event."""
SETTINGS = ("event", "where", "within", "from", "to", "since", "until", *KINDS)


@dataclass(frozen=True, slots=True)
class Window:
    """(now − far, now − near], and with `entry` only after the run's trigger."""

    far: int = FOREVER
    near: int = 0
    entry: bool = False

    def start(self, view: View) -> int | None:
        """What counts is later than this instant; None: there is no run, so nothing counts."""
        if not self.entry:
            return 0
        return None if view.run is None else view.run.trigger_at


@dataclass(frozen=True, slots=True)
class Source:
    """Which events, in which window."""

    events: frozenset[str]
    where: Condition | None
    window: Window
    since: str
    until: str

    def leaf(self, keep: Keep, property: str, k: int) -> Leaf:
        """What must be remembered."""
        return Leaf(self.events, self.where, keep, property, self.window.far, k, self.since, self.until)


def read_source(reader: Reader) -> Source:
    """The events and the window among the settings of `reader`; complaints go to its errors."""
    raw: Any = reader.raw.get("event")
    names = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    if not names or not all(isinstance(name, str) and 0 < len(name) <= 200 for name in names):
        reader.fault("event", f"expected the name of an event or a list of names, found {shown(raw)}")
        names = []
    if "*" in names:
        names = ["*"]
    where = reader.condition("where", frozenset({COUNTED})) if "where" in reader.raw else None
    if "from" in reader.raw or "to" in reader.raw:
        far, near = reader.duration("from"), reader.duration("to", zero=True)
        if "within" in reader.raw:
            reader.fault("within", "give either 'within', or 'from' and 'to'")
        elif far == FOREVER or near == FOREVER:
            reader.fault("from", "give both: from: 30d, to: 15d (both ago)")
        elif far <= near:
            reader.fault("from", "must be longer ago than 'to'")
        window = Window(far, near)
    else:
        window = Window(reader.duration("within"))
    since, until = (_date(reader, key) for key in ("since", "until"))
    if since == "entry":
        if JOURNEY not in reader.inside:
            reader.fault("since", "'entry' means the start of a run, so it can only be used inside a journey")
        window, since = Window(window.far, window.near, True), ""
    return Source(frozenset(names), where, window, since, until)


def _date(reader: Reader, key: str) -> str:
    if key not in reader.raw:
        return ""
    raw = reader.raw[key]
    if isinstance(raw, str) and (parse_instant(raw) is not None or (key == "since" and raw == "entry")):
        return raw
    wish = "a date or 'entry'" if key == "since" else "a date"
    reader.fault(key, f"expected {wish}, found {shown(raw)}")
    return ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number over a window. `kind`: count, sum, avg, min, max or distinct."""

    leaf: Leaf
    kind: str
    window: Window
    times: float = 1

    def series(self, view: View) -> Series:
        """What is remembered, ready to be measured at any instant from now on."""
        start = self.window.start(view)
        kept: list[Any] = [] if start is None else view.profile.windows.get(self.leaf.id, [])
        return Series(self, kept, start)


class Series:
    """The remembered entries of a measure, oldest first."""

    __slots__ = ("ats", "column", "far", "kind", "near", "reduce", "times", "weights")

    def __init__(self, measure: Measure, kept: list[Any], after: int | None) -> None:
        """`after`: what is not later does not count."""
        self.kind, self.times = measure.kind, measure.times
        self.far, self.near = measure.window.far, measure.window.near
        bare = not kept or isinstance(kept[0], int)
        ats: list[int] = kept if bare else [entry[0] for entry in kept]
        if after:
            first = bisect_right(ats, after)
            ats, kept = ats[first:], kept[first:]
        self.ats = ats
        self.column: list[Any] = []
        self.weights: list[int] | None = None
        """How many each entry stands for; None: one."""
        if not bare:
            # A folded entry is [at, n, sum, min, max], a single one [at, value].
            index, self.reduce = _REDUCE[measure.kind]
            self.column = [entry[index] if len(entry) == 5 else entry[1] for entry in kept]
            if measure.kind in ("count", "avg"):
                self.weights = [entry[1] if len(entry) == 5 else 1 for entry in kept]

    def at(self, instant: int) -> float | None:
        """The measure at an instant; None when there is nothing to take an average, minimum or maximum of."""
        ats = self.ats
        low, high = bisect_right(ats, instant - self.far), bisect_right(ats, instant - self.near)
        if self.kind == "count":
            return (high - low if self.weights is None else sum(self.weights[low:high])) * self.times
        if low == high:
            return None if self.kind in ("avg", "min", "max") else 0
        found = self.reduce(self.column[low:high])
        if self.weights is not None:
            found /= sum(self.weights[low:high])
        return found * self.times

    def between(self, instant: int) -> tuple[int, int]:
        """The entries inside the window at an instant: [low, high)."""
        return bisect_right(self.ats, instant - self.far), bisect_right(self.ats, instant - self.near)

    def changes(self, now: int) -> list[int]:
        """The instants > now at which an entry enters or leaves the window."""
        ats, far, near = self.ats, self.far, self.near
        low, high = self.between(now)
        leaving = [at + far for at in ats[low:]] if far < FOREVER else []
        return leaving + [at + near for at in ats[high:]]


class Constant:
    """A number in the place of a series."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

    def at(self, instant: int) -> float | None:
        """Always the number."""
        return self.value

    def changes(self, now: int) -> list[int]:
        """None."""
        return []


def follow(now: int, truth: Callable[[int], bool], changes: Iterable[int]) -> Verdict:
    """The truth now, and the first of the instants `changes` at which it is another (of very many: one before it)."""
    value = truth(now)
    instants = sorted(set(changes))
    for at in instants[:LOOK_AHEAD]:
        if truth(at) is not value:
            return Verdict(value, at)
    return Verdict(value, instants[LOOK_AHEAD] if len(instants) > LOOK_AHEAD else FOREVER)


def _distinct(keys: list[Any]) -> float:
    return len(set(keys))


_REDUCE: dict[str, tuple[int, Callable[[list[Any]], float]]] = {
    "count": (1, fsum),
    # fsum: the same whatever the order, so history worked out by other means agrees to the last digit.
    "sum": (2, fsum),
    "avg": (2, fsum),
    "min": (3, min),
    "max": (4, max),
    "distinct": (1, _distinct),
}
"""Kind → its place in a folded entry, and how several become one."""


def read_measure(reader: Reader, source: Source, k: int, times: float = 1) -> Measure:
    """The measure among the settings of `reader`; `k`: how many distinct values matter. Complaints go to its errors."""
    kinds = [kind for kind in KINDS if kind in reader.raw]
    if len(kinds) > 1:
        reader.fault(kinds[1], f"only one thing can be measured at once, and '{kinds[0]}' is given already")
    if not kinds:
        return Measure(source.leaf("numbers", "", 0), "count", source.window, times)
    kind = kinds[0]
    property = reader.text(kind, "the name or path of a property")
    if kind != "distinct":
        return Measure(source.leaf("numbers", property, 0), kind, source.window, times)
    # The latest of each key is enough for a window that ends now.
    keep: Keep = "distinct" if source.window.near == 0 else "keys"
    return Measure(source.leaf(keep, property, k if keep == "distinct" else MAX_KEYS), kind, source.window, times)
