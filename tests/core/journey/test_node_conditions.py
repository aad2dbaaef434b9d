"""The nodes that go by a condition, and `split`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import Story, ended, journey, node_faults, one

from wend.core.inputs import Suppress

# --- conditions ---


def test_check_goes_by_a_condition() -> None:
    document = one({"check": {"attribute": "city", "is": "Oslo"}})
    for city, branch in (("Oslo", "yes"), ("Rome", "no"), (None, "no")):
        story = Story(document, city=city)
        story.event()
        assert ended(story) == branch


def test_check_tries_cases_in_order_and_has_an_else() -> None:
    cases = {"rich": {"attribute": "income", "gt": 100}, "some": {"attribute": "income", "gt": 10}}
    for income, branch in ((500, "rich"), (50, "some"), (5, "else")):
        story = Story(one({"check": {"cases": cases}}), income=income)
        story.event()
        assert ended(story) == branch


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "nodes.n.check.if: give either one condition or cases"),
        ({"if": {"tag": "a"}, "cases": {"x": {"tag": "a"}}}, "nodes.n.check.if: give either one condition or cases"),
        ({"cases": {"else": {"tag": "a"}}}, "nodes.n.check.cases.else: 'else' is the branch for none of the cases"),
        ({"cases": {"note": {"tag": "a"}}}, "nodes.n.check.cases.note: 'note' cannot be the name of a branch"),
        ({"cases": {" ": {"tag": "a"}}}, "nodes.n.check.cases. : ' ' cannot be the name of a branch"),
        ({"cases": []}, "nodes.n.check.cases: expected a condition for each branch, found []"),
        ({"cases": {"a": {"tga": "a"}}}, "nodes.n.check.cases.a: 'tga' is no form of condition; did you mean 'tag'?"),
        ({"attribute": "city", "iss": "Oslo"}, "nodes.n.check.if"),
        ({"segment": 5}, "nodes.n.check.if.segment: expected the id of a segment, found 5"),
    ],
)
def test_check_says_where_its_settings_are_wrong(settings: Any, fault: str) -> None:
    found = node_faults({"check": settings})
    assert found and found[0].startswith(fault), found


def test_has_done_counts_events_also_since_the_run_began() -> None:
    nodes = {
        "w": {"wait": "1d", "next": "n"},
        "n": {"has_done": {"event": "Paid", "since": "entry"}, "yes": "y", "no": "x"},
        "y": {"end": "yes"},
        "x": {"end": "no"},
    }
    for paid_after, branch in ((True, "yes"), (False, "no")):
        story = Story(journey(nodes))
        story.event("Paid")
        story.wait("1h")
        story.event()
        if paid_after:
            story.wait("1h")
            story.event("Paid")
        story.wait("2d")
        assert ended(story) == branch


def test_has_done_takes_a_bare_name() -> None:
    story = Story(one({"has_done": "Paid"}))
    story.event()
    story.event("Paid")
    story.event()
    assert story.ends == ["no", "yes"]


def test_has_done_refuses_conditions_that_are_not_about_events() -> None:
    assert node_faults({"has_done": {"tag": "vip"}})[0].startswith("nodes.n.has_done.condition: expected an event")
    assert node_faults({"has_done": None}) == ["nodes.n.has_done.condition: is missing"]


def test_reachable_knows_marketing_transactional_and_address() -> None:
    def answer(story: Story) -> str:
        story.event()
        return story.ends[-1]

    def ask(purpose: str) -> dict[str, Any]:
        return one({"reachable": {"channel": "email", "for": purpose}})

    assert answer(Story(one({"reachable": "email"}))) == "yes"
    assert answer(Story(one({"reachable": "email"}), consent=())) == "no"
    assert answer(Story(ask("transactional"), consent=())) == "yes"
    story = Story(ask("transactional"), consent=())
    story.tell(Suppress("bounced", story.now, "email"))
    assert answer(story) == "no"
    story = Story(ask("address"), consent=())
    story.tell(Suppress("bounced", story.now, "email"))
    assert answer(story) == "yes"
    assert answer(Story(ask("address"), email=None)) == "no"


@pytest.mark.parametrize(
    ("feedback", "asked", "branch"),
    [
        (["accepted"], "sent", "yes"),
        (["accepted"], "delivered", "no"),
        (["accepted", "delivered"], "delivered", "yes"),
        (["accepted", "opened"], "delivered", "yes"),
        (["accepted", "clicked"], "opened", "yes"),
        (["accepted", "delivered"], "opened", "no"),
        (["accepted", "bounced"], "failed", "yes"),
        (["accepted"], "failed", "no"),
        (["accepted", "replied"], "replied", "yes"),
        (["accepted", "replied"], "clicked", "no"),
        (["refused"], "failed", "yes"),
    ],
)
def test_message_state_knows_what_a_later_state_proves(feedback: list[str], asked: str, branch: str) -> None:
    nodes = {
        "mail": {"send": {"channel": "email", "template": "t"}, "next": "w"},
        "w": {"wait": "1h", "next": "n"},
        "n": {"message_state": {"node": "mail", "state": asked}, "yes": "y", "no": "x"},
        "y": {"end": "yes"},
        "x": {"end": "no"},
    }
    story = Story(journey(nodes), answers={"mail": None})
    story.event()
    for state in feedback:
        story.answer(story.sends[0], state)
    story.wait("1h")
    assert ended(story) == branch


def test_message_state_does_not_believe_machines_and_knows_when_nothing_was_sent() -> None:
    nodes = {
        "mail": {"send": {"channel": "email", "template": "t"}, "next": "w"},
        "w": {"wait": "1h", "next": "n"},
        "n": {"message_state": {"node": "mail", "state": "opened"}, "yes": "y", "no": "x"},
        "y": {"end": "yes"},
        "x": {"end": "no"},
    }
    story = Story(journey(nodes))
    story.event()
    story.answer(story.sends[0], "opened", machine=True)
    story.wait("1h")
    assert ended(story) == "no"
    silent = Story(journey(nodes), consent=())
    silent.event()
    silent.wait("1h")
    assert ended(silent) == "no" and "mail has sent nothing" in silent.whys("moved")


# --- split ---


def test_split_draws_by_weight_and_the_same_each_time() -> None:
    document = one({"split": {"weights": {"a": 70, "b": 30, "never": 0}}})
    drawn: list[str] = []
    for person in range(1, 401):
        arms: list[str] = []
        for _ in range(2):
            story = Story(document, person=person, consent=())
            story.event()
            arms.append(ended(story))
        assert arms[0] == arms[1]
        drawn.append(arms[0])
    assert 240 <= drawn.count("a") <= 320
    assert drawn.count("never") == 0 and drawn.count("a") + drawn.count("b") == 400


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ({"a": -1, "b": 2}, "nodes.n.split.weights: weights must not be negative and not all zero"),
        ({"a": 0}, "nodes.n.split.weights: weights must not be negative and not all zero"),
        ({"a": "half"}, "nodes.n.split.weights.a: expected a number, found 'half'"),
        ({"a": float("nan")}, "nodes.n.split.weights.a: expected a number, found nan"),
        ({"a": 1e300}, "nodes.n.split.weights.a: expected a number"),
        ({"timing": 1}, "nodes.n.split.weights.timing: 'timing' cannot be the name of a branch"),
        ({}, "nodes.n.split.weights: expected a weight for each arm"),
        (None, "nodes.n.split.weights: is missing"),
    ],
)
def test_split_says_where_its_settings_are_wrong(weights: Any, fault: str) -> None:
    assert node_faults({"split": {"weights": weights}})[0].startswith(fault)


def test_whoever_goes_on_resting_as_before_is_not_noted_as_moved() -> None:
    story = Story(one({"wait_for_condition": {"attribute": "city", "is": "Oslo", "timeout": "2d"}}))
    assert [run.node for run in story.event().moved] == ["n"]
    assert story.identify(city="Rome").moved == []
    quiet = Story(one({"wait_for_condition": {"inactive": "1d"}}))
    assert [run.node for run in quiet.event().moved] == ["n"]
    quiet.skip("1h")
    assert [run.node for run in quiet.event("Page Viewed").moved] == ["n"], "it waits until another instant"
