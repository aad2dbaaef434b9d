"""engine.md 19: what a person's state would hold had a segment's condition been there from the beginning."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import DAY, HOUR, MONDAY

from wend.core.condition.member import key_of
from wend.core.condition.syntax import parse
from wend.core.inputs import Event
from wend.core.plan import Plan, PlanChange
from wend.core.profile import Profile
from wend.core.recall import events_of, judge_late, needs_properties, only_by_events, reaches_back, recall
from wend.core.segment import Segment

TWICE = {"event": "Bought", "count": {"gte": 2}, "within": "3d"}


def warming(condition: dict[str, Any]) -> tuple[Plan, Segment]:
    plan = Plan.empty().apply(PlanChange(1, MONDAY, "segment", "s", 1, {"id": "s", "condition": condition}))
    return plan, plan.warming["s"]


def bought(*ats: int, **properties: Any) -> list[tuple[int, Event]]:
    return [(at, Event("Bought", at, properties)) for at in ats]


def test_a_person_is_given_the_history_and_judged_silently() -> None:
    plan, segment = warming(TWICE)
    profile = Profile(1)
    recall(plan, profile, segment, bought(MONDAY, MONDAY + HOUR), 0)
    assert judge_late(plan, profile, segment, MONDAY + 2 * HOUR) == {"s@1": MONDAY + 2 * HOUR}
    assert profile.turns == {key_of("s@1"): MONDAY + 3 * DAY}


def test_what_was_kept_is_replaced_as_far_back_as_the_log_goes_and_stays_before_that() -> None:
    plan, segment = warming({"event": "Bought", "count": {"gte": 9}, "within": "90d"})
    (leaf,) = plan.leaf_of
    profile = Profile(1)
    # Of the log's oldest instant on only one is recorded; a late one, which is recorded too, was kept before.
    late = (MONDAY + DAY, Event("Bought", MONDAY - HOUR))
    profile.windows[leaf] = [MONDAY - DAY, MONDAY - HOUR, MONDAY, MONDAY + 1, MONDAY + 2]
    recall(plan, profile, segment, [*bought(MONDAY + 1), late], MONDAY)
    assert profile.windows[leaf] == [MONDAY - DAY, MONDAY - HOUR, MONDAY + 1]
    recall(plan, profile, segment, [], 0)
    assert leaf not in profile.windows


def test_business_events_are_no_deeds_and_events_are_never_later_than_they_were_told() -> None:
    plan, segment = warming(TWICE)
    (leaf,) = plan.leaf_of
    profile = Profile(1)
    heard = [(MONDAY, Event("Bought", MONDAY, about="p1")), (MONDAY, Event("Bought", MONDAY + DAY))]
    recall(plan, profile, segment, [*heard, (MONDAY, Event("Other", MONDAY))], 0)
    assert profile.windows[leaf] == [MONDAY]


def test_recent_facts_are_recalled_with_what_was_kept_of_older_days() -> None:
    plan, segment = warming({"recent": "viewed", "where": {"property": "category", "is": "Toys"}})
    assert events_of(segment) == {"Product Viewed", "Product List Viewed"}
    assert needs_properties(segment) and reaches_back(plan, segment, MONDAY) == 0
    profile = Profile(1)
    profile.facts.recent["viewed"] = [
        {"product_id": "new", "at": MONDAY + 5},
        {"product_id": "old", "at": MONDAY - 5},
    ]
    viewed = Event("Product Viewed", MONDAY + 1, {"product_id": "p", "category": "Toys"})
    recall(plan, profile, segment, [(MONDAY + 1, viewed)], MONDAY)
    assert [one["product_id"] for one in profile.facts.recent["viewed"]] == ["p", "old"]
    assert judge_late(plan, profile, segment, MONDAY + 9)
    nobody = Profile(2)
    recall(plan, nobody, segment, [], MONDAY)
    assert nobody.facts.recent == {}


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (TWICE, True),
        ({"event": "Bought", "count": {"lt": 2}}, False),
        ({"event": "Bought", "sum": "total", "gt": 5}, True),
        ({"event": "Bought", "sum": "total", "lt": 5}, False),
        ({"event": "Bought", "last": {"before": {"ago": "3d"}}}, True),
        ({"event": "Bought", "per": "id", "count": {"gte": 2}}, True),
        ({"compare": [{"event": "A"}, "gt", {"event": "B"}]}, True),
        ({"compare": [{"event": "A"}, "gte", {"event": "B"}]}, False),
        ({"not": TWICE}, False),
        ({"not": {"not": TWICE}}, False),
        ({"all": [{"tag": "x"}, TWICE]}, True),
        ({"all": [{"tag": "x"}, {"inactive": "3d"}]}, False),
        ({"any": [TWICE, {"event": "Other"}]}, True),
        ({"any": [TWICE, {"tag": "x"}]}, False),
        ({"inactive": "3d"}, False),
        ({"segment": "other"}, False),
        ({"attribute": "city", "is": "Oslo"}, False),
    ],
)
def test_only_people_who_did_it_may_match(condition: dict[str, Any], wanted: bool) -> None:
    problems: list[Any] = []
    parsed = parse(condition, "", problems)
    assert parsed is not None, problems
    assert only_by_events(parsed) is wanted


def test_what_is_needed_of_the_log() -> None:
    plan, segment = warming(TWICE)
    assert events_of(segment) == {"Bought"} and not needs_properties(segment)
    assert reaches_back(plan, segment, MONDAY) == MONDAY - 3 * DAY
    assert reaches_back(plan, segment, DAY) == 0
    plan, segment = warming({"event": "Bought", "where": {"property": "total", "gt": 5}})
    assert needs_properties(segment) and reaches_back(plan, segment, MONDAY) == 0
    plan, segment = warming({"event": "*", "distinct": "id", "gte": 2})
    assert events_of(segment) == {"*"} and needs_properties(segment)
    assert events_of(Segment("list")) == frozenset()
    plan, segment = warming({"tag": "x"})
    assert events_of(segment) == frozenset() and reaches_back(plan, segment, MONDAY) == 0
