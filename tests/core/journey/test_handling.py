"""An operator's hand on people inside, and test people with short waits (issue 3, points 5 and 6 of its publishing room)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, Story, journey, one

from wend.core.inputs import Handle, Identify
from wend.core.journey.document import parse
from wend.core.journey.waiting import check_settings, way_on

SECOND = 1_000
WAIT = {"w": {"wait": "2h", "next": "t"}, "t": {"add_tag": "done", "next": "over"}}
TEST = {"test": {"tag": "tester"}}


def hand(story: Story, action: Any, **more: Any) -> None:
    story.tell(Handle(action, "j", story.now, who="key k1", **more))


def handled(story: Story) -> list[tuple[str, str]]:
    return [(step.branch, step.why) for step in story.steps if step.kind == "handled"]


# --- an operator's hand ---


def test_an_operator_takes_somebody_out_and_it_says_who_did_it() -> None:
    nodes = {"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}
    story = Story(journey(nodes), journey(WAIT, id="other"), answers={"s": None})
    story.event()
    hand(story, "out")
    assert story.ends == ["taken out by key k1"] and handled(story) == [("out", "by key k1")]
    assert story.withdrawn == [story.sends[0].id] and [run.journey for run in story.profile.runs] == ["other"]
    hand(story, "out")
    assert len(handled(story)) == 1, "who is not inside is left alone"


def test_an_operator_takes_out_only_those_at_a_node_or_one_run() -> None:
    story = Story(journey({"w": {"wait": {"entry": "length"}, "next": "x"}, "x": {"wait": "9d", "next": "over"}},
                          concurrency="many"))  # fmt: skip
    for length in ("1h", "2d", "3d"):
        story.event(length=length)
    story.wait("2h")
    hand(story, "out", node="x")
    assert [run.id for run in story.profile.runs] == ["a11ce-2", "a11ce-3"]
    hand(story, "out", run="a11ce-3")
    assert [run.id for run in story.profile.runs] == ["a11ce-2"]


def test_a_whole_run_leaves_by_any_of_its_branches() -> None:
    nodes = {"p": {"parallel": ["a", "b"], "a": "w_a", "b": "w_b"}, "w_a": {"wait": "1h", "next": "over"}}
    story = Story(journey({**nodes, "w_b": {"wait": "1h", "next": "over"}}))
    story.event()
    hand(story, "out")
    assert story.profile.runs == [] and story.ends == ["taken out by key k1"]
    story.event()
    hand(story, "skip")
    assert handled(story)[1:] == [("skip", "by key k1")] * 2 and story.profile.runs == []


@pytest.mark.parametrize(
    ("node", "end"),
    [
        ({"wait": "2h"}, "next"),
        ({"wait_for_slot": {"days": ["sun"], "from": "09:00", "to": "10:00"}}, "next"),
        ({"wait_for_date": "2026-05-01"}, "next"),
        ({"wait_for_event": {"event": "E", "timeout": "9d"}}, "timed_out"),
        ({"wait_for_event": {"event": "E"}}, "happened"),
        ({"wait_for_condition": {"tag": "x", "timeout": "9d"}}, "timed_out"),
    ],
)
def test_an_operator_lets_a_wait_be_skipped(node: dict[str, Any], end: str) -> None:
    story = Story(one(node))
    story.event()
    story.wait("1m")
    hand(story, "skip", node="n")
    assert story.ends == [end] and story.whys("moved") == ["skipped by key k1"]


def test_the_clock_on_a_box_is_skipped_and_waits_count_from_then() -> None:
    story = Story(journey({"w": {"wait": "2h", "next": "over", "timing": {"delay": "5h"}}}))
    story.event()
    story.wait("1h")
    hand(story, "skip")
    assert story.wakes_at == MONDAY + 3 * HOUR and handled(story) == [("skip", "by key k1")]
    hand(story, "skip")
    assert story.ends == ["over"]


def test_permission_is_not_skipped_nor_a_pause_and_the_step_says_so() -> None:
    night = {"quiet_hours": {"email": {"from": "22:00", "to": "11:00"}}}
    story = Story(journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}), settings=night)
    story.event()
    story.tell(Handle("skip", "j", story.now))
    assert handled(story) == [("skip", "by an operator: nothing to skip, it does not wait here")] and not story.sends
    awaits = {"w": {"wait_for_event": {"event": "E"}, "happened": "x"}, "x": {"wait": "1h", "next": "over"}}
    story = Story(journey(awaits))
    story.event()
    story.change("pause")
    story.event("E")
    hand(story, "skip")
    assert handled(story)[0][1].endswith("the journey is paused") and story.places == ["x"]


def test_who_leaves_because_of_another_run_is_not_handled_any_more() -> None:
    nodes = {**WAIT, "t": {"add_tag": "x", "next": "y"}, "y": {"wait": "1d", "next": "over"}}
    story = Story(journey(nodes, concurrency="many", exit_when={"tag": "x"}))
    story.event()
    story.event()
    hand(story, "skip")
    assert story.ends == ["exit: its condition is true"] * 2 and story.profile.runs == []


def test_a_hand_on_another_journey_does_nothing() -> None:
    story = Story(journey(WAIT, id="other"))
    story.event()
    hand(story, "out")
    assert story.places == ["w"] and handled(story) == []


# --- test people ---


def a_tester(*documents: dict[str, Any], **settings: Any) -> Story:
    story = Story(*documents, settings={"test": {**TEST["test"], **settings}})
    story.tell(Identify({}, story.now, tags=["tester"]))
    return story


@pytest.mark.parametrize(
    ("node", "end"),
    [
        ({"wait": "2d"}, "next"),
        ({"wait_for_slot": {"days": ["sun"], "from": "09:00", "to": "10:00"}}, "next"),
        ({"wait_for_date": "2026-05-01"}, "next"),
        ({"wait_for_event": {"event": "E", "timeout": "9d"}}, "timed_out"),
        ({"wait_for_condition": {"inactive": "3d", "timeout": "9d"}}, "timed_out"),
        ({"wait": "2d", "timing": {"delay": "2d"}}, "next"),
    ],
)
def test_the_waits_of_test_people_are_cut_short(node: dict[str, Any], end: str) -> None:
    story = a_tester(one(node))
    story.event()
    assert story.wakes_at == MONDAY + 10 * SECOND
    story.wait("10s")
    assert story.ends == [end]
    assert all(step.detail and step.detail["test"] == "yes" for step in story.steps if step.run)


def test_the_length_is_a_setting_and_shorter_waits_stay_as_they_are() -> None:
    for length, due in (("5m", 5 * MINUTE), ("20m", 20 * MINUTE), ("9d", HOUR)):
        story = a_tester(one({"wait": "1h"}), wait=length)
        story.event()
        assert story.wakes_at == MONDAY + due


def test_what_has_no_timeout_is_waited_for_also_by_test_people() -> None:
    story = a_tester(one({"wait_for_event": {"event": "E"}}), one({"wait_for_condition": {"inactive": "3d"}}, id="k"))
    story.event()
    assert story.wakes_at == MONDAY + 3 * DAY and story.places == ["n", "n"]


def test_other_people_and_other_rests_are_not_cut_short() -> None:
    story = Story(one({"wait": "2d"}), settings=TEST)
    story.event()
    assert story.wakes_at == MONDAY + 2 * DAY
    assert not any(step.detail and "test" in step.detail for step in story.steps)


def test_nights_do_not_hold_the_messages_of_test_people() -> None:
    nodes = {"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}
    settings = {**TEST, "quiet_hours": {"email": {"from": "22:00", "to": "11:00"}}}
    story = Story(journey(nodes), settings=settings)
    story.tell(Identify({}, story.now, tags=["tester"]))
    story.event()
    assert story.templates == ["t"]


def test_a_condition_that_becomes_true_in_time_is_no_timeout_for_a_test_person() -> None:
    story = a_tester(one({"wait_for_condition": {"tag": "x", "timeout": "9d"}}))
    story.event()
    story.wait("5s")
    story.tell(Identify({}, story.now, tags=["x"]))
    assert story.ends == ["happened"]
    story = a_tester(one({"wait_for_condition": {"inactive": "5s", "timeout": "9d"}}))
    story.event()
    story.wait("5s")
    assert story.ends == ["happened"], "also by the mere passing of time"


def test_without_a_timeout_a_test_person_who_wakes_waits_on() -> None:
    story = a_tester(one({"wait_for_condition": {"all": [{"inactive": "4s"}, {"run_age": {"lt": "3s"}}]}}), wait="1s")
    story.event()
    story.wait("10s")
    assert story.places == ["n"] and story.wakes_at is None


def test_waking_before_the_short_wait_is_over_a_test_person_waits_on() -> None:
    waiting = {"all": [{"inactive": "4s"}, {"not": {"inactive": "4s"}}]}
    story = a_tester(one({"wait_for_condition": {**waiting, "timeout": "1h"}}))
    story.event()
    story.wait("5s")
    assert story.places == ["n"] and story.wakes_at == MONDAY + 10 * SECOND


def test_moved_to_a_new_version_the_waits_of_test_people_stay_short() -> None:
    story = a_tester(journey(WAIT), wait="1m")
    story.event()
    story.skip("10s")
    longer = journey({**WAIT, "w": {"wait": "9h", "next": "t"}})
    story.change("publish", document=longer, policy="move")
    assert story.wakes_at == MONDAY + MINUTE
    story.wait("1m")
    assert "done" in story.profile.tags

    def clock(delay: str) -> dict[str, Any]:
        return journey({**WAIT, "w": {"wait": "9h", "next": "t", "timing": {"delay": delay}}})

    story = a_tester(clock("2h"), wait="1m")
    story.event()
    story.change("publish", document=clock("3h"), policy="move")
    assert story.wakes_at == MONDAY + MINUTE


def test_only_where_somebody_waits_is_there_a_way_on() -> None:
    document = parse(
        journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}, **WAIT}, start="s"), []
    )
    assert document is not None
    assert way_on(document.nodes["s"].node) is None and way_on(document.nodes["w"].node) == "next"


def test_the_setting_is_checked_with_all_its_faults() -> None:
    assert list(check_settings({})) == [] and list(check_settings({"test": {"tag": "t", "wait": "1s"}})) == []
    for raw, faults in (
        ("tester", ["test: expected {tag: test-person, wait: 10s}, found 'tester'"]),
        (
            {"tga": "x", "wait": "long"},
            [
                "test.tga: is not part of it; did you mean 'tag'?",
                "test.tag: expected the tag that marks test people, found None",
                "test.wait: 'long' is not a duration",
            ],
        ),
        ({"tag": "x", "wait": "0s"}, ["test.wait: expected 1s or more, found '0s'"]),
    ):
        found = [str(one) for one in check_settings({"test": raw})]
        assert [line[: len(fault)] for line, fault in zip(found, faults, strict=True)] == faults
