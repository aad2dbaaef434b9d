"""`{compare: [A, lt, {B, times: 0.5}]}`: one measure against another, for example log-ins of the last 15 days against the 15
before. A and B are measures (`{event: Signed In, within: 15d}`, `{event: …, sum: total, …}`) or numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from wend.core.aggregate import MAX_KEYS, Leaf
from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import Form, Reader
from wend.core.condition.measure import SETTINGS, Constant, Measure, Series, follow, read_measure, read_source
from wend.core.condition.numbers import is_number
from wend.core.problems import join, nearest, shown

_RELATE: dict[str, Callable[[float, float], bool]] = {
    "is": operator.eq, "is_not": operator.ne, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
}  # fmt: skip
RELATIONS = tuple(_RELATE)


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Form):
    """Two sides and how they relate. A side without value (the average of nothing) makes it false."""

    left: Measure | float
    relation: str
    right: Measure | float

    def check(self, view: View) -> Verdict:
        relate, now = _RELATE[self.relation], view.now
        left, right = _open(self.left, view), _open(self.right, view)

        def truth(instant: int) -> bool:
            a, b = left.at(instant), right.at(instant)
            return a is not None and b is not None and relate(a, b)

        return follow(now, truth, left.changes(now) + right.changes(now))

    def leaves(self) -> Iterator[Leaf]:
        for side in (self.left, self.right):
            if isinstance(side, Measure):
                yield side.leaf

    def listens(self) -> Listens:
        events: frozenset[str] = frozenset()
        for leaf in self.leaves():
            events |= leaf.events
        return Listens(events=events)


def _open(side: Measure | float, view: View) -> Series | Constant:
    return side.series(view) if isinstance(side, Measure) else Constant(side)


def parse_compare(reader: Reader) -> Condition | None:
    """`{compare: [A, relation, B]}`."""
    reader.only("compare")
    raw = reader.raw["compare"]
    parts = cast("list[Any]", raw) if isinstance(raw, list) else []
    if len(parts) != 3:
        reader.fault("compare", f"expected [one measure, {' | '.join(RELATIONS)}, another], found {shown(raw)}")
        return None
    left, relation, right = _side(reader, 0, parts[0]), parts[1], _side(reader, 2, parts[2])
    if not isinstance(relation, str) or relation not in RELATIONS:
        hint = nearest(relation, RELATIONS)
        reader.fault("compare.1", f"{shown(relation)} is no relation{hint} (allowed: {', '.join(RELATIONS)})")
        return None
    if left is None or right is None:
        return None
    if not isinstance(left, Measure) and not isinstance(right, Measure):
        reader.fault("compare", "two numbers are compared; at least one side must be an event's measure")
        return None
    return Compare(reader.raw, left, relation, right)


def _side(reader: Reader, index: int, raw: Any) -> Measure | float | None:
    if is_number(raw):
        return raw
    where = join(reader.where, f"compare.{index}")
    if not isinstance(raw, dict) or "event" not in raw:
        reader.fault(
            f"compare.{index}", f"expected a measure such as {{event: Signed In, within: 15d}}, found {shown(raw)}"
        )
        return None
    inner = Reader(cast("dict[str, Any]", raw), where, reader.errors, reader.inside, reader.depth, reader.parse)
    faults = len(reader.errors)
    inner.only(*SETTINGS, "times")
    times = inner.raw.get("times", 1)
    if not is_number(times):
        inner.fault("times", f"expected a number, found {shown(times)}")
        times = 1
    measure = read_measure(inner, read_source(inner), MAX_KEYS, times)
    return measure if len(reader.errors) == faults else None
