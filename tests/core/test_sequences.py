"""Sequences: what followed and what did not, held against a walk over the whole history, also in when it will change."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wend.core.aggregate import MAX_TIMES, combine, remember
from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.sequence import LATEST, MAX_STEPS
from wend.core.condition.syntax import dump, parse
from wend.core.problems import Problem
from wend.core.profile import Profile, Run

SECOND = 1000
MINUTE = 60 * SECOND
START = 1_795_000_000_000
HALF = 500

Heard = tuple[str, int, int]
"""Name, when it happened, when it was heard."""


def condition(raw: dict[str, Any]) -> Condition:
    errors: list[Problem] = []
    found = parse(raw, "c", errors, inside=frozenset({"journey"}))
    assert found is not None, [str(error) for error in errors]
    return found


def person(what: Condition, history: list[Heard]) -> Profile:
    profile = Profile(1)
    for name, at, heard in sorted(history, key=lambda one: one[2]):
        for leaf in combine(what.leaves()).values():
            if name in leaf.events:
                remember(profile.windows, leaf, at, View(profile, heard, properties={"v": at % 3}, context={}))
    return profile


def check(raw: dict[str, Any], now: int, *history: tuple[str, int]) -> Verdict:
    """The verdict `now` seconds after the start, of events (name, seconds after the start)."""
    what = condition(raw)
    known = [(name, START + at * SECOND, START + at * SECOND) for name, at in history]
    value, change = what.check(View(person(what, known), START + now * SECOND))
    return Verdict(value, change if change == FOREVER else (change - START) // SECOND)


def test_b_must_follow_a_in_less_than_within():
    raw = {"event": "A", "then": {"event": "B", "within": "10s"}}
    assert check(raw, 5, ("A", 0)) == (False, FOREVER)
    assert check(raw, 9, ("A", 0), ("B", 9)) == (True, FOREVER)
    assert check(raw, 10, ("A", 0), ("B", 10)) == (False, FOREVER)
    assert check(raw, 9, ("B", 3), ("A", 4)) == (False, FOREVER)
    assert check(raw, 9, ("A", 4), ("B", 4)) == (False, FOREVER), "at the same instant is not after it"
    assert check(raw, 90, ("A", 0), ("A", 70), ("B", 75)) == (True, FOREVER)


def test_the_window_beside_the_first_event_is_about_that_event():
    raw = {"event": "A", "within": "60s", "then": {"event": "B"}}
    assert check(raw, 59, ("A", 0), ("B", 50)) == (True, 60)
    assert check(raw, 60, ("A", 0), ("B", 50)) == (False, FOREVER)
    raw = {"event": "A", "from": "60s", "to": "20s", "then": {"event": "B"}}
    assert check(raw, 19, ("A", 0), ("B", 5)) == (False, 20)
    assert check(raw, 20, ("A", 0), ("B", 5)) == (True, 60)
    raw = {"event": "A", "since": "2026-11-01", "until": "2026-12-01", "then": {"event": "B"}}
    assert check(raw, 5, ("A", 0), ("B", 5)).value is True
    assert check({**raw, "until": "2026-11-02"}, 5, ("A", 0), ("B", 5)).value is False


def test_a_without_b_becomes_true_by_mere_passing_of_time():
    raw = {"event": "A", "then_not": {"event": "B", "within": "2h"}}
    assert check(raw, 60, ("A", 0)) == (False, 7200)
    assert check(raw, 7200, ("A", 0)) == (True, FOREVER)
    assert check(raw, 7200, ("A", 0), ("B", 7199)) == (False, FOREVER)
    assert check(raw, 7200, ("A", 0), ("B", 7200)) == (True, FOREVER), "at a tie the timer goes first"
    assert check({**raw, "within": "1d"}, 7200, ("A", 0)) == (True, 86_400)
    assert check(raw, 7200, ("A", 0), ("B", 60), ("A", 7000)) == (False, 14_200)


def test_without_a_window_not_followed_means_not_until_now():
    raw = {"event": "A", "then_not": {"event": "B"}}
    assert check(raw, 5) == (False, FOREVER)
    assert check(raw, 5, ("A", 0)) == (True, FOREVER)
    assert check(raw, 5, ("A", 0), ("B", 3)) == (False, FOREVER)
    assert check(raw, 5, ("A", 0), ("B", 3), ("A", 4)) == (True, FOREVER)


def test_a_sequence_may_go_on_and_end_with_what_did_not_follow():
    abc = {"event": "A", "then": {"event": "B", "within": "10s", "then": {"event": "C", "within": "10s"}}}
    assert check(abc, 30, ("A", 0), ("B", 5), ("C", 12)) == (True, FOREVER)
    assert check(abc, 30, ("A", 0), ("C", 5), ("B", 6)) == (False, FOREVER)
    assert check(abc, 30, ("A", 0), ("B", 5), ("C", 16)) == (False, FOREVER)
    ab_not_c = {"event": "A", "then": {"event": "B", "then_not": {"event": "C", "within": "10s"}}}
    assert check(ab_not_c, 14, ("A", 0), ("B", 5)) == (False, 15)
    assert check(ab_not_c, 15, ("A", 0), ("B", 5)) == (True, FOREVER)
    assert check(ab_not_c, 15, ("A", 0), ("B", 5), ("C", 14)) == (False, FOREVER)


def test_true_spans_that_touch_are_one():
    raw = {"event": "A", "within": "10s", "then_not": {"event": "B", "within": "3s"}}
    assert check(raw, 5, ("A", 0), ("A", 7)) == (True, 17)
    assert check(raw, 5, ("A", 0), ("A", 8), ("A", 9)) == (True, 10)


def test_only_what_came_after_the_trigger_of_the_run_counts_since_entry():
    what = condition({"event": "A", "since": "entry", "then": {"event": "B"}})
    profile = person(what, [("A", START, START), ("B", START + 5, START + 5)])
    assert what.check(View(profile, START + 9)) == (False, FOREVER)
    early, late = (Run("r", "j", 1, "n", START, START + offset) for offset in (-1, 0))
    assert what.check(View(profile, START + 9, run=early)) == (True, FOREVER)
    assert what.check(View(profile, START + 9, run=late)) == (False, FOREVER)


def test_where_tells_events_apart_and_all_of_them_are_listened_to():
    raw = {
        "event": ["A", "X"],
        "where": {"property": "v", "is": 1},
        "then": {"event": "B", "where": {"property": "v", "is": 2}, "then_not": {"event": "C"}},
    }
    what = condition(raw)
    assert what.listens() == Listens(events=frozenset("AXBC"))
    assert [leaf.k for leaf in what.leaves()] == [LATEST] * 3
    assert dump(what) == raw
    assert condition(dump(what)) == what


@pytest.mark.parametrize("k", [LATEST, MAX_TIMES])
def test_only_the_32_latest_of_each_are_looked_at_whatever_else_is_kept(k: int):
    raw = {"event": "A", "then": {"event": "B", "within": "5s"}}
    what = condition({"any": [raw, {"event": "A", "count": {"gte": k - 1, "lt": 0}}]})
    history = [("A", START, START), ("B", START + 1, START + 1)]
    more = [("A", START + MINUTE + number, START + MINUTE + number) for number in range(LATEST - 1)]
    assert what.check(View(person(what, [*history, *more]), START + 2 * MINUTE)).value
    more.append(("A", START + MINUTE + 99, START + MINUTE + 99))
    assert not what.check(View(person(what, [*history, *more]), START + 2 * MINUTE)).value


def test_what_is_forgotten_never_makes_it_true_that_nothing_followed():
    raw = {"event": "A", "then_not": {"event": "B", "within": "10s"}}
    what = condition(raw)
    history = [("A", START, START), ("B", START + 1, START + 1)]
    later = [("B", START + MINUTE + number, START + MINUTE + number) for number in range(LATEST)]
    for count in (0, LATEST - 1, LATEST):
        profile = person(what, [*history, *later[:count]])
        assert not what.check(View(profile, START + 2 * MINUTE)).value, count
    alone = person(what, [history[0], *later[: LATEST - 1]])
    assert what.check(View(alone, START + 2 * MINUTE)).value
    assert not what.check(View(person(what, [history[0], *later]), START + 2 * MINUTE)).value
    assert what.check(
        View(person(what, [*later, ("A", START + MINUTE + 99, START + MINUTE + 99)]), START + 2 * MINUTE)
    ).value


# --- against a walk over everything that ever happened ---

histories = st.lists(
    st.builds(
        lambda name, at, late: (name, START + at * HALF, START + (at + late) * HALF),
        st.sampled_from(["A", "A", "B", "B", "C"]),
        st.integers(0, 40),
        st.sampled_from([0, 0, 0, 3, 30]),
    ),
    max_size=25,
)
outer = st.one_of(
    st.just({}),
    st.builds(lambda far: {"within": f"{far}s"}, st.integers(4, 14)),
    st.builds(lambda near, more: {"from": f"{near + more}s", "to": f"{near}s"}, st.integers(0, 5), st.integers(4, 9)),
    st.just({"since": "entry"}),
)
within = st.one_of(st.just({}), st.builds(lambda far: {"within": f"{far}s"}, st.integers(1, 3)))
steps = st.lists(st.tuples(st.sampled_from("ABC"), within), min_size=1, max_size=3)


def raw_of(window: dict[str, str], parts: list[tuple[str, dict[str, str]]], absent: bool) -> dict[str, Any]:
    raw: dict[str, Any] = {}
    for index in range(len(parts) - 1, -1, -1):
        name, limit = parts[index]
        way = "then_not" if absent and index == len(parts) - 1 else "then"
        raw = {way: {"event": name, **limit, **raw}}
    return {"event": "A", **window, **raw}


def follows(raw: dict[str, Any], at: int, now: int, history: list[Heard]) -> bool:
    """Whether what `raw` asks followed the event at `at`: the plain meaning."""
    step = raw.get("then") or raw.get("then_not")
    if step is None:
        return True
    limit = int(step["within"][:-1]) * SECOND if "within" in step else None
    later = [b for name, b, _ in history if name == step["event"] and b > at and (limit is None or b < at + limit)]
    if "then_not" in raw:
        return not later and (limit is None or now >= at + limit)
    return any(follows(step, b, now, history) for b in later)


def brute(raw: dict[str, Any], now: int, trigger: int, history: list[Heard]) -> bool:
    far = int(raw.get("within", raw.get("from", "0s"))[:-1]) * SECOND or 1 << 60
    near = int(raw.get("to", "0s")[:-1]) * SECOND
    after = trigger if raw.get("since") == "entry" else 0
    firsts = [at for name, at, _ in history if name == "A" and now - far < at <= now - near and at > after]
    return any(follows(raw, at, now, history) for at in firsts)


@settings(deadline=None, max_examples=400)
@given(histories, outer, steps, st.booleans(), st.integers(0, 20))
def test_a_sequence_and_its_next_change_are_exact(
    history: list[Heard],
    window: dict[str, str],
    parts: list[tuple[str, dict[str, str]]],
    absent: bool,
    trigger: int,
):
    raw = raw_of(window, parts, absent)
    what = condition(raw)
    assert what.dump() == raw
    trigger = START + trigger * HALF
    now = max((heard for *_, heard in history), default=START)
    view = View(person(what, history), now, run=Run("r", "j", 1, "n", START, trigger))
    value, change = what.check(view)
    assert value == brute(raw, now, trigger, history)
    # Everything happens on a grid of 500 ms, so the truth changes nowhere else.
    later = [now + step * HALF for step in range(1, 60)]
    assert change == next((at for at in later if brute(raw, at, trigger, history) != value), FOREVER)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"event": "A", "then": "B"}, "c.then: expected an event, such as"),
        ({"event": "A", "then": {"evnt": "B"}}, "c.then.evnt: a condition on 'event' has no setting 'evnt'; did you mean"),
        ({"event": "A", "then": {"not": {"event": "B"}}}, "c.then.not: to ask that something did not follow write then_not"),
        ({"event": "A", "then": {"event": "B", "within": 2}}, "c.then.within: 2 is not a duration"),
        ({"event": "A", "then": {"event": "B", "count": {"gte": 2}}}, "c.then.count: a condition on 'event' has no setting 'count'"),
        ({"event": "A", "then": {"event": "B", "from": "2h", "to": "1h"}}, "c.then.from: a condition on"),
        ({"event": "A", "then": {"event": "B"}, "then_not": {"event": "C"}}, "c.then_not: give either 'then' or 'then_not'"),
        ({"event": "A", "then_not": {"event": "B", "then": {"event": "C"}}}, "c.then_not.then: a condition on 'event' has no setting 'then'"),
        ({"event": "A", "count": {"gte": 2}, "then": {"event": "B"}}, "c.count: cannot be combined with 'then'; allowed are where, within"),
        ({"event": "A", "sum": "x", "then_not": {"event": "B"}}, "c.sum: cannot be combined with 'then_not'"),
        ({"event": "A", "within": "2h", "then_not": {"event": "B", "within": "2h"}}, "c.then_not.within: must be shorter than the window"),
        ({"event": "A", "then": {"event": "B", "then": {"event": "C", "where": {"tag": "x"}}}}, "c.then.then.where: 'tag' is not about"),
    ],
)  # fmt: skip
def test_faults_of_a_sequence_are_named_with_their_place(raw: dict[str, Any], fault: str):
    errors: list[Problem] = []
    assert parse(raw, "c", errors) is None
    assert any(str(error).startswith(fault) for error in errors), [str(error) for error in errors]


def test_a_sequence_has_a_bounded_length():
    raw: dict[str, Any] = {"event": "Z"}
    for _ in range(MAX_STEPS):
        raw = {"event": "A", "then": raw}
    assert condition(raw)
    errors: list[Problem] = []
    assert parse({"event": "A", "then": raw}, "c", errors) is None
    assert str(errors[0]) == f"c{'.then' * MAX_STEPS}: more than 5 events that follow; that is the most allowed"
