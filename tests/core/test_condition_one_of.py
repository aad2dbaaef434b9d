"""`{property: …, one_of: {saved: …}}`: an event about something that is only known by the time the journey waits."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import Story, journey, node_faults

from wend.core.condition.syntax import parse
from wend.core.inputs import Answer
from wend.core.problems import Problem


def waiting(one_of: Any, **more: Any) -> Story:
    nodes = {
        "ask": {"call_api": {"service": "s", "path": "/", "save_as": "found"}, "ok": "n", "failed": "n"},
        "n": {"wait_for_event": {"event": "Viewed", "where": {"property": "id", "one_of": one_of}}, "happened": "over"},
    }
    return Story(journey(nodes), **more)


@pytest.mark.parametrize(
    ("saved", "viewed", "heard"),
    [
        (["a", "b"], "b", True),
        (["a", "b"], "c", False),
        ("a", "a", True),
        ([1, 2], 1, True),
        ([1, 2], True, False),
        ([1, 2], "1", False),
        (None, None, False),
    ],
)
def test_the_event_is_about_one_of_what_was_fetched(saved: Any, viewed: Any, heard: bool) -> None:
    story = waiting({"saved": "found.ids"})
    story.event()
    run = story.profile.runs[0]
    story.tell(Answer(f"{run.id}.{run.move}", "ok", story.now, run.id, run.move, {"ids": saved}))
    assert story.places == ["n"]
    story.event("Viewed", id=viewed)
    assert (not story.places) is heard


def test_the_event_is_about_one_of_an_attributes_values() -> None:
    story = waiting({"attribute": "wishlist"}, wishlist=["a"])
    story.event()
    run = story.profile.runs[0]
    story.tell(Answer(f"{run.id}.{run.move}", "failed", story.now, run.id, run.move))
    story.event("Viewed", id="b")
    assert story.places == ["n"]
    story.event("Viewed", id="a")
    assert not story.places


@pytest.mark.parametrize(
    ("one_of", "fault"),
    [
        (["a"], "expected where the values are: {saved: name.path} or {attribute: name}, found ['a']"),
        ({"saved": 5}, "expected a name or path, found 5"),
        ({"saved": "a", "in": "b"}, "has no setting 'in'"),
    ],
)
def test_faults_are_named(one_of: Any, fault: str) -> None:
    faults = node_faults({"wait_for_event": {"event": "Viewed", "where": {"property": "id", "one_of": one_of}}})
    assert any(fault in one for one in faults), faults


def test_outside_of_a_journey_there_is_no_run_to_read() -> None:
    problems: list[Problem] = []
    raw = {"property": "id", "one_of": {"saved": "found"}}
    parse(raw, "where", problems, inside=frozenset({"event"}))
    assert "can only stand where a journey waits for one" in str(problems[0])
    found = parse(raw, "where", [], inside=frozenset({"event", "journey"}))
    assert found is not None and found.dump() == raw
