"""What is kept of events in a state, and its bounds (engine.md 16)."""

from typing import Any

import pytest
from tests.core.test_windows import START, condition

from wend.core.aggregate import MAX_BUCKETS, MAX_NUMBERS, Leaf, combine, is_folded, prune, remember, unite
from wend.core.condition.base import View
from wend.core.condition.measure import LOOK_AHEAD
from wend.core.profile import Profile


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
