"""Built-in facts: `{orders: {gte: 3}}`, `{revenue: …}`, `{sessions: …}`, `{score: …}`, `{last_order_at: {before: {ago: 90d}}}`,
`{first_seen: …}`, `{last_seen: …}`, and `{inactive: 30d}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader, during
from wend.core.condition.moments import OPERATORS as MOMENTS
from wend.core.condition.moments import MomentTest, read_moment_test
from wend.core.condition.numbers import Holds, number_reader, read_object

NUMBERS = {
    "orders": attrgetter("facts.orders"),
    "revenue": attrgetter("facts.revenue"),
    "sessions": attrgetter("facts.sessions"),
    "score": attrgetter("score"),
}
TIMES = ("first_seen", "last_seen", "last_order_at")


@dataclass(frozen=True, slots=True, eq=False)
class NumberFact(Form):
    """A comparison with a number that is always there."""

    name: str
    of: attrgetter[Any]
    holds: Holds

    def check(self, view: View) -> Verdict:
        return TRUE if self.holds(self.of(view.profile)) else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({self.name}))


@dataclass(frozen=True, slots=True, eq=False)
class TimeFact(Form):
    """A comparison with an instant; false while there is none."""

    name: str
    tests: tuple[MomentTest, ...]

    def check(self, view: View) -> Verdict:
        at: int = getattr(view.profile.facts, self.name)
        if not at:
            return FALSE
        return every_moment(self.tests, at, view)

    def listens(self) -> Listens:
        return Listens(attributes=frozenset({"timezone"}), facts=frozenset({self.name}))


def every_moment(tests: tuple[MomentTest, ...], at: int, view: View) -> Verdict:
    """Whether the instant passes all tests."""
    change = FOREVER
    for test in tests:
        verdict = test(at, at + 1, view)
        if not verdict.value:
            return verdict
        change = min(change, verdict.may_change_at)
    return Verdict(True, change)


@dataclass(frozen=True, slots=True, eq=False)
class Inactive(Form):
    """No event by the person for that long, and at least one before."""

    length: int

    def check(self, view: View) -> Verdict:
        seen = view.profile.facts.last_seen
        return during(view.now, seen + self.length, FOREVER) if seen else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"last_seen"}))


def parse_number_fact(reader: Reader) -> Condition | None:
    """`{orders: {gte: 3}}` and its like."""
    name = next(name for name in NUMBERS if name in reader.raw)
    reader.only(name)
    test = read_object(reader, name, number_reader)
    return None if test is None else NumberFact(reader.raw, name, NUMBERS[name], test.holds)


def parse_time_fact(reader: Reader) -> Condition | None:
    """`{last_order_at: {before: {ago: 90d}}}` and its like."""
    name = next(name for name in TIMES if name in reader.raw)
    reader.only(name)
    tests = read_moments(reader, name)
    return None if tests is None else TimeFact(reader.raw, name, tests)


def read_moments(reader: Reader, key: str) -> tuple[MomentTest, ...] | None:
    """The comparisons of an instant under `key`; None after a complaint."""
    inner = reader.sub(key, "a comparison of its time, such as {before: {ago: 30d}}")
    if inner is None:
        return None
    faults = len(reader.errors)
    for name in inner.raw:
        if name not in MOMENTS:
            inner.fault(str(name), f"'{name}' does not compare times; one of {', '.join(MOMENTS)} is meant")
    tests = read_moment_test(inner)
    return tuple(tests) if len(reader.errors) == faults else None


def parse_inactive(reader: Reader) -> Condition | None:
    """`{inactive: 30d}`."""
    reader.only("inactive")
    faults = len(reader.errors)
    length = reader.duration("inactive")
    return Inactive(reader.raw, length) if len(reader.errors) == faults else None
