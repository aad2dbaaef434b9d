"""The node `wait_for_date`: offsets, times of day, anniversaries, zones, and being timed anew."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import Story, ended, journey, node_faults, one, shown

from wend.core.journey.check import check


def waits_until(node: dict[str, Any], **attributes: Any) -> str:
    story = Story(one({"wait_for_date": node}), **attributes)
    story.event()
    return shown(story.wakes_at) if story.profile.runs else f"{story.branches[-1].split()[1]}"


@pytest.mark.parametrize(
    ("node", "attributes", "expected"),
    [
        ({"date": "2026-04-01"}, {}, "2026-04-01 00:00"),
        ({"date": "2026-04-01"}, {"timezone": "Europe/Berlin"}, "2026-03-31 22:00"),
        ({"date": "2026-04-01", "at": "09:00"}, {"timezone": "Europe/Berlin"}, "2026-04-01 07:00"),
        (
            {"attribute": "due", "before": "10d", "at": "09:00"},
            {"due": "2026-04-05", "timezone": "Europe/Berlin"},
            "2026-03-26 08:00",
        ),
        ({"attribute": "due", "before": "10d"}, {"due": "2026-04-05", "timezone": "Europe/Berlin"}, "2026-03-25 23:00"),
        ({"attribute": "due", "after": "12h"}, {"due": "2026-04-05T10:00:00Z"}, "2026-04-05 22:00"),
        ({"attribute": "due", "before": "36h", "at": "09:00"}, {"due": "2026-04-05T10:00:00Z"}, "2026-04-03 09:00"),
        ({"attribute": "due", "plus": "1d"}, {"due": "2026-04-05"}, "2026-04-06 00:00"),
        ({"date": {"entry": "day", "default": "2026-05-01"}}, {}, "2026-05-01 00:00"),
        ({"now": None, "plus": "2d"}, {}, "2026-03-04 10:00"),
        ({"attribute": "born", "any_year": True, "at": "09:00"}, {"born": "1990-03-05"}, "2026-03-05 09:00"),
        ({"attribute": "born", "any_year": True}, {"born": "1990-03-02"}, "2027-03-02 00:00"),
        ({"attribute": "born", "any_year": True, "before": "3d"}, {"born": "1990-03-04"}, "2027-03-01 00:00"),
        ({"attribute": "born", "any_year": True, "before": "3y"}, {"born": "1990-03-04"}, "2026-03-05 00:00"),
        ({"attribute": "born", "any_year": True, "after": "400d"}, {"born": "1990-03-04"}, "2026-04-08 00:00"),
        ({"attribute": "born", "any_year": True}, {"born": "1992-02-29"}, "2027-02-28 00:00"),
        ({"attribute": "due"}, {"due": 1775001600}, "2026-04-01 00:00"),
        ({"attribute": "due"}, {"due": "2026-03-02"}, "passed"),
        ({"attribute": "due"}, {}, "passed"),
        ({"attribute": "due"}, {"due": "soon"}, "passed"),
        ("2026-01-01", {}, "passed"),
    ],
)
def test_wait_for_date_rests_until(node: Any, attributes: dict[str, Any], expected: str) -> None:
    assert waits_until(node, **attributes) == expected


def test_wait_for_date_at_a_time_of_day_that_does_not_exist() -> None:
    assert waits_until({"date": "2026-03-29", "at": "02:30"}, timezone="Europe/Berlin") == "2026-03-29 01:00"


def test_wait_for_date_is_timed_anew_when_the_attribute_changes() -> None:
    story = Story(one({"wait_for_date": {"attribute": "loan.due", "before": "1d"}}), loan={"due": "2026-04-05"})
    story.event()
    assert shown(story.wakes_at) == "2026-04-04 00:00"
    story.identify(loan={"due": "2026-05-05"})
    assert shown(story.wakes_at) == "2026-05-04 00:00"
    story.identify(city="Oslo")
    assert shown(story.wakes_at) == "2026-05-04 00:00"
    story.identify(timezone="America/New_York")
    assert shown(story.wakes_at) == "2026-05-04 04:00"
    story.identify(loan=None)
    assert ended(story) == "next" and story.branches == ["n passed"]


def test_wait_for_date_that_is_fixed_only_hears_of_the_zone() -> None:
    story = Story(one({"wait_for_date": "2026-04-05"}))
    story.event()
    story.identify(timezone="Asia/Tokyo")
    assert shown(story.wakes_at) == "2026-04-04 15:00"


def test_wait_for_date_goes_by_next_when_the_date_comes() -> None:
    nodes = {
        "n": {"wait_for_date": "2026-04-05", "next": "y", "passed": "x"},
        "y": {"end": "came"},
        "x": {"end": "had passed"},
    }
    story = Story(journey(nodes))
    story.event()
    story.until("2026-04-05 00:00")
    assert ended(story) == "came"
    story.event()
    assert story.ends[1] == "came"
    story.wait("1d")
    story.event()
    assert story.ends[2] == "had passed"


def test_wait_for_date_in_a_loop_waits_for_the_next_year() -> None:
    nodes = {
        "n": {"wait_for_date": {"attribute": "born", "any_year": True}, "next": "tag", "passed": "over"},
        "tag": {"adjust_score": 1, "next": "n"},
    }
    document = journey(nodes)
    assert check(document)[1] == []
    story = Story(document, born="1990-03-02")
    story.until("2030-03-01 00:00")
    story.event()
    story.until("2032-03-02 00:00")
    assert story.profile.score == 3


def test_wait_for_date_says_where_its_settings_are_wrong() -> None:
    assert node_faults({"wait_for_date": "Easter"}) == [
        "nodes.n.wait_for_date.date: expected a date such as 2026-12-24, found 'Easter'"
    ]
    assert "did you mean 'before'" in node_faults({"wait_for_date": {"attribute": "due", "befor": "1d"}})[0]
    assert "'25:00' is not a time of day" in node_faults({"wait_for_date": {"date": "2026-01-01", "at": "25:00"}})[0]
    assert node_faults({"wait_for_date": {"date": {"attribute": 1}}})[0].startswith(
        "nodes.n.wait_for_date.date.attribute: expected a name"
    )
