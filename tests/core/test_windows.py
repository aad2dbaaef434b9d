"""Counted conditions are exact: held against brute force over the whole history, also in when they will change."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wend.core.aggregate import combine, remember, unite
from wend.core.condition.base import FOREVER, Condition, View
from wend.core.condition.syntax import parse
from wend.core.profile import Profile, Run

# Small numbers make ties and edges likely: a "second" is the unit of windows here.
SECOND = 1000
START = 1_795_000_000_000


@dataclass(frozen=True)
class Happened:
    """An event and the log time at which it was heard."""

    name: str
    at: int
    heard: int
    value: Any


def condition(raw: dict[str, Any], *inside: str) -> Condition:
    errors: list[Any] = []
    found = parse(raw, "c", errors, inside=frozenset(inside))
    assert found is not None, [str(error) for error in errors]
    return found


def person(history: list[Happened], what: Condition, run: Run | None = None) -> Profile:
    """The state after the history was heard, in the order it was heard."""
    profile = Profile(1, runs=[run] if run else [])
    leaves = combine(what.leaves()).values()
    for one in sorted(history, key=lambda one: one.heard):
        view = View(profile, one.heard, properties={"v": one.value}, context={})
        for leaf in leaves:
            if one.name in leaf.events or "*" in leaf.events:
                remember(profile.windows, leaf, one.at, view)
    return profile


histories = st.lists(
    st.builds(
        lambda name, at, late, value: Happened(name, START + at * 500, START + (at + late) * 500, value),
        st.sampled_from(["A", "B"]),
        st.integers(0, 40),
        st.sampled_from([0, 0, 0, 3, 30]),
        st.sampled_from([1, 2, 2.5, -1, "3", "x", None]),
    ),
    max_size=25,
)
windows = st.one_of(
    st.builds(lambda far: {"within": f"{far}s"}, st.integers(1, 12)),
    st.builds(lambda near, more: {"from": f"{near + more}s", "to": f"{near}s"}, st.integers(0, 5), st.integers(1, 9)),
    st.just({}),
    st.just({"since": "entry"}),
    st.builds(lambda far: {"since": "entry", "within": f"{far}s"}, st.integers(1, 12)),
)
counts = st.one_of(
    st.builds(lambda op, n: {op: n}, st.sampled_from(["is", "is_not", "gt", "gte", "lt", "lte"]), st.integers(0, 4)),
    st.builds(lambda a, b: {"between": [min(a, b), max(a, b)]}, st.integers(0, 4), st.integers(0, 4)),
    st.just({"gte": 1, "lt": 3}),
)
OPS: dict[str, Any] = {
    "is": lambda n, b: n == b,
    "is_not": lambda n, b: n != b,
    "gt": lambda n, b: n > b,
    "gte": lambda n, b: n >= b,
    "lt": lambda n, b: n < b,
    "lte": lambda n, b: n <= b,
    "between": lambda n, b: b[0] <= n <= b[1],
}


def holds(test: dict[str, Any], n: float | None) -> bool:
    return n is not None and all(OPS[op](n, bound) for op, bound in test.items() if op in OPS)


def number(value: Any) -> float | None:
    return 3.0 if value == "3" else value if isinstance(value, (int, float)) else None


def inside(raw: dict[str, Any], history: list[Happened], at: int, trigger: int) -> list[Happened]:
    """The plain meaning of the windows: a walk over everything that ever happened."""
    far = int(raw.get("within", raw.get("from", "0s"))[:-1]) * SECOND or 1 << 60
    near = int(raw.get("to", "0s")[:-1]) * SECOND
    since = trigger if raw.get("since") == "entry" else 0
    names = {raw["event"]} if raw["event"] != "*" else {"A", "B"}
    return [one for one in history if one.name in names and at - far < one.at <= at - near and one.at > since]


def brute(raw: dict[str, Any], history: list[Happened], at: int, trigger: int) -> bool:
    found = inside(raw, history, at, trigger)
    numbers = [n for n in (number(one.value) for one in found) if n is not None]
    if "sum" in raw:
        return holds(raw, sum(numbers))
    if "avg" in raw:
        return holds(raw, sum(numbers) / len(numbers) if numbers else None)
    if "min" in raw or "max" in raw:
        return holds(raw, (min if "min" in raw else max)(numbers, default=None))
    if "distinct" in raw:
        return holds(raw, len({json.dumps(one.value) for one in found if one.value is not None}))
    if "per" in raw:
        values = [json.dumps(one.value) for one in found if one.value is not None]
        return any(holds(raw["count"], values.count(value)) for value in set(values))
    return holds(raw.get("count", {"gte": 1}), len(found))


def agrees(raw: dict[str, Any], history: list[Happened], truth: Any, trigger: int) -> None:
    """The condition and `truth` agree now, and from now on until (and at) the instant at which it may change."""
    what = condition(raw, "journey")
    run = Run("r", "j", 1, "n", START, trigger)
    now = max((one.heard for one in history), default=START)
    profile = person(history, what, run)
    value, change = what.check(View(profile, now, run=run))
    assert value == truth(now)
    assert change > now
    # Everything happens on a grid of 500 ms, so the truth changes nowhere else.
    later = [now + step * 500 for step in range(1, 60)]
    assert change == next((at for at in later if truth(at) != value), FOREVER)
    kept = json.dumps(profile.windows)
    assert kept == json.dumps(json.loads(kept)), "what is kept is plain data"


@settings(deadline=None, max_examples=150)
@given(histories, windows, counts, st.sampled_from(["A", "*"]), st.integers(0, 20))
def test_a_count_and_its_next_change_are_exact(
    history: list[Happened], window: dict[str, str], count: dict[str, Any], name: str, trigger: int
):
    raw = {"event": name, "count": count, **window}
    agrees(raw, history, lambda at: brute(raw, history, at, START + trigger * 500), START + trigger * 500)


@settings(deadline=None, max_examples=150)
@given(
    histories,
    windows,
    st.sampled_from(["sum", "avg", "min", "max", "distinct"]),
    st.sampled_from([{"gt": 2}, {"gte": 3}, {"lt": 1}, {"lte": 0}, {"between": [1, 2]}, {"gt": 0, "lt": 4}]),
    st.integers(0, 20),
)
def test_a_measure_and_its_next_change_are_exact(
    history: list[Happened], window: dict[str, str], kind: str, test: dict[str, Any], trigger: int
):
    raw = {"event": "A", kind: "v", **test, **window}
    agrees(raw, history, lambda at: brute(raw, history, at, START + trigger * 500), START + trigger * 500)


@settings(deadline=None, max_examples=100)
@given(histories, windows, st.sampled_from([{"gte": 1}, {"gt": 2}, {"is": 2}, {"between": [2, 3]}]), st.integers(0, 20))
def test_a_count_per_value_and_its_next_change_are_exact(
    history: list[Happened], window: dict[str, str], count: dict[str, Any], trigger: int
):
    raw = {"event": "A", "count": count, "per": "v", **window}
    agrees(raw, history, lambda at: brute(raw, history, at, START + trigger * 500), START + trigger * 500)


@settings(deadline=None, max_examples=100)
@given(
    histories,
    windows,
    windows,
    st.sampled_from(["is", "is_not", "gt", "gte", "lt", "lte"]),
    st.sampled_from([1, 0.5, 2]),
    st.sampled_from(["count", "sum", "max"]),
    st.integers(0, 20),
)
def test_a_comparison_of_two_measures_and_its_next_change_are_exact(
    history: list[Happened], one: dict[str, str], two: dict[str, str], op: str, times: float, kind: str, trigger: int
):
    measured = {} if kind == "count" else {kind: "v"}
    left, right = {"event": "A", **one, **measured}, {"event": "B", **two, **measured}

    def measure(raw: dict[str, Any], at: int) -> float | None:
        found = inside(raw, history, at, START + trigger * 500)
        numbers = [n for n in (number(each.value) for each in found) if n is not None]
        return len(found) if kind == "count" else sum(numbers) if kind == "sum" else max(numbers, default=None)

    def truth(at: int) -> bool:
        a, b = measure(left, at), measure(right, at)
        return a is not None and b is not None and OPS[op](a, b * times)

    agrees({"compare": [left, op, {**right, "times": times}]}, history, truth, START + trigger * 500)


@settings(deadline=None)
@given(
    histories,
    histories,
    windows,
    st.sampled_from([{"count": {"gte": 3}}, {"sum": "v", "gt": 3}, {"distinct": "v", "gte": 2}]),
)
def test_two_people_who_become_one_have_the_history_of_both(
    mine: list[Happened], theirs: list[Happened], window: dict[str, str], test: dict[str, Any]
):
    raw = {"event": "A", **test, **window}
    what = condition(raw, "journey")
    run = Run("r", "j", 1, "n", START, START)
    now = max((one.heard for one in [*mine, *theirs]), default=START)
    one, other = person(mine, what), person(theirs, what)
    before = json.dumps(other.windows)
    united = Profile(1)
    for leaf in what.leaves():
        united.windows[leaf.id] = unite(leaf, one.windows.get(leaf.id, []), other.windows.get(leaf.id, []), now)
    assert json.dumps(other.windows) == before
    both = person([*mine, *theirs], what)
    assert what.check(View(united, now, run=run)) == what.check(View(both, now, run=run))


def test_events_of_one_instant_leave_the_window_together():
    raw = {"event": "A", "count": {"is": 1}, "within": "10s"}
    what = condition(raw)
    profile = person([Happened("A", START, START, 1)] * 2, what)
    assert what.check(View(profile, START)) == (False, FOREVER)
