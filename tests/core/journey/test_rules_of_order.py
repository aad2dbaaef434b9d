"""Late events, and the order within one input: rules of journeys.md and engine.md, by their numbers."""

from __future__ import annotations

from tests.core.journey.story import DAY, HOUR, MONDAY, Story, journey

from wend.core.inputs import Event

WAIT_OR_MAIL = {
    "w": {"wait_for_event": {"event": "Order Completed", "timeout": "2h"}, "happened": "bought", "timed_out": "mail"},
    "mail": {"send": {"channel": "email", "template": "t"}, "next": "over"},
    "bought": {"end": "bought"},
    "over": {"end": "mailed"},
}
LONG = {"w": {"wait": "30d", "next": "over"}}


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
