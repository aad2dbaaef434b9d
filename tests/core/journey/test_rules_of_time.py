"""Purity, time and sending: rules of journeys.md and engine.md, by their numbers.

Not here: rule 4 (segments) and the policies of rule 8, which come later; rule 9 and engine.md 17, 18: test_life.py; engine.md 13:
test_merge.py; what the engine bears (engine.md 1, 2, 9, 10, 12, 15, 19 to 28).
"""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, Story, journey, plan_of, shown

from wend.core.inputs import Erase, Event
from wend.core.pack import pack
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
