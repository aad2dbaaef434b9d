"""Classes of buyers: points, table, exact instants at which recency falls, and settings that change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.journey.story import DAY, MONDAY, Story, journey, ms, shown

from wend.core.condition.base import FOREVER, View
from wend.core.condition.syntax import parse as parse_condition
from wend.core.plan import PlanChange
from wend.core.problems import Problem
from wend.core.profile import Facts, Profile
from wend.core.rfm import CLASSES, DEFAULT, TABLE, check, thresholds

NOW = ms("2026-06-01 00:00")


def condition(raw: dict[str, Any]) -> Any:
    problems: list[Problem] = []
    found = parse_condition(raw, "c", problems)
    assert found is not None and not problems, problems
    assert found.dump() == raw
    return found


def buyer(days: float, orders: int, revenue: float) -> Profile:
    return Profile(1, facts=Facts(orders=orders, revenue=revenue, last_order_at=round(NOW - days * DAY)))


def class_of(profile: Profile, settings: dict[str, Any] | None = None) -> str:
    points = thresholds(settings or {}).points(profile.facts, NOW)
    return points.name if points else ""


def test_every_cell_of_the_table_is_a_known_class_and_every_class_is_somewhere() -> None:
    assert all(len(row) == 5 for row in TABLE.values()) and set(TABLE) == {1, 2, 3, 4, 5}
    assert {name for row in TABLE.values() for name in row} == set(CLASSES)


@pytest.mark.parametrize(
    ("days", "orders", "revenue", "name"),
    [
        (1, 12, 5000, "champions"),
        (1, 1, 20, "new"),
        (40, 1, 20, "promising"),
        (40, 3, 100, "potential_loyalist"),
        (100, 4, 400, "loyal"),
        (100, 3, 120, "need_attention"),
        (100, 1, 60, "about_to_sleep"),
        (200, 1, 60, "hibernating"),
        (200, 9, 5000, "at_risk"),
        (400, 9, 5000, "cannot_lose"),
        (400, 1, 10, "lost"),
    ],
)
def test_classes_by_the_usual_thresholds(days: float, orders: int, revenue: float, name: str) -> None:
    assert class_of(buyer(days, orders, revenue)) == name


def test_whoever_never_ordered_is_in_no_class() -> None:
    view = View(Profile(1), NOW)
    wanted: list[dict[str, Any]] = [{"rfm": list(CLASSES)}, {"rfm": {"r": {"gte": 1}}}, {"abc": ["a", "b", "c"]}]
    for raw in wanted:
        assert condition(raw).check(view) == (False, FOREVER)


def test_the_first_instant_of_each_age_has_fewer_points() -> None:
    limits = thresholds({})
    facts = buyer(30, 1, 0).facts
    before, after = limits.points(facts, NOW - 1), limits.points(facts, NOW)
    assert before is not None and after is not None and (before.r, after.r) == (5, 4)
    assert limits.next_change(facts, NOW - 1) == NOW
    assert limits.next_change(facts, NOW) == facts.last_order_at + 90 * DAY
    assert limits.next_change(facts, NOW + 400 * DAY) == FOREVER


@given(
    days=st.floats(0, 500),
    orders=st.integers(1, 12),
    revenue=st.floats(0, 2000),
    wanted=st.one_of(
        st.sampled_from(CLASSES),
        st.lists(st.sampled_from(CLASSES), min_size=1, max_size=4, unique=True),
        st.fixed_dictionaries({"r": st.fixed_dictionaries({"lte": st.integers(1, 5)})}),
    ),
)
def test_a_class_changes_exactly_when_it_says(days: float, orders: int, revenue: float, wanted: Any) -> None:
    profile, asked = buyer(days, orders, revenue), condition({"rfm": wanted})
    verdict = asked.check(View(profile, NOW))
    end = min(verdict.may_change_at, NOW + 600 * DAY)
    assert verdict.may_change_at > NOW
    for at in (NOW + (end - NOW) // 3, end - 1):
        assert asked.check(View(profile, max(at, NOW))).value is verdict.value
    if verdict.may_change_at < FOREVER:
        assert asked.check(View(profile, verdict.may_change_at)).value is not verdict.value


def test_points_can_be_asked_for_one_by_one() -> None:
    view = View(buyer(40, 5, 20), NOW)
    assert condition({"rfm": {"r": {"is": 4}, "f": {"gte": 4}, "m": {"lt": 2}}}).check(view).value
    assert not condition({"rfm": {"r": {"is": 4}, "f": {"gte": 5}}}).check(view).value


def test_a_b_c_by_revenue() -> None:
    settings = {"rfm": {"abc": [500, 100]}}
    shares = [thresholds(settings).share(buyer(1, 1, revenue).facts) for revenue in (500, 499, 100, 99)]
    assert shares == ["a", "b", "b", "c"]
    assert condition({"abc": "a"}).check(View(buyer(1, 1, 1000), NOW)).value, "by the usual thresholds"
    assert condition({"abc": ["a", "b"]}).check(View(buyer(1, 1, 300), NOW)).value


def test_settings_may_give_some_thresholds_and_leave_the_others() -> None:
    assert class_of(buyer(20, 1, 20), {"rfm": {"recency": ["1d", "2d", "3d", "4d"]}}) == "lost"
    assert thresholds({"rfm": {"learned": True}}) == thresholds({})


def sleeper() -> dict[str, Any]:
    wait = {"wait_for_condition": {"condition": {"rfm": "promising"}, "timeout": "60d"}}
    return journey({"w": {**wait, "happened": "yes", "timed_out": "no"}, "yes": {"end": "yes"}, "no": {"end": "no"}})


def test_a_run_hears_at_the_instant_at_which_recency_falls() -> None:
    story = Story(sleeper())
    story.event("Order Completed", total=10)
    story.event("Go")
    story.until("2026-04-01 09:59")
    assert story.ends == []
    assert shown(story.wakes_at) == "2026-04-01 10:00"
    story.until("2026-04-01 10:00")
    assert story.ends == ["yes"]


def test_thresholds_that_nobody_reads_are_brought_to_nobody() -> None:
    story = Story()
    changed = {"rfm": {"money": [1, 2, 3, 4]}}
    story.plan = story.plan.apply(PlanChange(story.plan.number + 1, story.now, "settings", document=changed))
    assert not story.plan.concerns_everybody(story.plan.number)


def test_new_thresholds_are_heard_by_runs() -> None:
    story = Story(sleeper())
    story.event("Order Completed", total=10)
    story.event("Go")
    story.now = MONDAY + DAY
    changed = {"rfm": {"recency": ["1d", "90d", "180d", "365d"]}}
    story.plan = story.plan.apply(PlanChange(story.plan.number + 1, story.now, "settings", document=changed))
    story.tell(None)
    assert story.ends == ["yes"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"rfm": "champion"}, "c.rfm: 'champion' is not a class; did you mean 'champions'?"),
        ({"rfm": []}, "c.rfm: [] is not a class"),
        ({"rfm": ["loyal", 5]}, "c.rfm: 5 is not a class"),
        ({"rfm": {}}, "c.rfm: expected comparisons"),
        ({"rfm": {"x": {"gte": 4}}}, "c.rfm.x: 'x' has no points"),
        ({"rfm": {"r": {"at_least": 4}}}, "c.rfm.r.at_least: 'at_least' is no comparison"),
        ({"abc": "d"}, "c.abc: 'd' is not one of the three"),
    ],
)
def test_a_wrong_condition_is_told(raw: Any, said: str) -> None:
    problems: list[Problem] = []
    assert parse_condition(raw, "c", problems) is None
    assert str(problems[0]).startswith(said), problems


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (5, "rfm: expected {recency: […]"),
        ({"recncy": []}, "rfm.recncy: 'recncy' is not allowed here; did you mean 'recency'?"),
        ({"learned": "weekly"}, "rfm.learned: expected true or false, found 'weekly'"),
        ({"recency": ["1d"]}, "rfm.recency: expected 4 durations such as 30d, ascending"),
        ({"recency": ["1d", "2d", "3d", 4]}, "rfm.recency[3]: 4 is not a duration"),
        ({"money": [1, 2, 3, "x"]}, "rfm.money[3]: expected a number, found 'x'"),
        ({"frequency": [4, 3, 2, 1]}, "rfm.frequency: expected numbers, ascending"),
        ({"abc": [1, 2]}, "rfm.abc: expected numbers, descending: [from here on A, from here on B]"),
    ],
)
def test_wrong_settings_are_told(raw: Any, said: str) -> None:
    problems: list[Problem] = []
    check(raw, "rfm", problems)
    assert str(problems[0]).startswith(said), problems


def test_the_usual_thresholds_are_right() -> None:
    problems: list[Problem] = []
    check(DEFAULT, "rfm", problems)
    check(None, "rfm", problems)
    check({"learned": True, "money": [1, 2, 3, 4]}, "rfm", problems)
    assert problems == []


def test_segments_by_class_follow_orders_and_thresholds() -> None:
    for raw in ({"rfm": "new"}, {"abc": "a"}):
        assert condition(raw).listens().facts == {"last_order_at", "orders", "revenue", "rfm"}
