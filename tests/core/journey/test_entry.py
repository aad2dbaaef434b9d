"""Getting in: keys, re-entry, concurrency, the active time, lateness, overtaking, and what is said about a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import DAY, HOUR, MONDAY, Story, journey, ms

from wend.core.inputs import Event, Feedback
from wend.core.profile import MAX_KEYS, MAX_RUNS

LONG = {"w": {"wait": "30d", "next": "over"}}
NOW = {"over": {"end": "in"}}


def runs(story: Story) -> int:
    return len(story.profile.runs)


# --- keys ---


def test_one_run_for_each_value_of_the_key() -> None:
    story = Story(journey(LONG, key="cart_id"))
    story.event(cart_id="a")
    story.event(cart_id="b")
    story.event(cart_id="a")
    assert [run.key for run in story.profile.runs] == ["a", "b"]
    assert story.refusals == ["already inside with cart_id 'a'"]


def test_an_event_that_carries_the_key_reaches_only_the_runs_with_its_value() -> None:
    nodes = {"w": {"wait_for_event": {"event": "Paid"}, "happened": "over"}}
    story = Story(journey(nodes, key="loan.id", exit_when={"event": "Closed"}, goal={"event": "Paid"}))
    for loan in (1, 2, 3):
        story.event(loan={"id": loan})
    story.event("Paid", loan={"id": 2})
    assert [run.key for run in story.profile.runs] == [1, 3] and story.goals() == [0]
    story.event("Closed", loan={"id": 3})
    assert [run.key for run in story.profile.runs] == [1]
    story.event("Closed", loan={"id": 9})
    assert runs(story) == 1


def test_an_event_without_the_key_reaches_every_run() -> None:
    story = Story(journey(LONG, key="cart_id", exit_when={"event": "Order Completed"}))
    story.event(cart_id="a")
    story.event(cart_id="b")
    story.event("Order Completed", total=5)
    assert runs(story) == 0 and story.ends == ["exit: Order Completed"] * 2


def test_the_key_may_be_an_attribute_when_the_trigger_does_not_carry_it() -> None:
    story = Story(journey(LONG, key="loan_id", on=[{"event": "Go"}, {"attribute_changed": "due"}]))
    story.identify(loan_id=7, due="2026-05-01")
    story.event(loan_id=7)
    assert [run.key for run in story.profile.runs] == [7]
    assert story.refusals == ["already inside with loan_id 7"]


def test_a_trigger_without_the_key_starts_nothing() -> None:
    story = Story(journey(LONG, key="cart_id"))
    story.event()
    assert story.refusals == ["the trigger carries no 'cart_id'"]


def test_keys_of_any_type_and_length_stay_small() -> None:
    story = Story(journey(LONG, key="k"))
    for key in ("x" * 10_000, ["a", 1], {"a": 1}, True, 2.5):
        story.event(k=key)
        story.event(k=key)
    assert runs(story) == 5 and len(story.refusals) == 5
    assert all(len(str(run.key)) <= 100 for run in story.profile.runs)


def test_conditions_hear_events_of_other_keys_too() -> None:
    nodes = {"w": {"wait_for_condition": {"event": "Viewed", "count": {"gte": 2}}, "happened": "over"}}
    story = Story(journey(nodes, key="k"))
    story.event(k=1)
    story.event("Viewed", k=2)
    story.event("Viewed", k=3)
    assert runs(story) == 0


def test_keys_that_no_longer_matter_are_forgotten() -> None:
    def remembered(**more: Any) -> list[list[Any]]:
        story = Story(journey(NOW, key="k", **more))
        kept: list[list[Any]] = []
        for name, gap in (("Go", "1m"), ("Bought", "6h"), ("Go", "6d")):
            story.event(name, k=len(kept))
            kept.append([record[0] for record in story.profile.past.get("j", [])])
            story.skip(gap)
        return kept

    assert remembered() == [[], [], []], "nobody will ask"
    assert remembered(reentry="once") == [[0], [0], [0, 2]]
    assert remembered(reentry={"after": "1h"}) == [[0], [0], [2]]
    assert remembered(goal={"event": "Never", "within": "3h"}) == [[0], [0], [2]]
    assert remembered(goal={"event": "Never", "within": "3d"}) == [[0], [0], [0, 2]]


def test_a_hundred_keys_are_remembered_the_oldest_go_first() -> None:
    story = Story(journey(NOW, key="k", reentry="once"))
    for key in range(MAX_KEYS + 1):
        story.skip("1m")
        story.event(k=key)
    assert len(story.profile.past["j"]) == MAX_KEYS
    story.event(k=1)
    assert story.refusals == ["re-entry: once only"]
    story.event(k=0)
    assert len(story.refusals) == 1, "the oldest was forgotten"


def test_whoever_is_inside_is_not_forgotten() -> None:
    nodes = {"c": {"check": {"attribute": "stay", "is": True}, "yes": "w", "no": "over"}, **LONG, "over": {"end": None}}
    story = Story(journey(nodes, key="k", reentry="once"), stay=True)
    story.event(k="first")
    story.identify(stay=False)
    for key in range(MAX_KEYS + 5):
        story.skip("1m")
        story.event(k=key)
    story.event(k="first")
    assert story.refusals == ["already inside with k 'first'"]


# --- re-entry and concurrency ---


def test_reentry_always_but_one_at_a_time() -> None:
    story = Story(journey({"w": {"wait": "1h", "next": "over"}}))
    story.event()
    story.event()
    assert story.refusals == ["already inside"]
    story.wait("1h")
    story.event()
    assert runs(story) == 1


def test_reentry_once() -> None:
    story = Story(journey(NOW, reentry="once"))
    story.event()
    story.skip("2y")
    story.event()
    assert story.refusals == ["re-entry: once only"]


def test_reentry_after_a_time_counted_from_the_end_of_the_last_run() -> None:
    story = Story(journey({"w": {"wait": "2d", "next": "over"}}, reentry={"after": "7d"}))
    story.event()
    story.wait("2d")
    story.skip("6d 23h")
    story.event()
    assert story.refusals == ["re-entry: only 7 d after the last run ended"]
    story.skip("1h")
    story.event()
    assert runs(story) == 1


def test_reentry_restart_begins_anew() -> None:
    story = Story(journey({"w": {"wait": "2h", "next": "over"}}, reentry="restart"))
    story.event(n=1)
    story.wait("1h")
    story.event(n=2)
    assert story.ends == ["restarted"] and runs(story) == 1
    assert story.profile.runs[0].entry == {"n": 2}
    assert story.wakes_at == MONDAY + 3 * HOUR


def test_a_restart_withdraws_what_was_on_its_way() -> None:
    story = Story(
        journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}, reentry="restart"),
        answers={"s": None},
    )
    story.event()
    story.event()
    assert story.withdrawn == [story.sends[0].id] and len(story.sends) == 2
    assert story.sends[0].id != story.sends[1].id


def test_concurrency_many_lets_a_person_be_inside_several_times() -> None:
    story = Story(journey(LONG, concurrency="many"))
    story.event()
    story.event()
    assert runs(story) == 2


def test_many_runs_at_once_end_at_twenty_and_the_refusal_is_recorded() -> None:
    story = Story(journey(LONG, concurrency="many"))
    for _ in range(MAX_RUNS + 1):
        story.event()
    assert runs(story) == MAX_RUNS
    assert story.refusals == ["already in 20 runs at once, the limit"]


def test_an_older_run_that_ends_does_not_end_the_younger_one_in_the_books() -> None:
    nodes = {"w": {"wait_for_event": {"event": "B"}, "happened": "over"}}
    story = Story(journey(nodes, concurrency="many", goal={"event": "Bought", "within": "7d"}))
    story.event()
    story.skip("1h")
    story.event()
    story.tell(Event("B", story.now - HOUR + 1))
    assert runs(story) == 1, "the younger run did not hear what was older than its trigger"
    story.event("Bought")
    assert len(story.goals()) == 1


# --- active time, lateness, overtaking ---


def test_outside_its_active_time_a_journey_starts_nothing() -> None:
    document = journey(NOW, active={"from": "2026-03-03", "to": "2026-03-04"})
    story = Story(document)
    outcome: list[bool] = []
    for at in ("2026-03-02 23:59", "2026-03-03 00:00", "2026-03-04 23:59", "2026-03-05 00:00"):
        story.now = ms(at)
        before = len(story.ends)
        story.event()
        outcome.append(len(story.ends) > before)
    assert outcome == [False, True, True, False]
    assert story.refusals == ["outside the time in which the journey is active"] * 2


@pytest.mark.parametrize(("age", "starts"), [(72 * HOUR, True), (72 * HOUR + 1, False), (80 * HOUR, False)])
def test_a_trigger_that_is_too_old_starts_nothing(age: int, starts: bool) -> None:
    story = Story(journey(NOW))
    story.tell(Event("Go", story.now - age))
    assert bool(story.ends) is starts
    if age == 80 * HOUR:
        assert story.refusals == ["the trigger is 3 d 8 h old, the limit is 3 d"]


def test_the_lateness_limit_is_a_setting() -> None:
    story = Story(journey(NOW), settings={"lateness": HOUR})
    story.tell(Event("Go", story.now - HOUR - 1))
    assert story.refusals


def test_an_offline_phone_that_sends_trigger_and_exit_in_the_wrong_order_starts_nothing() -> None:
    story = Story(journey(LONG, exit_when={"event": "Order Completed"}))
    story.event("Order Completed", happened="2026-03-02 09:00")
    story.event("Go", happened="2026-03-02 08:00")
    assert story.refusals == ["overtaken: the exit event happened after the trigger"]
    story.event("Go", happened="2026-03-02 09:30")
    assert runs(story) == 1


def test_in_the_right_order_the_exit_event_ends_what_the_trigger_began() -> None:
    story = Story(journey(LONG, exit_when={"event": "Order Completed"}))
    story.event("Go", happened="2026-03-02 08:00")
    story.event("Order Completed", happened="2026-03-02 09:00")
    assert story.ends == ["exit: Order Completed"]


def test_an_exit_event_of_another_key_does_not_overtake() -> None:
    where = {"property": "reason", "is": "bought"}
    story = Story(journey(LONG, key="cart", exit_when={"event": "Closed", "where": where}))
    story.event("Closed", happened="2026-03-02 09:00", cart="b", reason="bought")
    story.event("Go", happened="2026-03-02 08:00", cart="a")
    assert runs(story) == 1
    story.event("Go", happened="2026-03-02 08:00", cart="b")
    assert story.refusals == ["overtaken: the exit event happened after the trigger"]
    story.event("Closed", happened="2026-03-02 09:00", reason="bought")
    story.event("Go", happened="2026-03-02 08:30", cart="c")
    assert len(story.refusals) == 2, "without a key it reaches every run"


def test_an_exit_condition_that_is_true_already_lets_nobody_in() -> None:
    story = Story(journey(LONG, exit_when={"attribute": "status", "is": "customer"}), status="customer")
    story.event()
    assert story.refusals == ["its exit condition is already true"]


def test_an_exit_condition_about_the_run_is_judged_for_the_run_that_would_begin() -> None:
    story = Story(journey(LONG, exit_when={"not": {"run_age": {"lt": "10d"}}}))
    story.event()
    assert runs(story) == 1
    story.wait("10d")
    assert story.ends == ["exit: its condition is true"] and story.now == MONDAY + 10 * DAY


def test_feedback_on_messages_nobody_knows_changes_nothing() -> None:
    story = Story(journey(LONG))
    story.event()
    story.tell(Feedback("elsewhere", "accepted", story.now, "x-1", 0, "j", "w"))
    assert story.places == ["w"]
