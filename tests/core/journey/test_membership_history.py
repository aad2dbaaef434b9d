"""Membership at every instant equals the condition judged anew over the whole history (journeys.md rule 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.core.journey.belonging import VIP, is_in, story
from tests.core.journey.story import DAY, HOUR, shown

from wend.core.duration import parse_duration
from wend.core.inputs import Event, Identify

# --- against a naive reading of the whole history ---


@dataclass
class History:
    """All that happened: (told at, happened at, event, price), (told at, city)."""

    events: list[tuple[int, int, str, int]] = field(default_factory=list[tuple[int, int, str, int]])
    cities: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def holds(self, raw: dict[str, Any], now: int, segments: dict[str, dict[str, Any]]) -> bool:
        """The condition's truth at `now`, read off everything that was told up to now."""
        told = [one for one in self.events if one[0] <= now]
        match raw:
            case {"all": parts}:
                return all(self.holds(one, now, segments) for one in parts)
            case {"any": parts}:
                return any(self.holds(one, now, segments) for one in parts)
            case {"not": part}:
                return not self.holds(part, now, segments)
            case {"segment": id}:
                return self.holds(segments[id], now, segments)
            case {"attribute": _, "is": city}:
                return bool(self.cities) and [one for at, one in self.cities if at <= now][-1:] == [city]
            case {"inactive": length}:
                return bool(told) and now - max(at for _, at, _, _ in told) >= parse_duration(length)
            case {"event": name, "sum": _, "gt": limit, "within": length}:
                return (
                    sum(price for _, at, other, price in told if other == name and at > now - parse_duration(length))
                    > limit
                )
            case {"event": name, "count": test, "from": far, "to": near}:
                low, high = now - parse_duration(far), now - parse_duration(near)
                return _compared(sum(other == name and low < at <= high for _, at, other, _ in told), test)
            case {"event": name, "count": test, "within": length}:
                return _compared(
                    sum(other == name and at > now - parse_duration(length) for _, at, other, _ in told), test
                )
            case _:
                raise AssertionError(raw)


def _compared(n: int, test: dict[str, int]) -> bool:
    ((operator, limit),) = test.items()
    return {"gte": n >= limit, "lt": n < limit, "is": n == limit}[operator]


_NAMES = st.sampled_from(["A", "B"])
_LENGTHS = st.sampled_from(["1h", "2h", "1d"])
_TESTS = st.builds(lambda operator, n: {operator: n}, st.sampled_from(["gte", "lt", "is"]), st.integers(1, 3))
_LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda name, test, length: {"event": name, "count": test, "within": length}, _NAMES, _TESTS, _LENGTHS),
    st.builds(lambda name, test: {"event": name, "count": test, "from": "1d", "to": "1h"}, _NAMES, _TESTS),
    st.builds(
        lambda name, n, length: {"event": name, "sum": "price", "gt": n, "within": length},
        _NAMES,
        st.integers(0, 9),
        _LENGTHS,
    ),
    st.builds(lambda length: {"inactive": length}, _LENGTHS),
    st.just(VIP),
)


def _trees(leaves: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
            inner.map(lambda one: {"not": one}),
        ),
        max_leaves=4,
    )


_HAPPENS = st.tuples(
    st.sampled_from([0, 1, HOUR - 1, HOUR, 2 * HOUR, DAY]),  # since the one before
    st.sampled_from(["A", "B", "Oslo", "Rome"]),
    st.integers(0, 9),
    st.sampled_from([0, 0, 1, HOUR, DAY]),  # how late it is told
)


@given(
    _trees(_LEAVES),
    _trees(_LEAVES | st.just({"segment": "one"})),
    st.lists(_HAPPENS, min_size=1, max_size=8),
)
def test_rule_4_membership_at_every_instant_is_the_truth_of_the_condition_over_the_whole_history(
    one: dict[str, Any], two: dict[str, Any], happens: list[tuple[int, str, int, int]]
) -> None:
    segments = {"one": one, "two": {"any": [two, {"segment": "one"}]}}
    person = story(**segments)
    history = History()
    person.tell(Identify({}, person.now))

    def compare(instant: int) -> None:
        person.until(instant)
        for id, raw in segments.items():
            assert is_in(person, id) is history.holds(raw, instant, segments), f"{id} at {shown(instant)}"

    def edges() -> list[int]:
        """Just before and at every instant at which an event may leave or enter a window."""
        found = {at + length + d for _, at, _, _ in history.events for length in (HOUR, 2 * HOUR, DAY) for d in (-1, 0)}
        return sorted(edge for edge in found if edge >= person.now)

    for gap, what, price, late in happens:
        at = person.now + gap
        for edge in [*(edge for edge in edges() if edge < at), at]:
            compare(edge)
        if what in ("Oslo", "Rome"):
            history.cities.append((at, what))
            person.identify(city=what)
        else:
            history.events.append((at, at - late, what, price))
            person.tell(Event(what, at - late, {"price": price}))
        compare(at)
    for edge in edges():
        compare(edge)
