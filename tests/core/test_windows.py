"""Counted conditions are exact: held against brute force over the whole history, also in when they will change."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wend.core.aggregate import MAX_BUCKETS, MAX_NUMBERS, Leaf, combine, is_folded, prune, remember, unite
from wend.core.condition.base import FOREVER, Condition, View
from wend.core.condition.measure import LOOK_AHEAD
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


def leaf(raw: dict[str, Any]) -> Leaf:
    (found,) = condition(raw, "journey").leaves()
    return found


def heard(profile: Profile, leaf: Leaf, at: int, now: int = START, **properties: Any) -> bool:
    return remember(
        profile.windows, leaf, at, View(profile, now, properties=properties, context={"page": {"path": "/x"}})
    )


def test_the_same_question_has_the_same_id_whatever_its_window():
    one = leaf({"event": "A", "count": {"gte": 3}, "within": "30d", "where": {"property": "x", "gt": 1}})
    two = leaf({"event": ["A"], "count": {"lt": 9}, "where": {"gt": 1, "property": "x"}})
    assert one.id == two.id
    assert (
        len({one.id, leaf({"event": "A"}).id, leaf({"event": "A", "sum": "x", "gt": 1}).id, leaf({"event": "B"}).id})
        == 4
    )


def test_leaves_with_one_id_are_kept_for_all_that_ask():
    one = leaf({"event": "A", "count": {"gte": 3}, "within": "30d"})
    two = leaf({"event": "A", "count": {"gte": 9}, "within": "1d"})
    (both,) = combine([one, two]).values()
    assert (both.k, both.window) == (9, one.window)


def test_no_more_instants_are_kept_than_the_answer_needs():
    profile = Profile(1)
    asks = leaf({"event": "A", "count": {"is": 3}})
    for number in range(20):
        heard(profile, asks, START + number, START + 99)
    assert profile.windows[asks.id] == [START + 16, START + 17, START + 18, START + 19]
    assert not heard(profile, asks, START + 5, START + 99)


def test_what_has_left_the_window_is_not_kept():
    profile = Profile(1)
    asks = leaf({"event": "A", "count": {"gte": 3}, "within": "10s"})
    assert not heard(profile, asks, START - 10_000)
    assert asks.id not in profile.windows
    heard(profile, asks, START - 9_999)
    heard(profile, asks, START + 1, START + 1)
    assert profile.windows[asks.id] == [START + 1]


def test_an_event_from_the_future_counts_as_now():
    profile = Profile(1)
    asks = leaf({"event": "A"})
    heard(profile, asks, START + 10**9)
    assert profile.windows[asks.id] == [START]


def test_the_first_and_the_last_time_are_one_instant_each():
    profile = Profile(1)
    first = leaf({"event": "A", "first": {"before": {"ago": "1d"}}})
    last = leaf({"event": "A", "last": {"before": {"ago": "1d"}}})
    for at in (50, 10, 90, 20):
        heard(profile, first, START + at, START + 99)
        heard(profile, last, START + at, START + 99)
    assert profile.windows == {first.id: [START + 10], last.id: [START + 90]}


def test_fixed_dates_filter_when_the_event_is_heard_in_the_persons_zone():
    asks = leaf({"event": "A", "since": "2026-11-01", "until": "2026-12-01"})
    profile = Profile(1, {"timezone": "Europe/Berlin"})
    for at, counts in (
        (1_793_487_599_999, False),
        (1_793_487_600_000, True),
        (1_796_079_599_999, True),
        (1_796_079_600_000, False),
    ):
        assert heard(profile, asks, at, 1_900_000_000_000) is counts
    assert heard(profile, leaf({"event": "A", "since": "2026-11-01"}), 1_890_000_000_000, 1_900_000_000_000)


def test_only_events_that_fit_and_have_the_property_are_kept():
    profile = Profile(1)
    asks = leaf(
        {
            "event": "A",
            "sum": "total",
            "gt": 1,
            "where": {"all": [{"property": "kind", "is": "x"}, {"context": "page.path", "is": "/x"}]},
        }
    )
    assert not heard(profile, asks, START, total=5)
    assert not heard(profile, asks, START, kind="x")
    assert not heard(profile, asks, START, kind="x", total="many")
    assert heard(profile, asks, START, kind="x", total="5")
    assert profile.windows[asks.id] == [[START, 5.0]]


def test_values_are_told_apart_by_type_and_kept_short():
    profile = Profile(1)
    asks = leaf({"event": "A", "distinct": "v", "gte": 50})
    for value in (1, 1.0, "1", True, {"b": 1, "a": 2}, {"a": 2, "b": 1}, "x" * 5000, [1]):
        heard(profile, asks, START, v=value)
    assert not heard(profile, asks, START - 5, v=1)
    keys = {key for _, key in profile.windows[asks.id]}
    assert len(keys) == 6
    assert all(len(key) <= 24 for key in keys)
    in_context = leaf({"event": "A", "distinct": "context.page.path", "gte": 1})
    assert heard(profile, in_context, START)


@pytest.mark.parametrize("window", [{"within": "100d"}, {}])
def test_sums_stay_exact_beyond_200_values_and_bounded(window: dict[str, str]):
    profile = Profile(1)
    asks = leaf({"event": "A", "sum": "v", "gt": 1, **window})
    day = 86_400_000
    for number in range(900):
        heard(profile, asks, START + number * day // 9, START + 100 * day - 1, v=number)
    kept = profile.windows[asks.id]
    assert len(kept) <= MAX_NUMBERS + MAX_BUCKETS
    assert is_folded(kept)
    for kind, bound in (("sum", sum(range(900))), ("min", 0), ("max", 899), ("avg", 449.5)):
        raw = {"event": "A", kind: "v", "between": [bound, bound], **window}
        assert condition(raw).check(View(profile, START + 100 * day - 1)).value
    assert (
        condition({"compare": [{"event": "A", "sum": "v", **window}, "is", sum(range(900))]})
        .check(View(profile, START + 100 * day - 1))
        .value
    )
    late = leaf({"event": "A", "sum": "v", "gt": 1, **window})
    assert heard(profile, late, START + 1, START + 100 * day - 1, v=1)
    assert len(profile.windows[asks.id]) <= MAX_NUMBERS + MAX_BUCKETS


def test_counts_keep_bare_instants_until_something_is_folded():
    one, two = Profile(1), Profile(2)
    total = {"event": "A", "from": "1y", "to": "0s"}
    asks = leaf({"compare": [total, "is", 1]})
    for number in range(250):
        heard(one, asks, START + number, START + 999)
    for number in range(3):
        heard(two, asks, START + number, START + 999)
    few, many = two.windows[asks.id], one.windows[asks.id]
    assert few == [START, START + 1, START + 2]
    assert is_folded(many)
    for mine, theirs in ((few, many), (many, few)):
        both = Profile(3, windows={asks.id: unite(asks, mine, theirs, START + 999)})
        assert condition({"compare": [total, "is", 253]}).check(View(both, START + 999)).value


def test_of_very_many_changes_the_next_is_named_after_a_look_at_some():
    profile = Profile(1)
    raw = {"compare": [{"event": "A", "within": "1h"}, "gte", 1]}
    for number in range(LOOK_AHEAD + 5):
        heard(profile, leaf(raw), START + number, START + 999)
    assert condition(raw).check(View(profile, START + 999)) == (True, START + LOOK_AHEAD + 3_600_000)


def test_many_buckets_become_few():
    profile = Profile(1)
    asks = leaf({"event": "A", "sum": "v", "gt": 1})
    day = 86_400_000
    for number in range(500):
        heard(profile, asks, START + number * day, START + 500 * day, v=1)
    kept = profile.windows[asks.id]
    assert sum(len(entry) == 5 for entry in kept) == MAX_BUCKETS
    assert condition({"event": "A", "sum": "v", "between": [500, 500]}).check(View(profile, START + 500 * day)).value


def test_values_of_one_key_and_keys_in_all_are_bounded():
    profile = Profile(1)
    asks = leaf({"event": "A", "count": {"gte": 3}, "per": "v"})
    for number in range(10):
        heard(profile, asks, START + number, START + 999, v="same")
    assert [at for at, _ in profile.windows[asks.id]] == [START + 7, START + 8, START + 9]
    for number in range(300):
        heard(profile, asks, START + 10 + number, START + 999, v=number)
    assert len(profile.windows[asks.id]) == 200


def test_what_no_condition_reads_is_let_go():
    profile = Profile(1)
    keep = leaf({"event": "A", "within": "10s"})
    total = leaf({"event": "A", "sum": "v", "gt": 1, "within": "10s"})
    lost = leaf({"event": "B"})
    for one in (keep, total, lost):
        heard(profile, one, START, v=1)
    prune(profile.windows, combine([keep, total]), START + 9_999)
    assert set(profile.windows) == {keep.id, total.id}
    prune(profile.windows, combine([keep, total]), START + 10_000)
    assert profile.windows == {}
    assert not is_folded([START])
