"""Which conditions SQL decides alone. What is left to the state even then are odd values: lists and objects counted as `distinct` or
`per` keys, payloads that PostgreSQL cannot read.
"""

from __future__ import annotations

from wend.core.aggregate import Leaf
from wend.core.condition.at_hand import Property
from wend.core.condition.attribute import Attribute
from wend.core.condition.base import Condition
from wend.core.condition.built_in import Inactive, NumberFact, TimeFact
from wend.core.condition.compare import Compare
from wend.core.condition.event import Count, CountPer, Measured, When
from wend.core.condition.groups import All, Any_, Not
from wend.core.condition.measure import Measure
from wend.core.condition.member import Member
from wend.core.condition.person import Sample
from wend.core.condition.sequence import Sequence
from wend.history.sql.dates import has_offset
from wend.history.sql.values import is_exact


def is_true_in_sql(condition: Condition) -> bool:
    """Whether SQL alone decides the condition, whoever is asked about."""
    match condition:
        case All(parts=parts) | Any_(parts=parts):
            return all(map(is_true_in_sql, parts))
        case Not(part=part):
            return is_true_in_sql(part)
        case Attribute(raw=raw) | Property(raw=raw):
            return is_exact(raw)
        case Count() | CountPer() | Sequence():
            return all(map(_leaf, condition.leaves()))
        case Measured(measure=measure):
            return _measure(measure)
        case Compare(left=left, right=right):
            return all(_measure(side) for side in (left, right) if isinstance(side, Measure))
        case When(raw=raw):
            return all(map(_leaf, condition.leaves())) and _moments(raw.get("first", raw.get("last")))
        case TimeFact(raw=raw, name=name):
            return _moments(raw[name])
        case NumberFact(name=name):
            return name == "orders"
        case _:
            return isinstance(condition, Inactive | Member | Sample)


def _measure(measure: Measure) -> bool:
    return measure.kind in ("count", "distinct", "min", "max") and _leaf(measure.leaf)


def _leaf(leaf: Leaf) -> bool:
    dates = [text for text in (leaf.since, leaf.until) if text]
    return all(map(has_offset, dates)) and (leaf.where is None or is_true_in_sql(leaf.where))


def _moments(raw: object) -> bool:
    bounds: list[object] = list(raw.values()) if isinstance(raw, dict) else []  # pyright: ignore[reportUnknownArgumentType]
    return all(not isinstance(bound, str) or has_offset(bound) for bound in bounds)
