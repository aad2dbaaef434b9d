"""The nodes that wait for time, for an event, for a condition."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, Story, ended, journey, node_faults, one, shown

# --- wait ---


def test_wait_rests_for_a_length_of_time() -> None:
    story = Story(one({"wait": "1d 2h"}))
    story.event()
    assert shown(story.wakes_at) == "2026-03-03 12:00"
    story.until("2026-03-03 11:59")
    assert story.places == ["n"]
    story.until("2026-03-03 12:00")
    assert ended(story) == "next"


def test_wait_for_a_computed_length() -> None:
    node = {"wait": {"attribute": "pause", "default": "3h"}}
    for pause, length in (("90m", 90 * MINUTE), (None, 3 * HOUR), ("5s", MINUTE)):
        story = Story(one(node), pause=pause)
        story.event()
        assert story.wakes_at == MONDAY + length
    story = Story(one(node), pause="a while")
    story.event()
    assert ended(story) == "next" and story.whys("moved") == ["no wait: 'a while' is not a duration"]


def test_wait_for_no_time_goes_on_at_once() -> None:
    story = Story(one({"wait": "0s"}))
    story.event()
    assert ended(story) == "next"


@pytest.mark.parametrize("length", [5, "soon", {"plus": "1d"}, {"attribut": "x"}, {"attribute": 5}, None, []])
def test_wait_wants_a_duration_or_an_expression(length: Any) -> None:
    assert node_faults({"wait": length})[0].startswith("nodes.n.wait.for")


# --- wait_for_event ---


def test_wait_for_event_goes_by_the_event_or_by_the_timeout() -> None:
    document = one({"wait_for_event": {"event": "Bought", "timeout": "2h"}})
    story = Story(document)
    story.event()
    story.wait("119m")
    story.event("Bought")
    assert ended(story) == "happened"
    late = Story(document)
    late.event()
    late.wait("2h")
    assert ended(late) == "timed_out" and late.whys("moved") == ["no Bought within 2 h"]


def test_wait_for_event_at_a_tie_the_timer_goes_first() -> None:
    story = Story(one({"wait_for_event": {"event": "Bought", "timeout": "2h"}}))
    story.event()
    story.skip("2h")
    story.event("Bought")
    assert ended(story) == "timed_out"


def test_wait_for_event_takes_one_of_several_names_and_heeds_its_condition() -> None:
    where = {"all": [{"property": "total", "gt": 10}, {"attribute": "city", "is": "Oslo"}]}
    story = Story(one({"wait_for_event": {"event": ["Bought", "Ordered"], "where": where}}), city="Oslo")
    story.event()
    story.event("Ordered", total=5)
    assert story.places == ["n"] and story.wakes_at is None
    story.event("Ordered", total=50)
    assert ended(story) == "happened"


def test_wait_for_event_with_a_branch_for_each_event_the_first_wins() -> None:
    events = {"bought": {"event": "Bought"}, "looked": {"event": "Looked", "where": {"property": "page", "is": "/a"}}}
    document = one({"wait_for_event": {"events": events, "timeout": "1d"}})
    for name, branch in (("Bought", "bought"), ("Looked", "looked")):
        story = Story(document)
        story.event()
        story.event("Looked", page="/b")
        assert story.places == ["n"]
        story.event(name, page="/a")
        assert ended(story) == branch


def test_wait_for_event_keeps_what_moved_it() -> None:
    nodes = {
        "n": {"wait_for_event": "Bought", "happened": "s"},
        "s": {"set_attribute": {"attribute": "seen", "value": {"event": "total"}}, "next": "t"},
        "t": {"set_attribute": {"attribute": "first", "value": {"entry": "total"}}, "next": "over"},
    }
    nodes["n"] = {"wait_for_event": {"event": "Bought"}, "happened": "s"}
    story = Story(journey(nodes))
    story.event(total=1)
    story.event("Bought", total=2)
    assert (story.profile.attributes["seen"], story.profile.attributes["first"]) == (2, 1)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "event: give either event or events"),
        ({"event": "A", "events": {"x": "A"}}, "event: give either event or events"),
        ({"events": {"x": "A"}, "where": {"tag": "x"}}, "where: put the condition into each of the events"),
        ({"events": {"timed_out": "A"}}, "events.timed_out: 'timed_out' is the branch of the timeout"),
        ({"events": {"x": {"evnt": "A"}}}, "events.x: expected an event such as"),
        (
            {"events": {"x": {"event": "A", "wher": {}}}},
            "events.x.wher: 'wher' is not allowed here; did you mean 'where'?",
        ),
        ({"event": ["A", ""]}, "event: expected the name of an event, found ''"),
        ({"event": []}, "event: expected the name of an event, found an empty list"),
        ({"event": "A", "timeout": 5}, "timeout: 5 is not a duration"),
    ],
)
def test_wait_for_event_says_where_its_settings_are_wrong(settings: Any, fault: str) -> None:
    found = node_faults({"wait_for_event": settings})
    assert found and found[0].startswith(f"nodes.n.wait_for_event.{fault}"), found


# --- wait_for_condition ---


def test_wait_for_condition_that_is_true_already() -> None:
    story = Story(one({"wait_for_condition": {"tag": "vip", "timeout": "1d"}}))
    story.profile.tags.append("vip")
    story.event()
    assert ended(story) == "happened"


def test_wait_for_condition_until_it_comes_true_or_the_time_is_over() -> None:
    document = one({"wait_for_condition": {"attribute": "city", "is": "Oslo", "timeout": "1d"}})
    story = Story(document)
    story.event()
    story.identify(city="Rome")
    assert story.places == ["n"]
    story.identify(city="Oslo")
    assert ended(story) == "happened"
    late = Story(document)
    late.event()
    late.wait("1d")
    assert ended(late) == "timed_out"


def test_wait_for_condition_comes_true_by_mere_passing_of_time() -> None:
    story = Story(one({"wait_for_condition": {"condition": {"inactive": "30d"}}}))
    story.event()
    assert story.wakes_at == MONDAY + 30 * DAY
    story.wait("10d")
    story.event("Visited")
    story.wait("29d")
    assert story.places == ["n"]
    story.wait("1d")
    assert ended(story) == "happened" and story.now == MONDAY + 40 * DAY


def test_wait_for_condition_hears_counts_and_built_in_facts() -> None:
    document = one(
        {"wait_for_condition": {"all": [{"event": "Viewed", "count": {"gte": 2}}, {"cart": {"items": {"gt": 0}}}]}}
    )
    story = Story(document)
    story.event()
    story.event("Viewed")
    story.event("Product Added", product_id="p")
    assert story.places == ["n"]
    story.event("Viewed")
    assert ended(story) == "happened"


def test_wait_for_condition_on_what_became_of_a_message_of_this_very_run() -> None:
    nodes = {
        "mail": {"send": {"channel": "email", "template": "t"}, "next": "n"},
        "n": {
            "wait_for_condition": {"message": {"node": "mail", "state": "opened"}, "timeout": "2d"},
            "happened": "y",
            "timed_out": "x",
        },
        "y": {"end": "opened"},
        "x": {"end": "not opened"},
    }
    story = Story(journey(nodes, key="offer"))
    story.event(offer=1)
    story.event(offer=2)
    story.answer(story.sends[0], "opened")
    assert story.ends == ["opened"]
    story.wait("2d")
    assert story.ends == ["opened", "not opened"]


def test_wait_for_condition_wants_a_condition() -> None:
    assert node_faults({"wait_for_condition": {"timeout": "1d"}}) == [
        "nodes.n.wait_for_condition.condition: is missing"
    ]
    assert "is no form of condition" in node_faults({"wait_for_condition": {"foo": 1}})[0]
