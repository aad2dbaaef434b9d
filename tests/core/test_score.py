"""The built-in engagement score: points, daily limits, decay at exact instants, and what is said when the setting is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.journey.story import DAY, HOUR, MONDAY, Story, journey, ms, shown

from wend.core.inputs import Event, Feedback, MergeState
from wend.core.pack import pack
from wend.core.plan import PlanChange
from wend.core.problems import Problem
from wend.core.profile import Profile
from wend.core.react import react
from wend.core.score import Engagement, parse
from wend.core.segment import SCORE

RULES: dict[str, Any] = {
    "weights": {
        "Order Completed": 20,
        "Form Submitted": [{"points": 10, "where": {"property": "form", "is": "demo"}}, {"points": 1}],
        "Page Viewed": {"points": 2, "per_day": 3},
    },
    "messages": {"opened": 1, "clicked": 5, "unsubscribed": -30},
    "decay": {"after": "7d", "every": "2d", "points": 5},
    "floor": -20,
    "ceiling": 100,
}


def scored(engagement: dict[str, Any] | None = RULES, *documents: dict[str, Any], **more: Any) -> Story:
    return Story(*documents, settings=None if engagement is None else {"engagement": engagement}, **more)


def watched(above: float | None = None, below: float | None = None) -> dict[str, Any]:
    crossed = {"above": above} if above is not None else {"below": below}
    return journey({"over": {"end": "in"}}, on={"score_crossed": crossed})


def test_events_and_messages_give_points_and_a_crossing_is_heard() -> None:
    story = scored(RULES, watched(above=25))
    story.event("Order Completed")
    story.event("Something Else")
    assert (story.profile.score, story.ends) == (20, [])
    story.event("Form Submitted", form="demo")
    assert story.profile.score == 31
    assert len(story.ends) == 1, "from 20 to 31 crosses 25 once"
    story.event("Form Submitted", form="other")
    assert story.profile.score == 32


def test_the_score_stays_between_floor_and_ceiling_for_nodes_too() -> None:
    up = journey({"more": {"adjust_score": 500, "next": "less"}, "less": {"adjust_score": -300, "next": "over"}})
    story = scored(RULES, up)
    for _ in range(9):
        story.event("Order Completed")
    assert story.profile.score == 100
    story.event("Go")
    assert story.profile.score == -20, "first up to the ceiling, then down to the floor"


def test_without_the_setting_nothing_is_scored() -> None:
    story = scored(None)
    story.event("Order Completed")
    assert story.profile.score == 0 and SCORE not in story.profile.turns


def test_opens_count_once_they_are_heard_but_not_those_of_machines() -> None:
    story = scored()
    story.tell(Feedback("e.1", "opened", story.now, channel="email", machine=True))
    assert story.profile.score == 0
    story.tell(Feedback("e.1", "opened", story.now, channel="email"))
    story.tell(Feedback("e.1", "clicked", story.now, channel="email"))
    story.tell(Feedback("e.1", "delivered", story.now, channel="email"))
    assert story.profile.score == 6


def test_imports_business_events_and_events_that_come_too_late_give_nothing() -> None:
    story = scored()
    story.tell(Event("Order Completed", story.now, imported=True))
    story.tell(Event("Order Completed", story.now, about="sku-1"))
    story.tell(Event("Order Completed", story.now - 73 * HOUR))
    assert story.profile.score == 0
    story.tell(Event("Order Completed", story.now - 71 * HOUR))
    assert story.profile.score == 20


def test_only_the_first_of_a_local_day_count_where_a_weight_says_so() -> None:
    story = scored(timezone="America/New_York")
    for _ in range(5):
        story.event("Page Viewed")
    assert story.profile.score == 6
    story.until("2026-03-03 04:59")  # still Monday, 23:59
    story.event("Page Viewed")
    assert story.profile.score == 6
    story.until("2026-03-03 05:00")
    story.event("Page Viewed")
    story.event("Page Viewed", happened="2026-03-02 10:00")
    assert story.profile.score == 8, "a late one belongs to a day that is over"


def test_points_decay_at_exact_instants_and_the_timer_ends_at_the_floor() -> None:
    story = scored(RULES, watched(below=16))
    story.event("Order Completed")
    assert shown(story.wakes_at) == "2026-03-09 10:00"
    story.until("2026-03-09 09:59")
    assert story.profile.score == 20
    story.until("2026-03-09 10:00")
    assert story.profile.score == 15 and len(story.ends) == 1, "decay is a crossing like any other"
    assert shown(story.wakes_at) == "2026-03-11 10:00"
    story.until("2026-03-23 10:00")
    assert story.profile.score == -20
    assert story.wakes_at is None and SCORE not in story.profile.turns


def test_activity_puts_decay_off() -> None:
    story = scored()
    story.event("Order Completed")
    story.until("2026-03-08 10:00")
    story.event("Something Else")
    story.until("2026-03-15 09:59")
    assert story.profile.score == 20
    story.until("2026-03-15 10:00")
    assert story.profile.score == 15
    story.event("Something Else")
    story.until("2026-03-22 09:59")
    assert story.profile.score == 15, "the period that had begun does not go on"
    story.until("2026-03-22 10:00")
    assert story.profile.score == 10


def test_decay_may_begin_sooner_than_the_period_that_is_running() -> None:
    story = scored({**RULES, "decay": {"after": "1d", "every": "30d", "points": 5}})
    story.event("Order Completed")
    story.until("2026-03-03 10:00")
    assert story.profile.score == 15 and shown(story.wakes_at) == "2026-04-02 10:00"
    story.until("2026-03-05 12:00")
    story.event("Something Else")
    assert shown(story.wakes_at) == "2026-03-06 12:00"
    story.until("2026-03-06 12:00")
    assert story.profile.score == 10


def test_after_a_long_time_each_period_falls_at_its_own_instant_in_order() -> None:
    story = scored({**RULES, "floor": 0}, watched(below=9))
    story.event("Order Completed")
    story.now = ms("2027-03-02 10:00")  # nobody looked for a year
    story.event("Something Else")
    assert story.profile.score == 0
    assert [shown(step.at) for step in story.steps if step.kind == "started"] == ["2026-03-13 10:00"]


def test_a_factor_brings_the_score_to_zero_from_both_sides() -> None:
    rules = {"weights": {"Good": 10, "Bad": -10}, "decay": {"after": "1d", "factor": 0.1}}
    story = scored(rules)
    story.event("Good")
    story.until("2026-03-03 10:00")
    assert story.profile.score == 1
    story.until("2026-03-06 10:00")
    assert story.profile.score == 0 and story.wakes_at is None, "1, 0.1, 0.01, 0"
    story.event("Bad")
    story.until("2026-03-07 10:00")
    assert story.profile.score == -1
    up = scored({**rules, "floor": 4})
    up.event("Good")
    up.until("2026-03-08 10:00")
    assert up.profile.score == 4 and up.wakes_at is None


def test_what_cannot_change_the_score_any_more_is_not_heard() -> None:
    story = scored({**RULES, "weights": {"Good": 50, "Great": 60}}, watched(above=99))
    story.event("Good")
    story.event("Great")
    story.event("Great")
    assert story.profile.score == 100 and len(story.ends) == 1


def test_other_timers_leave_the_score_alone() -> None:
    idle = {"condition": {"inactive": "1d"}, "id": "idle"}
    story = scored()
    story.plan = story.plan.apply(PlanChange(story.plan.number + 1, story.now, "segment", "idle", 1, idle))
    story.event("Order Completed")
    story.until("2026-03-04 10:00")
    assert story.profile.score == 20 and story.profile.segments


def test_nodes_that_adjust_the_score_of_somebody_never_active_set_the_timer() -> None:
    story = scored(RULES, journey({"up": {"adjust_score": 10, "next": "over"}}, on="api"))
    story.start()
    assert shown(story.wakes_at) == "2026-03-09 10:00"
    story.until("2026-03-09 10:00")
    assert story.profile.score == 5


def change(story: Story, at: str, engagement: Any) -> None:
    document = {"engagement": engagement}
    story.plan = story.plan.apply(PlanChange(story.plan.number + 1, ms(at), "settings", document=document))


def test_setting_decay_later_takes_nothing_for_the_time_before_and_keeps_everybodys_own_hour() -> None:
    up = journey({"up": {"adjust_score": 50, "next": "over"}})
    story = scored(None, up)
    story.event("Go")
    change(story, "2026-06-01 00:00", RULES)
    story.now = ms("2026-06-01 00:00")
    story.tell(None)
    assert story.profile.score == 50
    # 2 March 10:00 and 7 days, and then every second day.
    assert shown(story.wakes_at) == "2026-06-01 10:00"
    story.until("2026-06-01 10:00")
    assert story.profile.score == 45


def test_only_what_idle_people_must_hear_of_is_brought_to_everybody() -> None:
    story = scored(RULES)
    change(story, "2026-03-04 00:00", {**RULES, "weights": {"Other": 1}})
    assert not story.plan.concerns_everybody(story.plan.number), "other weights wait for the next deed"
    change(story, "2026-03-05 00:00", {**RULES, "floor": 0})
    assert story.plan.concerns_everybody(story.plan.number)


def test_taking_decay_away_takes_the_timer_away() -> None:
    story = scored()
    story.event("Order Completed")
    change(story, "2026-03-04 00:00", {"weights": {"Order Completed": 1}})
    story.now = ms("2026-03-05 00:00")
    story.tell(None)
    assert story.wakes_at is None and story.profile.score == 20
    change(story, "2026-03-06 00:00", RULES)
    change(story, "2026-03-06 00:00", None)
    story.now = ms("2026-03-06 00:00")
    story.tell(None)
    assert story.wakes_at is None
    story.event("Order Completed")
    assert story.profile.score == 20


def test_what_was_due_before_decay_was_taken_away_is_let_go() -> None:
    story = scored()
    story.event("Order Completed")
    change(story, "2026-03-20 00:00", None)
    story.now = ms("2026-03-21 00:00")
    story.tell(None)
    assert story.wakes_at is None and story.profile.score == 20


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12 * 24), min_size=1, max_size=12), st.sampled_from(["1d", "5d", "7d", "9d"]))
def test_decay_equals_the_plain_account_of_it(hours: list[int], after: str) -> None:
    """Against a reading hour by hour: idle for `after`, then every 48 h."""
    rules = {"weights": {"Go": 7}, "decay": {"after": after, "every": "2d", "points": 3}, "floor": 0}
    story = scored(rules)
    idle = int(after[0]) * 24
    score, seen, next_decay, hour = 0.0, None, None, 0
    for at in sorted({sum(hours[: place + 1]) for place in range(len(hours))}):
        while hour <= at:
            if next_decay is not None and hour == next_decay:
                score = max(score - 3, 0)
                next_decay = hour + 48
            hour += 1
        score += 7
        seen, next_decay = at, at + idle
        story.now = MONDAY + at * HOUR
        story.event("Go")
        assert story.profile.score == score, (seen, at)


@given(st.floats(-1e6, 1e6, allow_nan=False), st.sampled_from([0, 0.5, 0.9, 0.99]), st.booleans())
def test_decay_comes_to_rest(score: float, factor: float, by_points: bool) -> None:
    decay = {"after": "1d", "points": 1e4} if by_points else {"after": "1d", "factor": factor}
    rules = parse({"decay": decay, "floor": -1e6}, "", [])
    assert rules is not None
    score = round(score, 6)
    for _ in range(3_000):
        less = rules.decayed(score)
        assert abs(less) <= abs(score) or by_points
        if less == score:
            break
        score = less
    assert rules.decayed(score) == score


def test_without_decay_a_score_rests() -> None:
    assert Engagement().decayed(5) == 5


def test_a_merge_joins_scores_within_the_bounds_and_the_timer_goes_on() -> None:
    story = scored()
    story.event("Order Completed")
    other = Profile(7, plan=story.plan.number, score=95)
    story.tell(MergeState(7, story.now, pack(other)))
    assert story.profile.score == 100
    assert shown(story.wakes_at) == "2026-03-09 10:00"


WRONG: list[tuple[Any, str]] = [
    (5, "e: expected {weights: {event name: points}, …}, found 5"),
    ({"wights": {}}, "e.wights: 'wights' is not allowed here; did you mean 'weights'?"),
    ({"weights": []}, "e.weights: expected {event name: points}, found []"),
    ({"weights": {"A": "many"}}, "e.weights.A: expected points, or {points: 10"),
    ({"weights": {"A": {"points": "ten"}}}, "e.weights.A.points: expected a number, found 'ten'"),
    ({"weights": {"A": {"points": 1, "per_day": 101}}}, "e.weights.A.per_day: expected a whole number up to 100"),
    (
        {"weights": {"A": {"points": 1, "where": {"tag": "x"}}}},
        "e.weights.A.where: 'tag' is not about the thing at hand",
    ),
    ({"weights": {str(n): 1 for n in range(201)}}, "e.weights: at most 200 events have weights, found 201"),
    ({"messages": {"opend": 1}}, "e.messages.opend: 'opend' is not allowed here; did you mean 'opened'?"),
    ({"floor": 5, "ceiling": 5}, "e.floor: must be below the ceiling, found 5 and 5"),
    ({"decay": {"after": "7d", "points": 5}}, "e.floor: decay by points needs a floor"),
    ({"decay": {"after": "7d"}, "floor": 0}, "e.decay: give either 'points'"),
    ({"decay": {"after": "7d", "points": -5}, "floor": 0}, "e.decay.points: expected points to take away"),
    ({"decay": {"after": "7d", "factor": 1}}, "e.decay.factor: expected a number from 0 to below 1, found 1"),
    ({"decay": {"after": "7 days ago", "factor": 0.5}}, "e.decay.after: "),
    ({"decay": {"after": "5m", "factor": 0.5}}, "e.decay.after: expected an hour or more, found '5m'"),
]


@pytest.mark.parametrize(("raw", "said"), WRONG)
def test_a_wrong_setting_is_told_where_and_what(raw: Any, said: str) -> None:
    problems: list[Problem] = []
    parse(raw, "e", problems)
    assert any(str(one).startswith(said) for one in problems), problems


def test_everything_wrong_is_told_at_once() -> None:
    problems: list[Problem] = []
    parse({"weights": {"A": "x"}, "messages": {"nope": 1}, "floor": "low", "decay": 7}, "e", problems)
    assert len({one.where for one in problems}) >= 4


def test_a_wake_before_anything_is_known_changes_nothing() -> None:
    plan = scored().plan
    assert react(plan, Profile(9, plan=plan.number), None, MONDAY + DAY).wakes_at is None
