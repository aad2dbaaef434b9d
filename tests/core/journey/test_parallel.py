"""Several ways at once: `parallel` and `join`."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import HOUR, PERSON, Story, journey, ms, shown

from wend.core.effects import Withdraw
from wend.core.inputs import Erase
from wend.core.profile import MAX_RUNS


def both(a: dict[str, Any], b: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Two branches of one node each, a join, and a node behind it."""
    nodes = {
        "p": {"parallel": ["left", "right"], "left": "a", "right": "b"},
        "a": a,
        "b": b,
        "j": {"join": {}, "next": "after"},
        "after": {"add_tag": "after", "next": "over"},
        **more.pop("nodes", {}),
    }
    return journey(nodes, **more)


HOURS = ({"wait": "1h", "next": "j"}, {"wait": "3h", "next": "j"})


def test_all_branches_begin_at_once_and_the_run_goes_on_when_the_last_is_at_the_join() -> None:
    story = Story(both(*HOURS))
    story.event()
    assert story.places == ["p", "a", "b"]
    root, left, right = story.profile.runs
    assert left.parent == right.parent == root.id
    assert left.id.startswith(f"{root.id}.") and right.id.startswith(f"{root.id}.")
    assert story.wakes_at == story.now + HOUR
    story.wait("2h")
    assert story.places == ["p", "b"] and not story.ends
    story.wait("1h")
    assert story.profile.tags == ["after"] and story.ends == ["over"]
    assert not story.profile.runs
    assert story.branches == ["p left", "p right", "a next", "b next", "j next", "after next"]
    assert story.whys("arrived") == ["at the join", "at the join"]


def test_branches_that_never_rest_are_over_at_once() -> None:
    story = Story(both({"add_tag": "a", "next": "j"}, {"add_tag": "b", "next": "j"}))
    story.event()
    assert story.profile.tags == ["a", "b", "after"] and story.ends == ["over"]


def test_a_branch_may_end_while_the_others_go_on() -> None:
    story = Story(both({"end": "enough"}, HOURS[1], nodes={"over": {"end": None}}))
    story.event()
    assert story.places == ["p", "b"] and story.whys("arrived") == ["enough"]
    story.wait("3h")
    assert story.ends == ["over"] and story.profile.tags == ["after"]


def test_when_no_branch_comes_to_a_join_the_run_ends() -> None:
    nodes = {
        "p": {"parallel": ["left", "right"], "left": "a", "right": "b"},
        "a": {"end": "a"},
        "b": {"wait": "1h", "next": "a"},
    }
    story = Story(journey(nodes))
    story.event()
    story.wait("1h")
    assert story.ends == ["none of its branches came to a join"]
    at_once = Story(journey({**nodes, "b": {"end": "b"}}))
    at_once.event()
    assert at_once.ends == ["none of its branches came to a join"]


def test_a_branch_that_fails_counts_as_arrived() -> None:
    story = Story(both({"wait_for_event": {"event": "Go"}}, HOURS[1]))
    story.event()
    story.event()
    assert story.whys("failed") == ["LookupError: node 'a' has no way out by 'happened'"]
    assert "failed" in story.whys("arrived") and not story.ends
    story.wait("3h")
    assert story.ends == ["over"]


def test_the_exit_rule_ends_the_run_with_all_its_branches_and_withdraws_their_messages() -> None:
    story = Story(
        both({"send": {"channel": "email", "template": "t"}, "next": "j"}, HOURS[1], exit_when={"event": "Bought"}),
        answers={"a": None},
    )
    story.event()
    (send,) = story.sends
    story.event("Bought")
    assert story.ends == ["exit: Bought"] and not story.profile.runs
    assert story.withdrawn == [send.id]
    assert story.decision is not None and len(story.decision.gone) == 3
    assert not story.decision.moved


def test_an_exit_condition_that_time_makes_true_ends_them_together() -> None:
    story = Story(both(*HOURS, exit_when={"run_age": {"gte": "2h"}}))
    story.event()
    story.wait("5h")
    assert story.ends == ["exit: its condition is true"] and not story.profile.runs
    assert story.steps[-1].at == ms("2026-03-02 12:00")


def test_stopping_the_journey_and_erasing_the_person_end_them_together() -> None:
    for end in ("stop", "erase"):
        story = Story(both(*HOURS))
        story.event()
        if end == "stop":
            story.change("stop")
            assert story.ends == ["the journey was stopped"]
        else:
            story.tell(Erase(story.now))
            assert story.ends == ["erased"]
        assert not story.profile.runs


def test_a_branch_that_waits_for_just_this_event_takes_it_before_the_exit_rule() -> None:
    """Rule 7: as in a run that goes one way. The other branches hear it too, as a change of their conditions."""
    takes = {"wait_for_event": {"event": "Bought", "timeout": "1d"}, "happened": "j", "timed_out": "j"}
    bought = {"event": "Bought", "count": {"gte": 1}, "within": "30d"}
    hears = {"wait_for_condition": {**bought, "timeout": "1d"}}
    hears = {"wait_for_condition": {"condition": bought, "timeout": "1d"}, "happened": "j", "timed_out": "j"}
    story = Story(both(takes, hears, exit_when={"event": "Bought"}))
    story.event()
    story.event("Bought")
    assert story.ends == ["over"] and story.profile.tags == ["after"]


def test_an_event_reaches_branches_but_not_what_it_started() -> None:
    """The event that lets the run go on behind the join is not heard there again."""
    takes = {"wait_for_event": {"event": "Bought", "timeout": "1d"}, "happened": "j", "timed_out": "j"}
    again = {"wait_for_event": {"event": "Bought", "timeout": "2d"}, "happened": "over", "timed_out": "over"}
    document = both(takes, takes)
    document["nodes"]["after"] = again
    story = Story(document)
    story.event()
    story.event("Bought")
    assert story.places == ["after"]
    story.event("Bought")
    assert story.ends == ["over"]


def test_the_goal_is_counted_once_with_the_arms_of_all_branches() -> None:
    split = {"split": {"weights": {"x": 1}}, "x": "w"}
    story = Story(both(split, HOURS[1], goal={"event": "Bought"}, nodes={"w": {"wait": "2h", "next": "j"}}))
    story.event()
    story.event("Bought")
    story.event("Bought")
    goals = [step for step in story.steps if step.kind == "goal"]
    assert [step.detail for step in goals] == [{"value": 0, "arms": {"a": "x"}}]
    assert goals[0].run == f"{PERSON:x}-1"


def test_arms_of_branches_that_ended_with_the_run_are_remembered_for_goals_that_follow() -> None:
    split = {"split": {"weights": {"x": 1}}, "x": "w"}
    story = Story(
        both(
            split,
            HOURS[1],
            goal={"event": "Bought", "within": "7d"},
            exit_when={"event": "Left"},
            nodes={"w": {"wait": "2h", "next": "j"}},
        )
    )
    story.event()
    story.event("Left")
    story.event("Bought")
    assert [step.detail for step in story.steps if step.kind == "goal"] == [{"value": 0, "arms": {"a": "x"}}]


def test_branches_read_what_the_run_remembers_and_what_they_add_flows_back() -> None:
    nodes = {
        "first": {"wait_for_event": {"event": "Seen"}, "happened": "p"},
        "p": {"parallel": ["left", "right"], "left": "a", "right": "b"},
        "a": {"wait_for_event": {"event": "Liked"}, "happened": "a2"},
        "a2": {"set_attribute": {"attribute": "a", "value": {"event": "id"}}, "next": "j"},
        "b": {"set_attribute": {"attribute": "b", "value": {"event": "id"}}, "next": "b2"},
        "b2": {"set_attribute": {"attribute": "c", "value": {"entry": "id"}}, "next": "b3"},
        "b3": {"set_attribute": {"attribute": "d", "value": {"saved": "kept.id"}}, "next": "j"},
        "j": {"join": {}, "next": "after"},
        "after": {"set_attribute": {"attribute": "e", "value": {"event": "id"}}, "next": "over"},
    }
    story = Story(journey(nodes))
    story.event(id=1)
    story.profile.runs[0].saved["kept"] = {"id": 4}
    story.event("Seen", id=2)
    left = next(run for run in story.profile.runs if run.node == "a")
    left.saved["more"] = 5
    story.event("Liked", id=3)
    attributes = story.profile.attributes
    assert [attributes[name] for name in "abcde"] == [3, 2, 1, 4, 3]


def test_a_message_of_a_branch_is_known_to_the_others_and_behind_the_join() -> None:
    opened = {"message_state": {"node": "a", "state": "opened"}, "yes": "yes", "no": "no"}
    read = {"message": {"node": "a", "state": "opened"}}
    story = Story(
        both(
            {"send": {"channel": ["sms"], "template": "t"}, "next": "j"},
            {"wait_for_condition": {"condition": read, "timeout": "1h"}, "happened": "j", "timed_out": "j"},
            nodes={
                "after": {"wait": "1h", "next": "state"},
                "state": opened,
                "yes": {"send": {"channel": {"same_as": "a"}, "template": "u"}, "next": "over"},
                "no": {"end": "no"},
                "over": {"end": "over"},
            },
        )
    )
    story.event()
    assert story.places == ["p", "b"]
    story.wait("1h")
    assert story.places == ["after"]
    story.answer(story.sends[0], "opened")
    story.wait("1h")
    assert [send.channel for send in story.sends] == ["sms", "sms"] and story.ends == ["over"]
    fast = Story(story.plan.journeys["j"].live.document.raw)
    fast.event()
    fast.answer(fast.sends[0], "opened")
    assert fast.places == ["after"], "the other branch heard that it was opened"


def test_the_outcome_of_a_branchs_message_moves_that_branch() -> None:
    mail = {"send": {"channel": "email", "template": "t"}, "next": "j"}
    story = Story(both(mail, mail), answers={"a": None, "b": None})
    story.event()
    first, second = story.sends
    assert first.run != second.run
    story.answer(second, "accepted")
    assert story.places == ["p", "a"]
    story.answer(first, "accepted")
    assert story.ends == ["over"]


def test_parallels_may_be_nested() -> None:
    nodes = {
        "p": {"parallel": ["left", "right"], "left": "q", "right": "w"},
        "q": {"parallel": ["up", "down"], "up": "u", "down": "d"},
        "u": {"wait": "1h", "next": "k"},
        "d": {"send": {"channel": "email", "template": "t"}, "next": "k"},
        "k": {"join": {}, "next": "k2"},
        "k2": {"wait": "1h", "next": "j"},
        "w": {"wait": "30m", "next": "j"},
        "j": {"join": {}, "next": "last"},
        "last": {"message_state": {"node": "d", "state": "sent"}, "yes": "over", "no": "no"},
        "no": {"end": "no"},
        "over": {"end": "over"},
    }
    story = Story(journey(nodes))
    story.event()
    assert story.places == ["p", "q", "u", "w"]
    story.wait("1h")
    assert story.places == ["p", "k2"]
    story.wait("1h")
    assert story.ends == ["over"]


def test_branches_count_among_the_runs_and_one_without_room_is_skipped_and_told() -> None:
    waits = [journey({"w": {"wait": "9d", "next": "over"}}, id=f"w{at}") for at in range(MAX_RUNS - 2)]
    story = Story(*waits, both(*HOURS))
    story.event()
    assert len(story.profile.runs) == MAX_RUNS
    assert story.whys("arrived") == ["skipped: already in 20 runs at once, the limit"]
    story.wait("1h")
    assert "after" in story.profile.tags
    full = Story(*waits, journey({"w": {"wait": "9d", "next": "over"}}, id="w99"), both(*HOURS))
    full.event()
    assert len(full.whys("arrived")) == 2 and full.whys("ended", journey="j") == ["none of its branches came to a join"]


def test_restarting_a_run_restarts_all_of_it_and_the_key_stands_for_all_of_it() -> None:
    story = Story(both(*HOURS, reentry="restart", key="cart"))
    story.event(cart=1)
    story.wait("90m")
    story.event(cart=1)
    assert story.ends == ["restarted"] and story.places == ["p", "a", "b"]
    once = Story(both(*HOURS))
    once.event()
    once.event()
    assert once.refusals == ["already inside"]


def test_a_pause_holds_all_branches_and_on_resume_they_go_on() -> None:
    story = Story(both({"wait_for_event": {"event": "Bought"}, "happened": "j"}, HOURS[0]))
    story.event()
    story.change("pause")
    story.event("Bought")
    story.wait("1d")
    assert story.places == ["p", "j", "b"]
    story.change("resume")
    assert story.ends == ["over"]


def test_waits_behind_a_join_count_from_real_time_after_an_effect_of_a_branch() -> None:
    """engine.md 4: what follows an effect of the run counts from now + lag."""
    document = both({"send": {"channel": "email", "template": "t"}, "next": "j"}, {"add_tag": "b", "next": "j"})
    document["nodes"]["after"] = {"wait": "1h", "next": "over"}
    story = Story(document, lag=2 * HOUR)
    story.event()
    assert shown(story.wakes_at) == "2026-03-02 13:00"
    before = journey(
        {
            "m": {"send": {"channel": "email", "template": "t"}, "next": "p"},
            "p": {"parallel": ["x", "y"], "x": "w", "y": "e"},
            "w": {"wait": "1h", "next": "over"},
            "e": {"end": None},
            "over": {"end": None},
        }
    )
    later = Story(before, lag=2 * HOUR)
    later.event()
    assert shown(later.wakes_at) == "2026-03-02 13:00"


def test_rounds_of_a_loop_through_a_parallel_are_counted_over_all_branches() -> None:
    nodes = {
        "p": {"parallel": ["left", "right"], "left": "a", "right": "b"},
        "a": {"wait": "1h", "next": "j"},
        "b": {"wait": "2h", "next": "b2"},
        "b2": {"check": {"rounds": {"gte": 2}, "node": "b"}, "yes": "enough", "no": "j"},
        "enough": {"end": None},
        "j": {"join": {}, "next": "more"},
        "more": {"check": {"rounds": {"lt": 3}, "node": "a"}, "yes": "p", "no": "over"},
        "over": {"end": "over"},
    }
    story = Story(journey(nodes))
    story.event()
    story.wait("1d")
    assert story.ends == ["over"]
    assert story.branches.count("p left") == 3
    assert [branch for branch in story.branches if branch.startswith("b2")] == ["b2 no", "b2 yes", "b2 yes"]


def test_hops_of_emitted_events_count_through_branches() -> None:
    document = both({"emit": "Go", "next": "j"}, {"add_tag": "x", "next": "j"})
    story = Story(document)
    story.event()
    assert any("was not emitted" in why for why in story.whys("failed"))
    assert not any(isinstance(effect, Withdraw) for effect in story.effects)


def test_a_join_that_is_passed_by_one_way_is_passed() -> None:
    """Somebody was moved out of the branches by a new version."""
    story = Story(journey({"j": {"join": {}, "next": "over"}}))
    story.event()
    assert story.ends == ["over"]


# --- before publishing ---
