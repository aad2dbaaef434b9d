"""The node `split`: shares, arms that stick, a control share, weights that are learned, goals by arm."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.core.journey.story import Story, journey, node_faults, one


def arms(split: dict[str, Any], people: int = 400, times: int = 1, **more: Any) -> Counter[str]:
    """How many went which way."""
    found: Counter[str] = Counter()
    document = one({"split": split})
    for person in range(1, people + 1):
        story = Story(document, person=person, consent=(), **more)
        for _ in range(times):
            story.event()
        found.update(story.ends)
    return found


def test_a_control_share_is_taken_from_all_before_the_arms() -> None:
    found = arms({"weights": {"a": 50, "b": 50}, "control": "20%"})
    assert 50 < found["control"] < 110
    assert 120 < found["a"] < 200 and 120 < found["b"] < 200
    story = Story(one({"split": {"weights": {"a": 1}, "control": "99.9999%"}}))
    story.event()
    assert story.whys("moved") == ["99.9999% of all are the control group"]


def test_a_sticky_arm_is_the_persons_own_each_time() -> None:
    for person in range(1, 30):
        story = Story(one({"split": {"weights": {"a": 1, "b": 1}, "sticky": True}}), person=person)
        for _ in range(4):
            story.event()
        assert len(set(story.ends)) == 1
        assert story.whys("moved")[0] == "the person's own arm"
    assert len(arms({"weights": {"a": 1, "b": 1}, "sticky": True}, people=50)) == 2


def test_an_arm_that_does_not_stick_is_drawn_for_each_run() -> None:
    story = Story(one({"split": {"weights": {"a": 1, "b": 1}}}))
    for _ in range(20):
        story.event()
    assert set(story.ends) == {"a", "b"}


def test_learned_weights_count_as_soon_as_they_are_published() -> None:
    split = {"weights": {"a": 1, "b": 1}, "optimise": "goal"}
    nodes = {"n": {"split": split, "a": "over", "b": "other"}, "over": {"end": "a"}, "other": {"end": "b"}}
    document = journey(nodes, goal={"event": "Bought"})
    story = Story(document)
    story.event()
    assert story.whys("moved") == ["nothing is learned yet"]
    learned = Story(document, settings={"bandits": {"j/n": {"a": 0.0, "b": 1.0}}})
    for _ in range(10):
        learned.event()
    assert set(learned.ends) == {"b"}
    assert learned.whys("moved")[0] == "learned: a 0%, b 100%"
    for stale in ({"a": 1.0, "c": 1.0}, {"a": 0.0, "b": 0.0}):
        changed = Story(document, settings={"bandits": {"j/n": stale}})
        changed.event()
        assert changed.whys("moved") == ["nothing is learned yet"]


def test_a_goal_is_counted_for_the_arm_during_the_run_and_after_its_end() -> None:
    nodes = {
        "n": {"split": {"weights": {"a": 1, "b": 0}}, "a": "rest", "b": "over"},
        "rest": {"wait": "1d", "next": "over"},
    }
    story = Story(journey(nodes, goal={"event": "Bought", "within": "7d"}))
    story.event()
    story.event("Bought")
    story.wait("2d")
    story.event()
    story.wait("2d")
    story.event("Bought")
    assert [(step.detail or {}).get("arms") for step in story.steps if step.kind == "goal"] == [{"n": "a"}, {"n": "a"}]


def test_without_a_goal_no_arm_is_remembered() -> None:
    nodes = {"n": {"split": {"weights": {"a": 1}}, "a": "rest"}, "rest": {"wait": "1d", "next": "over"}}
    story = Story(journey(nodes))
    story.event()
    assert story.profile.runs[0].arms == {}


def test_what_is_wrong_with_a_split() -> None:
    assert node_faults({"split": {"weights": {"a": 1}, "control": "100%"}}) == [
        "nodes.n.split.control: expected a part of all such as 10%, found '100%'"
    ]
    assert node_faults({"split": {"weights": {"a": 1, "control": 1}, "control": "5%"}}) == [
        "nodes.n.split.weights.control: 'control' is the branch of the control share; choose another name"
    ]
    assert node_faults({"split": {"weights": {"a": 1}, "sticky": True, "optimise": "goal"}}) == [
        "nodes.n.split.sticky: an arm that is learned cannot be kept for ever: leave out sticky or optimise"
    ]
