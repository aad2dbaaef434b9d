"""Comparisons with numbers: `{gte: 3}`, `{gt: 0, lt: 10}`, `{between: [1, 5]}`; several must all hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from wend.core.aggregate import MAX_TIMES
from wend.core.condition.form import Reader
from wend.core.problems import shown

Holds = Callable[[float], bool]

OPERATORS = ("is", "is_not", "gt", "gte", "lt", "lte", "between")
ORDERED = ("gt", "gte", "lt", "lte", "between")


@dataclass(frozen=True, slots=True)
class NumberTest:
    """`holds(n)`; `edges`: the numbers at which it may change (it is the same from one edge up to before the next, for
    whole numbers); `k`: whether n or k is given makes no difference when n ≥ k."""

    holds: Holds
    edges: tuple[int, ...]

    @property
    def k(self) -> int:
        return max(self.edges[-1], 1)


def is_number(value: Any) -> bool:
    """A JSON number: true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def compare(operator: str, bound: Any) -> Holds:
    """The comparison as a function of the number."""
    match operator:
        case "is":
            return lambda n: n == bound
        case "is_not":
            return lambda n: n != bound
        case "gt":
            return lambda n: n > bound
        case "gte":
            return lambda n: n >= bound
        case "lt":
            return lambda n: n < bound
        case "lte":
            return lambda n: n <= bound
        case _:
            low, high = bound
            return lambda n: low <= n <= high


def read_number_test(
    reader: Reader,
    read: Callable[[str, Any], Any],
    *,
    operators: tuple[str, ...] = OPERATORS,
) -> NumberTest | None:
    """The comparisons among the settings of `reader`; None after a complaint.

    `read(operator, raw)` gives the number meant (a whole number of ms for durations), or None after complaining.
    """
    tests: list[Holds] = []
    edges: set[int] = {0}
    faults = len(reader.errors)
    for operator in operators:
        if operator not in reader.raw:
            continue
        raw = reader.raw[operator]
        if operator == "between":
            pair = cast("list[Any]", raw) if isinstance(raw, list) else []
            bounds = [read(operator, one) for one in pair]
            if len(pair) != 2 or (None not in bounds and bounds[0] > bounds[1]):
                reader.fault(operator, f"expected [from, to] with from ≤ to, found {shown(raw)}")
            if len(reader.errors) > faults:
                continue
            edges |= {int(bounds[0]), int(bounds[1]) + 1}
            tests.append(compare(operator, bounds))
        else:
            bound = read(operator, raw)
            if bound is None:
                continue
            # From n on, or from after n on; for `is` both.
            edges |= {int(bound)} if operator in ("gte", "lt") else {int(bound), int(bound) + 1}
            tests.append(compare(operator, bound))
    if len(reader.errors) > faults:
        return None
    if not tests:
        reader.fault("", f"expected a comparison such as {{gte: 3}}: one or more of {', '.join(operators)}")
        return None
    return NumberTest(tests[0] if len(tests) == 1 else _every(tests), tuple(sorted(edges)))


def _every(tests: list[Holds]) -> Holds:
    return lambda n: all(test(n) for test in tests)


def number_reader(reader: Reader) -> Callable[[str, Any], Any]:
    """Reads any number."""

    def read(operator: str, raw: Any) -> float | None:
        if is_number(raw) and abs(raw) <= 1e15:
            return raw
        reader.fault(operator, f"expected a number, found {shown(raw)}")
        return None

    return read


def count_reader(reader: Reader) -> Callable[[str, Any], Any]:
    """Reads whole numbers from 0 to 100 (more are not kept of one person: engine.md 16)."""

    def read(operator: str, raw: Any) -> int | None:
        if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw < MAX_TIMES:
            return raw
        reader.fault(operator, f"expected a whole number from 0 to {MAX_TIMES - 1}, found {shown(raw)}")
        return None

    return read


def read_object(
    reader: Reader,
    key: str,
    reads: Callable[[Reader], Callable[[str, Any], Any]],
    operators: tuple[str, ...] = OPERATORS,
) -> NumberTest | None:
    """The comparison object under `key` (`count: {gte: 3}`); None after a complaint."""
    inner = reader.sub(key, "a comparison such as {gte: 3}")
    if inner is None:
        return None
    for name in inner.raw:
        if name not in operators:
            inner.fault(str(name), f"{shown(name)} is no comparison; one of {', '.join(operators)} is meant")
    return read_number_test(inner, reads(inner), operators=operators)
