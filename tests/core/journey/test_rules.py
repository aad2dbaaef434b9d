"""The rules of behaviour of journeys.md and the paragraphs of engine.md, as far as the core bears them, by their numbers.

Not here: rule 4 (segments) and the policies of rule 8, which come later; what the engine bears (engine.md 1, 2, 9–12, 15, 19–28).
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, Story, journey, ms, plan_of, shown

from wend.core.effects import Relay, Send
from wend.core.inputs import Consent, Erase, Event, Identify, PlanChanged, Suppress
from wend.core.journey.turn import HOPS, MOVES
from wend.core.pack import pack
from wend.core.plan import PlanChange
from wend.core.profile import Profile
from wend.core.react import react, wakes_at

WAIT_OR_MAIL = {
    "w": {"wait_for_event": {"event": "Order Completed", "timeout": "2h"}, "happened": "bought", "timed_out": "mail"},
    "mail": {"send": {"channel": "email", "template": "t"}, "next": "over"},
    "bought": {"end": "bought"},
    "over": {"end": "mailed"},
}
LONG = {"w": {"wait": "30d", "next": "over"}}


# --- rule 1, engine.md 4, 11: pure, and the same again ---


def test_rule_01_the_same_input_gives_the_same_effects_whoever_asks() -> None:
    plan = plan_of(journey(WAIT_OR_MAIL))
    decisions: list[Any] = []
    for _ in range(2):
        profile = Profile(7, {"email": "a@example.com"}, plan.number, consent={"email": ["subscribed", 0]})
        react(plan, profile, Event("Go", MONDAY), MONDAY)
        decision = react(plan, profile, None, MONDAY + 2 * HOUR)
        decisions.append((decision.effects, decision.steps, pack(decision.profile)))
    assert decisions[0] == decisions[1]


def test_rule_01_a_draw_is_a_hash_of_run_and_node() -> None:
    nodes = {
        "s": {"split": {"weights": {"a": 1, "b": 1}}, "a": "x", "b": "y"},
        "x": {"end": "a"},
        "y": {"end": "b"},
    }
    ends = []
    for _ in range(3):
        story = Story(journey(nodes, concurrency="many"))
        for _ in range(20):
            story.event()
        ends.append(story.ends)
    assert ends[0] == ends[1] == ends[2] and {"a", "b"} == set(ends[0])


# --- rule 2, 3; engine.md 3, 4 ---


def test_rule_02_an_order_that_is_next_in_line_is_not_overlooked_because_of_a_backlog() -> None:
    story = Story(journey(WAIT_OR_MAIL))
    story.event()
    # The log says: ordered after one hour. The engine reads it three days later, at its log time.
    story.skip("1h")
    story.lag = 3 * DAY
    story.event("Order Completed")
    assert story.ends == ["bought"]


def test_rule_02_whoever_is_due_wakes_before_what_was_received_later() -> None:
    story = Story(journey(WAIT_OR_MAIL))
    story.event()
    story.skip("3h")
    story.event("Order Completed")
    assert story.ends == ["mailed"]
    assert [step.at for step in story.steps if step.kind == "sent"] == [MONDAY + 2 * HOUR]


def test_rule_03_a_timer_is_state_there_is_one_and_it_is_the_earliest() -> None:
    story = Story(journey(LONG, id="a"), journey({"w": {"wait": "1h", "next": "over"}}, id="b"))
    assert story.wakes_at is None
    story.event()
    assert story.wakes_at == wakes_at(story.plan, story.profile) == MONDAY + HOUR
    story.wait("1h")
    assert story.wakes_at == MONDAY + 30 * DAY


def test_engine_03_now_never_falls() -> None:
    story = Story(journey(LONG, concurrency="many"))
    story.skip("1h")
    story.event()
    story.now -= 30 * MINUTE
    story.event()
    assert story.profile.last == MONDAY + HOUR
    assert [run.started for run in story.profile.runs] == [MONDAY + HOUR] * 2


def test_engine_03_timers_fire_in_order_each_at_its_own_instant() -> None:
    documents = [
        journey({"w": {"wait": f"{n}h", "next": "t"}, "t": {"add_tag": f"t{n}", "next": "over"}}, id=f"j{n}")
        for n in (3, 1, 2)
    ]
    story = Story(*documents)
    story.event()
    story.skip("1d")
    story.tell(None)
    assert story.profile.tags == ["t1", "t2", "t3"]
    assert [step.at - MONDAY for step in story.steps if step.kind == "ended"] == [HOUR, 2 * HOUR, 3 * HOUR]


def test_engine_04_waits_that_follow_an_effect_count_from_real_time() -> None:
    nodes = {
        "s": {"send": {"channel": "email", "template": "a"}, "next": "c"},
        "c": {"check": {"tag": "x"}, "yes": "w", "no": "w"},
        "w": {"wait": "2h", "next": "over"},
    }
    story = Story(journey(nodes), lag=5 * HOUR + 59_999)
    story.event()
    assert story.wakes_at == MONDAY + 7 * HOUR, (
        "after an outage nobody gets all messages in one second; lag is floored to minutes"
    )


def test_engine_04_waits_that_follow_no_effect_count_from_log_time() -> None:
    story = Story(journey({"w": {"wait": "2h", "next": "over"}}), lag=5 * HOUR)
    story.event()
    assert story.wakes_at == MONDAY + 2 * HOUR


def test_engine_04_quiet_hours_and_time_to_live_are_judged_by_the_real_clock() -> None:
    quiet = {"quiet_hours": {"*": {"from": "21:00", "to": "08:00"}}}
    story = Story(journey(WAIT_OR_MAIL), settings=quiet)
    story.event()
    story.now, story.lag = MONDAY + 2 * HOUR, 10 * HOUR  # log 12:00, real 22:00
    story.tell(None)
    assert not story.sends and shown(story.wakes_at) == "2026-03-03 08:00"
    late = Story(
        journey({"s": {"send": {"channel": "email", "template": "t", "ttl": "1h"}, "next": "over"}}), lag=2 * HOUR
    )
    late.event()
    assert late.whys("dropped") == ["its time to live is over"]


def test_engine_04_without_a_real_clock_there_is_no_lag_however_many_wakes_fire_at_once() -> None:
    nodes = {"s": {"send": {"channel": "email", "template": "a"}, "next": "w"}, "w": {"wait": "1h", "next": "s2"}}
    nodes |= {"s2": {"add_tag": "x", "next": "w2"}, "w2": {"wait": "1h", "next": "over"}}
    story = Story(journey(nodes), lag=None)
    story.event()
    story.skip("1d")
    story.tell(None)
    assert [step.at for step in story.steps if step.kind == "ended"] == [MONDAY + 2 * HOUR]


# --- rule 5; engine.md 5, 8, 11 ---


def test_rule_05_a_run_stays_in_send_until_the_message_is_accepted_so_a_wait_after_it_starts_then() -> None:
    nodes = {"s": {"send": {"channel": "email", "template": "t"}, "next": "w"}, "w": {"wait": "2h", "next": "over"}}
    story = Story(journey(nodes), answers={"s": None})
    story.event()
    story.skip("5h")
    story.answer(story.sends[0], "accepted")
    assert story.wakes_at == MONDAY + 7 * HOUR


def test_rule_05_a_run_stays_in_send_while_the_message_is_held() -> None:
    nodes = {"s": {"send": {"channel": "email", "template": "t"}, "next": "w"}, "w": {"wait": "2h", "next": "over"}}
    story = Story(journey(nodes), settings={"quiet_hours": {"email": {"from": "09:00", "to": "12:00"}}})
    story.event()
    assert story.places == ["s"] and shown(story.wakes_at) == "2026-03-02 12:00"
    story.until("2026-03-02 12:00")
    assert story.places == ["w"] and shown(story.wakes_at) == "2026-03-02 14:00"


def test_rule_05_effects_have_ids_of_run_and_move() -> None:
    nodes = {
        "a": {"send": {"channel": "email", "template": "a"}, "next": "b"},
        "b": {"send": {"channel": "email", "template": "b"}, "next": "over"},
    }
    story = Story(journey(nodes))
    story.event()
    story.event()
    assert [send.id for send in story.sends] == ["a11ce-1.0", "a11ce-1.1", "a11ce-2.0", "a11ce-2.1"]
    assert all(send.id == f"{send.run}.{send.move}" for send in story.sends)


def test_engine_05_an_outcome_heard_twice_moves_the_run_once() -> None:
    nodes = {
        "a": {"send": {"channel": "email", "template": "a"}, "next": "b"},
        "b": {"send": {"channel": "email", "template": "b"}, "next": "over"},
    }
    story = Story(journey(nodes), answers={"a": None, "b": None})
    story.event()
    story.answer(story.sends[0], "accepted")
    story.answer(story.sends[0], "refused")
    assert story.places == ["b"] and len(story.sends) == 2
    assert story.whys("outcome")[-2:] == ["", "ignored: it belongs to move 0"]


def test_engine_08_exit_rules_act_while_a_message_is_held_and_nothing_needs_to_be_withdrawn() -> None:
    quiet = {"quiet_hours": {"email": {"from": "09:00", "to": "12:00"}}}
    document = journey(
        {"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}, exit_when={"event": "Bought"}
    )
    story = Story(document, settings=quiet)
    story.event()
    story.event("Bought")
    story.wait("1d")
    assert story.ends == ["exit: Bought"] and not story.sends and not story.withdrawn


def test_engine_08_exit_withdraws_a_message_that_may_still_be_queued() -> None:
    document = journey(
        {"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}, exit_when={"event": "Bought"}
    )
    story = Story(document, answers={"s": None})
    story.event()
    story.event("Bought")
    assert story.withdrawn == [story.sends[0].id]
    story.answer(story.sends[0], "dropped", why="withdrawn")
    assert story.ends == ["exit: Bought"] and story.whys("outcome") == ["withdrawn"]


def test_engine_08_stop_withdraws_a_message_that_may_still_be_queued() -> None:
    story = Story(journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}), answers={"s": None})
    story.event()
    story.change("stop")
    assert story.withdrawn == [story.sends[0].id] and story.ends == ["the journey was stopped"]


def test_engine_11_ids_never_come_twice_also_after_erasure() -> None:
    story = Story(journey({"s": {"send": {"channel": "in_app", "template": "t"}, "next": "over"}}))
    story.event()
    story.tell(Erase(story.now))
    story.event()
    assert len({send.id for send in story.sends}) == 2


# --- rule 6; engine.md 7 ---


def test_rule_06_late_events_update_counts_by_their_own_time_but_start_nothing() -> None:
    condition = {"event": "Viewed", "count": {"gte": 2}, "within": "7d"}
    nodes = {"c": {"check": condition, "yes": "y", "no": "n"}, "y": {"end": "yes"}, "n": {"end": "no"}}
    story = Story(journey(nodes), journey({"n": {"end": "never"}}, id="v", on="Viewed"))
    story.tell(Event("Viewed", story.now - 6 * DAY))
    story.tell(Event("Viewed", story.now - 8 * DAY))
    story.event()
    assert story.ends == ["no"] and len(story.refusals) == 2
    story.tell(Event("Viewed", story.now - 5 * DAY))
    story.event()
    assert story.ends == ["no", "yes"]


def test_engine_07_exits_goals_and_waits_ignore_what_is_older_than_the_trigger() -> None:
    nodes = {"w": {"wait_for_event": {"event": "Seen"}, "happened": "over"}}
    story = Story(journey(nodes, exit_when={"event": "Bought"}, goal={"event": "Bought"}))
    story.event()
    story.event("Seen", happened="2026-03-02 09:59")
    story.event("Bought", happened="2026-03-02 09:59")
    assert story.places == ["w"] and story.goals() == []


def test_engine_07_exits_goals_and_waits_take_late_events_at_any_age_after_the_trigger() -> None:
    nodes = {"w": {"wait": "90d", "next": "over"}}
    story = Story(journey(nodes, exit_when={"event": "Bought"}, goal={"event": "Bought", "within": "7d"}))
    story.event()
    story.wait("60d")
    story.event("Bought", happened="2026-03-03 10:00")
    assert story.ends == ["exit: Bought"] and story.goals() == [0], (
        "bought one day after the start, heard two months later"
    )


def test_engine_07_a_late_event_may_still_make_a_condition_true() -> None:
    nodes = {"w": {"wait_for_condition": {"event": "Viewed"}, "happened": "over"}}
    story = Story(journey(nodes), journey(LONG, id="x", exit_when={"event": "Viewed", "count": {"gte": 1}}))
    story.event()
    story.event("Viewed", happened="2026-03-01 10:00")
    assert sorted(story.ends) == ["exit: its condition is true", "over"]


def test_engine_07_waits_count_from_log_time() -> None:
    story = Story(journey({"w": {"wait": "2h", "next": "over"}}))
    story.event(happened="2026-03-02 09:00")
    assert story.wakes_at == MONDAY + 2 * HOUR


def test_engine_07_timestamps_are_clamped_to_the_received_time() -> None:
    story = Story(journey(LONG))
    story.event(happened="2027-01-01 00:00")
    assert story.profile.runs[0].trigger_at == MONDAY
    assert story.profile.facts.last_seen == MONDAY


# --- rule 7; engine.md 6 ---


def test_rule_07_a_node_that_waits_for_just_this_event_takes_it_else_the_exit_leaves() -> None:
    story = Story(
        journey(WAIT_OR_MAIL, exit_when={"event": "Order Completed"}),
        journey(LONG, id="other", exit_when={"event": "Order Completed"}),
    )
    story.event()
    story.event("Order Completed")
    assert story.ends == ["bought", "exit: Order Completed"]


def test_rule_07_a_wait_for_the_event_under_another_condition_does_not_hold_up_the_exit() -> None:
    nodes = {
        "w": {"wait_for_event": {"event": "Bought", "where": {"property": "total", "gt": 100}}, "happened": "over"}
    }
    story = Story(journey(nodes, exit_when={"event": "Bought"}))
    story.event()
    story.event("Bought", total=5)
    assert story.ends == ["exit: Bought"]


def test_rule_07_exit_goes_before_a_wait_for_a_condition_that_the_event_makes_true_by_the_way() -> None:
    nodes = {
        "w": {"wait_for_condition": {"orders": {"gte": 1}}, "happened": "mail"},
        "mail": {"send": {"channel": "email", "template": "come back"}, "next": "over"},
    }
    story = Story(journey(nodes, exit_when=["Order Completed"]))
    story.event()
    story.event("Order Completed")
    assert story.ends == ["exit: Order Completed"] and not story.sends


def test_rule_07_leaving_is_immediate_also_in_the_middle_of_a_wait() -> None:
    story = Story(journey(LONG, exit_when=[{"event": "Bought"}, {"attribute": "status", "is": "lost"}]))
    story.event()
    story.wait("3d")
    story.identify(status="lost")
    assert story.ends == ["exit: its condition is true"] and story.wakes_at is None


def test_rule_07_leaving_happens_also_by_mere_passing_of_time() -> None:
    story = Story(journey(LONG, exit_when={"inactive": "5d"}))
    story.event()
    story.wait("4d")
    story.event("Visited")
    assert story.wakes_at == MONDAY + 9 * DAY
    story.wait("20d")
    assert story.ends == ["exit: its condition is true"]
    assert story.steps[-1].at == MONDAY + 9 * DAY


def test_rule_07_an_exit_whose_time_comes_for_nothing_asks_again_later() -> None:
    story = Story(journey(LONG, exit_when={"all": [{"inactive": "5d"}, {"not": {"tag": "vip"}}]}))
    story.event()
    story.profile.tags.append("vip")
    story.wait("6d")
    assert story.places == ["w"] and story.wakes_at == MONDAY + 30 * DAY


def test_rule_07_goals_are_only_counted_and_once_for_a_run() -> None:
    story = Story(journey(LONG, goal={"event": "Bought", "value": "order.total"}))
    story.event()
    story.event("Bought", order={"total": "12.50"})
    story.event("Bought", order={"total": 3})
    assert story.goals() == [12.5] and story.places == ["w"]


def test_rule_07_a_goal_counts_after_the_end_within_its_window() -> None:
    document = journey(
        {"t": {"add_tag": "x", "next": "over"}}, goal={"event": "Bought", "within": "7d", "value": "total"}
    )
    story = Story(document, journey(LONG, id="without"))
    story.event()
    assert story.ends == ["over"]
    story.event("Bought", happened="2026-03-02 09:00", total=1)
    story.skip("7d")
    story.event("Looked")
    story.event("Bought", total=5)
    story.event("Bought", total=7)
    assert story.goals() == [5]
    (goal,) = [step for step in story.steps if step.kind == "goal"]
    assert (goal.journey, goal.run, goal.version) == ("j", "a11ce-1", 1)


def test_rule_07_a_goal_outside_its_window_or_without_one_or_of_another_key_does_not_count_after_the_end() -> None:
    nodes = {"t": {"add_tag": "x", "next": "over"}}
    story = Story(
        journey(nodes, id="a", goal={"event": "Bought", "within": "7d"}),
        journey(nodes, id="b", goal={"event": "Bought"}),
        journey(nodes, id="c", key="k", goal={"event": "Bought", "within": "90d"}),
    )
    story.event(k=1)
    story.skip("7d")
    story.skip("1m")
    story.event("Bought", k=2)
    assert story.goals() == []
    story.event("Bought", k=1)
    assert len(story.goals()) == 1


def test_rule_07_runs_first_then_triggers_so_a_journey_can_start_its_own_next_round() -> None:
    nodes = {
        "w": {"wait_for_event": {"event": "Order Completed", "timeout": "90d"}, "happened": "over", "timed_out": "over"}
    }
    story = Story(journey(nodes, on="Order Completed"))
    story.event("Order Completed")
    story.event("Order Completed")
    assert story.ends == ["over"] and story.places == ["w"] and story.profile.runs[0].id == "a11ce-2"


def test_engine_06_a_run_never_hears_the_input_that_started_it() -> None:
    nodes = {"w": {"wait_for_event": {"event": "Go"}, "happened": "over"}}
    story = Story(journey(nodes, exit_when={"event": "Go"}, goal={"event": "Go"}))
    story.event()
    assert story.places == ["w"] and story.goals() == []


def test_engine_06_facts_first_so_that_nodes_and_triggers_see_the_event_counted() -> None:
    story = Story(
        journey({"n": {"end": "third"}}, where={"event": "Viewed", "count": {"gte": 3}}, on="Viewed"),
        journey({"n": {"end": "cart"}}, id="c", on="Product Added", where={"cart": {"items": {"gte": 1}}}),
    )
    for _ in range(3):
        story.event("Viewed")
    story.event("Product Added", product_id="p")
    assert story.ends == ["third", "cart"]


def test_engine_06_runs_hear_an_input_oldest_first() -> None:
    nodes = {
        "w": {"wait_for_event": {"event": "E"}, "happened": "c"},
        "c": {"check": {"tag": "x"}, "yes": "y", "no": "t"},
    }
    nodes |= {"t": {"add_tag": "x", "next": "n"}, "y": {"end": "second"}, "n": {"end": "first"}}
    story = Story(journey(nodes, concurrency="many"))
    story.event()
    story.event()
    story.event("E")
    assert [(step.run, step.why) for step in story.steps if step.kind == "ended"] == [
        ("a11ce-1", "first"),
        ("a11ce-2", "second"),
    ]


def test_engine_06_derived_changes_are_heard_first_in_first_out_at_the_same_instant() -> None:
    one = {"a": {"add_tag": "t", "next": "b"}, "b": {"set_attribute": {"attribute": "x", "value": 1}, "next": "c"}}
    one |= {"c": {"adjust_score": 5, "next": "over"}}
    story = Story(
        journey(one, id="one"),
        journey(
            {"n": {"set_attribute": {"attribute": "y", "value": 1}, "next": "over"}}, id="tag", on={"tag_added": "t"}
        ),
        journey({"n": {"end": None}}, id="x", on={"attribute_changed": "x"}),
        journey({"n": {"end": None}}, id="y", on={"attribute_changed": "y"}),
        journey({"n": {"end": None}}, id="score", on={"score_crossed": {"above": 4}}),
    )
    story.event()
    assert [step.journey for step in story.steps if step.kind == "started"] == ["one", "tag", "x", "score", "y"]
    assert {step.at for step in story.steps} == {MONDAY}


def test_engine_06_other_runs_hear_what_a_run_caused() -> None:
    waiting = {
        "w": {
            "wait_for_condition": {"all": [{"tag": "t"}, {"score": {"gt": 1}}, {"topic": "news"}]},
            "happened": "over",
        }
    }
    doing = {"a": {"add_tag": "t", "next": "b"}, "b": {"adjust_score": 5, "next": "c"}}
    doing |= {"c": {"set_subscription": {"state": "subscribed", "topic": "news"}, "next": "over"}}
    story = Story(journey(waiting, id="waiting"), journey(doing, id="doing", on="Do"))
    story.event()
    story.event("Do")
    assert story.ends == ["over", "over"]


def test_engine_06_a_run_that_ended_meanwhile_hears_nothing_more() -> None:
    first = {"w": {"wait_for_event": {"event": "E"}, "happened": "r"}, "r": {"add_tag": "x", "next": "over"}}
    story = Story(journey(first), journey(LONG, id="k", exit_when={"tag": "x"}))
    story.event()
    story.event("E")
    assert story.ends == ["over", "exit: its condition is true"] and story.profile.runs == []


# --- rule 9; engine.md 17, 18: see test_life.py ---


# --- rule 10: the order of permission is test_permission.py's; here that the walker asks at the moment of sending ---


def test_rule_10_permission_is_decided_at_the_moment_of_sending() -> None:
    story = Story(journey(WAIT_OR_MAIL))
    story.event()
    story.tell(Consent("unsubscribed", story.now + 1, "email"))
    story.wait("2h")
    assert not story.sends and story.whys("dropped") == ["unsubscribed from email"]
    story.tell(Consent("subscribed", story.now + 2, "email"))
    story.event()
    story.tell(Suppress("complained", story.now, "email"))
    story.wait("2h")
    assert story.whys("dropped")[1] == "suppressed: complained"


# --- rule 11 ---


def test_rule_11_every_decision_is_a_step_with_its_reason() -> None:
    story = Story(journey({**WAIT_OR_MAIL, "mail": {"send": {"channel": "sms", "template": "t"}, "next": "over"}}))
    story.event()
    story.wait("2h")
    found = [(step.kind, step.node, step.branch, step.why) for step in story.steps]
    assert found == [
        ("started", "w", "", "event Go"),
        ("moved", "w", "timed_out", "no Order Completed within 2 h"),
        ("sent", "mail", "sms", "t"),
        ("outcome", "mail", "accepted", ""),
        ("moved", "mail", "next", "accepted"),
        ("ended", "over", "", "mailed"),
    ]
    assert all(step.journey == "j" and step.version == 1 and step.run == "a11ce-1" for step in story.steps)


def test_rule_11_feedback_is_a_step_also_when_the_run_is_over() -> None:
    story = Story(journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}))
    story.event()
    story.answer(story.sends[0], "clicked", url="https://example.com/a")
    story.answer(story.sends[0], "opened", machine=True)
    clicked, opened = story.steps[-2:]
    assert (clicked.kind, clicked.branch, clicked.detail) == (
        "outcome",
        "clicked",
        {"channel": "email", "template": "t", "url": "https://example.com/a"},
    )
    assert opened.detail == {"channel": "email", "template": "t", "machine": "yes"}


# --- rule 12; engine.md 6 ---


def test_rule_12_a_loop_that_never_rests_is_stopped_after_a_hundred_moves_and_an_operator_sees_it() -> None:
    nodes = {"a": {"adjust_score": 1, "next": "b"}, "b": {"check": {"tag": "x"}, "yes": "over", "no": "a"}}
    story = Story(journey(nodes), journey(LONG, id="innocent", on="Before"))
    story.event("Before")
    story.event()
    assert story.places == ["w"]
    assert story.whys("failed") == [
        f"OverflowError: more than {MOVES} moves for one input: is there a loop that never rests?"
    ]
    assert story.profile.score <= MOVES


def test_rule_12_two_journeys_that_start_each_other_are_stopped_too() -> None:
    def count(name: str, other: str, id: str) -> dict[str, Any]:
        nodes = {
            "n": {
                "set_attribute": {"attribute": name, "value": {"attribute": other, "plus": 1, "default": 0}},
                "next": "over",
            }
        }
        return journey(nodes, id=id, on={"attribute_changed": other})

    quiet = journey({"w": {"wait_for_condition": {"attribute": "b", "gte": 10_000}, "happened": "over"}}, id="quiet")
    story = Story(count("a", "b", "one"), count("b", "a", "two"), quiet)
    story.event()
    story.identify(a=0)
    assert 1 <= len(story.whys("failed")) <= 5
    assert story.profile.attributes["b"] < MOVES
    assert story.places == ["w"], "who only listened goes on"


def test_rule_12_the_limit_counts_over_all_runs_of_one_input_not_over_all_time() -> None:
    step = {"a": {"adjust_score": 1, "next": "w"}, "w": {"wait": "1m", "next": "a"}}
    story = Story(journey(step))
    story.event()
    story.wait("5h")
    assert story.whys("failed") == [] and story.profile.score == 301


def test_rule_12_a_chain_of_emitted_events_stops_at_depth_twenty() -> None:
    story = Story(journey({"e": {"emit": {"event": "Go"}, "next": "over"}}))
    story.event()
    assert max(event.hops for event in story.emitted) == HOPS
    assert story.whys("failed") == ["a chain of more than 20 emitted events: 'Go' was not emitted"]
    assert story.whys("moved")[-1] == "Go was not emitted"


def test_rule_12_hops_also_count_through_changes_that_a_run_causes() -> None:
    up = {"n": {"set_attribute": {"attribute": "n", "value": {"attribute": "n", "plus": 1}}, "next": "over"}}
    first = journey(up, id="one", on="Ping")
    second = journey({"n": {"emit": "Ping", "next": "over"}}, id="two", on={"attribute_changed": "n"})
    story = Story(first, second)
    story.identify(n=0)
    assert len(story.emitted) == HOPS and len(story.whys("failed")) == 1


@pytest.mark.parametrize(("length", "hops"), [("59s", 2), ("1m", 1)])
def test_rule_12_a_wait_of_a_minute_ends_the_chain(length: str, hops: int) -> None:
    nodes = {"w": {"wait": length, "next": "e"}, "e": {"emit": "Done", "next": "over"}}
    first = journey({"e": {"emit": "Go", "next": "over"}}, id="first", on="Start")
    story = Story(first, journey(nodes))
    story.event("Start")
    story.wait("2m")
    assert [event.hops for event in story.emitted] == [1, hops]


def test_rule_12_an_event_that_ends_a_long_wait_brings_its_own_depth() -> None:
    nodes = {"w": {"wait_for_event": {"event": "Ping"}, "happened": "e"}, "e": {"emit": "Done", "next": "over"}}
    story = Story(journey(nodes))
    story.tell(Event("Go", story.now, hops=9))
    story.skip("1h")
    story.tell(Event("Ping", story.now, hops=3))
    story.tell(Event("Go", story.now, hops=9))
    story.tell(Event("Ping", story.now, hops=3))
    assert [event.hops for event in story.emitted] == [4, 10]


# --- rule 13 ---


def test_rule_13_publishing_is_an_input_that_changes_no_person() -> None:
    story = Story(journey(LONG))
    before = pack(story.profile)
    story.tell(PlanChanged(1, story.now))
    assert pack(story.profile) == before and not story.effects


def test_rule_13_people_stay_on_their_version_and_new_ones_take_the_new() -> None:
    nodes = {"w": {"wait": "1d", "next": "t"}, "t": {"add_tag": "old", "next": "over"}}
    story = Story(journey(nodes, concurrency="many"))
    story.event()
    newer = copy.deepcopy(nodes)
    newer["t"] = {"add_tag": "new", "next": "over"}
    story.change("publish", document=journey(newer, concurrency="many"))
    story.event()
    assert [run.version for run in story.profile.runs] == [1, 2]
    story.wait("1d")
    assert story.profile.tags == ["old", "new"]


# --- engine.md 14 ---


def test_engine_14_a_failing_node_stops_only_its_run_and_says_so() -> None:
    broken = journey({"n": {"add_tag": "a"}}, id="broken")
    story = Story(broken, journey({"n": {"add_tag": "b", "next": "over"}}, id="sound"))
    story.event()
    assert story.whys("failed") == ["LookupError: node 'n' has no way out by 'next'"]
    assert story.whys("ended", journey="broken") == ["failed"] and story.ends == ["failed", "over"]


def test_engine_14_a_node_that_fails_while_listening_stops_only_its_run() -> None:
    broken = journey({"w": {"wait_for_event": {"event": "E"}}}, id="broken")
    story = Story(broken, journey({"w": {"wait_for_event": {"event": "E"}, "happened": "over"}}, id="sound"))
    story.event()
    story.event("E")
    assert story.ends == ["failed", "over"]


# --- other inputs ---


def test_erase_empties_the_state_and_ends_the_runs() -> None:
    story = Story(journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}), answers={"s": None})
    story.event()
    decision = story.tell(Erase(story.now))
    assert story.ends == ["erased"] and story.withdrawn == [story.sends[0].id]
    assert decision.gone == {"a11ce-1"} and story.profile.erased and story.profile.attributes == {}
    assert story.profile.consent == {} and story.wakes_at is None


def test_a_user_id_makes_a_person_known_and_who_waits_for_it_hears_it() -> None:
    nodes = {"w": {"wait_for_condition": {"known": True}, "happened": "over"}}
    story = Story(journey(nodes))
    story.event()
    story.tell(Identify({}, story.now, user_id="u"))
    assert story.profile.known and story.ends == ["over"]
    story.tell(Identify({}, story.now, user_id="u"))


def test_feedback_changes_what_is_known_of_the_address_and_who_listens_hears_it() -> None:
    nodes = {"w": {"wait_for_condition": {"not": {"reachable": "email"}}, "happened": "over"}}
    mails = journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}, id="mails")
    story = Story(mails, journey(nodes, id="watch"))
    story.event()
    story.answer(story.sends[0], "bounced")
    assert story.profile.suppressed == {"email:ann@example.com": "bounced"}
    assert story.whys("ended", journey="watch") == ["over"]


def test_consents_and_suppressions_that_change_nothing_are_still_kept_as_proof() -> None:
    story = Story(journey(LONG))
    decision = story.tell(Consent("subscribed", story.now, "email"))
    assert len(decision.consents) == 1
    story.tell(Suppress("asked", story.now, "sms"))
    story.tell(Suppress("asked", story.now, "sms"))
    assert story.profile.suppressed == {"sms": "asked"}


def test_the_messages_of_a_person_are_remembered_when_a_condition_reads_them_and_only_twenty() -> None:
    reader = journey(
        {
            "c": {"check": {"message": {"template": "t", "state": "opened"}}, "yes": "y", "no": "n"},
            "y": {"end": "y"},
            "n": {"end": "n"},
        },
        id="r",
        on="Ask",
    )
    mails = journey({"s": {"send": {"channel": "in_app", "template": "t"}, "next": "over"}}, id="mails")
    story = Story(mails, reader)
    for _ in range(25):
        story.event()
    assert len(story.profile.messages) == 20
    story.event("Ask")
    story.answer(story.sends[-1], "opened", machine=True)
    story.event("Ask")
    story.answer(story.sends[-1], "opened")
    story.answer(story.sends[-1], "opened")
    story.event("Ask")
    assert story.whys("ended", journey="r") == ["n", "n", "y"]
    quiet = Story(mails)
    quiet.event()
    assert quiet.profile.messages == [], "nobody reads them"


def test_what_templates_do_not_read_is_not_kept_of_events() -> None:
    nodes = {
        "w": {"wait": "1d", "next": "s"},
        "s": {"set_attribute": {"attribute": "c", "value": {"entry": "city.name"}}, "next": "over"},
    }
    plan = plan_of().apply(
        PlanChange(
            1, 0, "publish", "j", 1, journey(nodes), {"entry": ["total"], "event": ["a.b"], "facts": ["recent.viewed"]}
        )
    )
    profile = Profile(7, plan=1)
    react(
        plan,
        profile,
        Event("Go", MONDAY, {"total": 1, "junk": "x" * 1000, "city": {"name": "Oslo"}, "a": {"b": 1}}),
        MONDAY,
    )
    assert profile.runs[0].entry == {"total": 1, "city": {"name": "Oslo"}, "a": {"b": 1}}
    assert plan.reads >= {"recent.viewed"}
    react(plan, profile, None, MONDAY + DAY)
    assert profile.attributes["c"] == "Oslo"


def test_a_send_knows_the_run_for_rendering_and_a_relay_goes_to_the_person() -> None:
    nodes = {"e": {"emit": "Done", "next": "s"}, "s": {"send": {"channel": "in_app", "template": "t"}, "next": "over"}}
    story = Story(journey(nodes))
    decision = story.event(a=1)
    relay, send = decision.effects
    assert isinstance(relay, Relay) and relay.profile == story.profile.id
    assert isinstance(send, Send) and send.data == {"entry": {"a": 1}, "event": {"a": 1}, "saved": {}}


def test_the_clock_on_a_box_delays_the_node() -> None:
    nodes = {
        "a": {"add_tag": "a", "next": "b", "timing": {"delay": "1h"}},
        "b": {"add_tag": "b", "next": "c", "timing": {"at": "09:00"}},
        "c": {"wait": "2h", "next": "d", "timing": {"slot": {"days": ["wed"], "from": "10:00", "to": "12:00"}}},
        "d": {"add_tag": "d", "next": "over", "timing": {"slot": {"from": "00:00", "to": "23:59"}}},
    }
    story = Story(journey(nodes), timezone="Europe/Berlin")
    story.event()
    assert story.profile.tags == [] and shown(story.wakes_at) == "2026-03-02 11:00"
    story.until("2026-03-02 11:00")
    assert story.profile.tags == ["a"] and shown(story.wakes_at) == "2026-03-03 08:00"
    story.until("2026-03-03 08:00")
    assert story.profile.tags == ["a", "b"] and shown(story.wakes_at) == "2026-03-04 09:00"
    story.until("2026-03-04 09:00")
    assert shown(story.wakes_at) == "2026-03-04 11:00", "the wait itself counts from when its box acted"
    story.until("2026-03-04 11:00")
    assert story.profile.tags == ["a", "b", "d"] and story.ends == ["over"]


def test_a_box_that_is_still_delayed_does_not_listen() -> None:
    nodes = {"w": {"wait_for_event": {"event": "E"}, "happened": "over", "timing": {"delay": "1h"}}}
    story = Story(journey(nodes, exit_when={"event": "X"}))
    story.event()
    story.event("E")
    assert story.places == ["w"]
    story.wait("1h")
    story.event("E")
    assert story.ends == ["over"]
    story.event()
    story.event("X")
    assert story.ends[1] == "exit: X"


def test_the_payment_reminder_starts_its_own_next_cycle() -> None:
    nodes = {
        "w": {"wait_for_date": {"attribute": "due", "before": "10d", "at": "09:00"}, "next": "paid"},
        "paid": {"has_done": {"event": "Paid", "since": "entry"}, "yes": "roll", "no": "mail"},
        "mail": {"send": {"channel": "email", "template": "pay", "transactional": True}, "next": "grace"},
        "grace": {"wait_for_event": {"event": "Paid", "timeout": "15d"}, "happened": "roll", "timed_out": "late"},
        "roll": {"set_attribute": {"attribute": "due", "value": {"attribute": "due", "plus": "30d"}}, "next": "done"},
        "late": {"end": "not paid"},
        "done": {"end": "paid"},
    }
    document = journey(nodes, key="loan", on=[{"event": "Disbursed"}, {"attribute_changed": "due"}])
    story = Story(document)
    story.identify(loan="L1", due="2026-04-01")
    story.event("Disbursed", loan="L1")
    assert len(story.profile.runs) == 1
    story.until("2026-03-10 00:00")
    story.event("Paid")
    story.until("2026-03-22 09:00")
    assert story.ends == ["paid"] and story.profile.attributes["due"] == "2026-05-01"
    (run,) = story.profile.runs
    assert run.key == "L1" and shown(run.until) == "2026-04-21 09:00"
    story.until("2026-04-21 09:00")
    assert story.templates == ["pay"], "paid in the last cycle is not paid in this one"
    story.until("2026-06-30 00:00")
    assert story.ends == ["paid", "not paid"] and ms("2026-05-06 09:00") == story.steps[-1].at
