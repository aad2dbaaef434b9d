"""`{event: A, then: {event: B, within: 2h}}` and `{event: A, then_not: {event: B, within: 2h}}`: what followed, or did not.

`then` may go on: A, then B, then C (`then: {event: B, then: {event: C}}`), the last of them may be a `then_not`. A window beside
the first event (`within`, `from`/`to`, `since`, `until`) is about that event; a `within` inside counts from the event before.
Following means later: not at the same millisecond, and before `within` is over. Some first event must have it so; `then_not` is
true of it from the instant at which its `within` is over, by mere passing of time (without one: at once, until B comes).

The bound (engine.md 16): of each event only the 32 latest that fit are looked at. What is forgotten never makes a sequence true:
the 33rd A back counts no more; neither does an A whose B lies behind 32 later ones, and with `then_not` an A that is older than
the 32 latest of B, as nobody knows any more what followed it. Give A a window in which nobody does either 32 times.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wend.core.aggregate import Leaf
from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, Form, Reader
from wend.core.condition.measure import Window, read_source

LATEST = 32
MAX_STEPS = 5
_WINDOW = ("where", "within", "from", "to", "since", "until")


@dataclass(frozen=True, slots=True)
class Next:
    """What must follow, or (`absent`) must not, in less than `within` ms."""

    leaf: Leaf
    within: int
    absent: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sequence(Form):
    """Some first event in the window was followed by what is asked."""

    window: Window
    first: Leaf
    steps: tuple[Next, ...]

    def check(self, view: View) -> Verdict:
        start = self.window.start(view)
        if start is None:
            return FALSE
        far, near = self.window.far, self.window.near
        spans: list[tuple[int, int]] = []
        for at, ready in self._fulfilled(view):
            begin, end = max(at + near, ready), min(at + far, FOREVER)
            if at > start and begin < end and end > view.now:
                spans.append((begin, end))
        return _within_spans(view.now, spans)

    def leaves(self) -> Iterator[Leaf]:
        yield self.first
        for step in self.steps:
            yield step.leaf

    def listens(self) -> Listens:
        return Listens(events=frozenset(name for leaf in self.leaves() for name in leaf.events))

    def _fulfilled(self, view: View) -> list[tuple[int, int]]:
        """(instant, from when on it holds) of each first event from which the sequence goes through; from the back."""
        found = [(at, at) for at in _latest(self.steps[-1].leaf, view)]
        for index in range(len(self.steps) - 1, -1, -1):
            step = self.steps[index]
            before = self.steps[index - 1].leaf if index else self.first
            ats = [at for at, _ in found]
            known = ats[0] if step.absent and len(ats) == LATEST else 0
            through: list[tuple[int, int]] = []
            for at in _latest(before, view):
                low = bisect_right(ats, at)
                high = bisect_left(ats, at + step.within)
                if step.absent:
                    if low >= high and at >= known:
                        through.append((at, at + step.within if step.within < FOREVER else at))
                elif low < high:
                    through.append((at, min(ready for _, ready in found[low:high])))
            found = through
        return found


def _latest(leaf: Leaf, view: View) -> list[int]:
    # Another condition may have more of the same events kept; the answer must not depend on it.
    return view.profile.windows.get(leaf.id, [])[-LATEST:]


def _within_spans(now: int, spans: Iterable[tuple[int, int]]) -> Verdict:
    """Whether now lies in one of the spans [begin, end), each of which ends after now; and when that changes."""
    value, change = False, FOREVER
    for begin, end in sorted(spans):
        if begin <= now:
            value, change = True, max(end, change) if value else end
        elif not value:
            return Verdict(False, begin)
        elif begin <= change:
            change = max(end, change)
    return Verdict(value, change)


def parse_sequence(reader: Reader) -> Condition | None:
    """`{event: A, …window, then | then_not: {event: B, where: …, within: 2h, then | then_not: …}}`."""
    faults = len(reader.errors)
    for key in reader.raw:
        if key not in ("event", "then", "then_not", *_WINDOW):
            way = "then" if "then" in reader.raw else "then_not"
            reader.fault(str(key), f"cannot be combined with '{way}'; allowed are {', '.join(_WINDOW)}")
    source = read_source(reader)
    steps: list[Next] = []
    here: Reader | None = reader
    while here is not None and ("then" in here.raw or "then_not" in here.raw):
        if len(steps) == MAX_STEPS:
            here.fault("", f"more than {MAX_STEPS} events that follow; that is the most allowed")
            break
        here = _read_next(here, source.window.far, steps)
    if len(reader.errors) > faults:
        return None
    return Sequence(reader.raw, source.window, source.leaf("times", "", LATEST), tuple(steps))


def _read_next(reader: Reader, far: int, steps: list[Next]) -> Reader | None:
    """Add what follows to `steps`; its reader, or None after a complaint about its shape."""
    absent = "then_not" in reader.raw
    way = "then_not" if absent else "then"
    if absent and "then" in reader.raw:
        reader.fault("then_not", "give either 'then' or 'then_not'; a 'then_not' may stand inside the 'then'")
    inner = reader.sub(way, "an event, such as {event: Order Completed, within: 2h}")
    if inner is None:
        return None
    if "not" in inner.raw:
        inner.fault("not", "to ask that something did not follow write then_not: {event: …, within: …}")
        return None
    inner.only("event", "where", "within", *(() if absent else ("then", "then_not")))
    source = read_source(inner)
    within = source.window.far
    if absent and far <= within < FOREVER:
        inner.fault("within", "must be shorter than the window of the first event, or it can never be over in time")
    steps.append(Next(Leaf(source.events, source.where, "times", "", far, LATEST), within, absent))
    return None if absent else inner
