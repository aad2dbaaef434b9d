"""The node `survey`: sent like a message, then it waits for the answer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import HOUR, Story, ended, journey, ms, node_faults, one, shown

from wend.core.journey.check import check
from wend.core.journey.document import parse
from wend.core.plan import PlanChange

BANDS = {"detractor": [0, 6], "passive": [7, 8], "promoter": [9, 10]}


def survey(**more: Any) -> dict[str, Any]:
    return {"survey": {"survey": "nps", "channel": "email", "template": "t", **more}}


def with_ends(node: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Each branch leads to an end of its name."""
    names = ("detractor", "passive", "promoter", "yes", "no", "answered", "else", "timed_out", "failed", "dropped")
    document = one(node, **more)
    parsed = parse(document, [])
    assert parsed is not None
    for branch in parsed.nodes["n"].node.branches():
        document["nodes"]["n"][branch] = f"to_{branch}"
    drawn = {target for name, target in document["nodes"]["n"].items() if name in names}
    document["nodes"] = {"n": document["nodes"]["n"], **{id: {"end": id[3:]} for id in sorted(drawn)}}
    return document


def test_the_survey_is_sent_and_the_answer_waited_for() -> None:
    story = Story(with_ends(survey()), answers={"n": None})
    story.event()
    (send,) = story.sends
    assert send.data["survey"] == "nps" and story.wakes_at is None
    story.skip("1h")
    story.answer(send, "accepted")
    story.answer(send, "delivered")
    assert shown(story.wakes_at) == "2026-03-09 11:00", "the wait begins when it has gone out"
    story.event("Survey Answered", survey="csat", score=1)
    story.event("Other", survey="nps")
    assert not story.ends
    story.event("Survey Answered", survey="nps", answer="fine")
    assert ended(story) == "answered" and story.whys("moved") == ["answered 'fine'"]


@pytest.mark.parametrize(
    ("score", "branch"),
    [
        (0, "detractor"),
        (6, "detractor"),
        (7, "passive"),
        (10, "promoter"),
        ("9", "promoter"),
        (11, "else"),
        (None, "else"),
    ],
)
def test_a_score_goes_by_its_band(score: Any, branch: str) -> None:
    story = Story(with_ends(survey(bands=BANDS)))
    story.event()
    story.event("Survey Answered", survey="nps", score=score)
    assert ended(story) == branch


@pytest.mark.parametrize(
    ("answer", "branch"),
    [("yes", "yes"), (["maybe", "no"], "no"), ("perhaps", "else"), (True, "else"), (None, "else")],
)
def test_an_answer_goes_by_its_branch(answer: Any, branch: str) -> None:
    story = Story(with_ends(survey(answers=["yes", "no"])))
    story.event()
    story.event("Survey Answered", survey="nps", answer=answer)
    assert ended(story) == branch


def test_without_an_answer_it_times_out_and_unconnected_branches_go_there_too() -> None:
    nodes = {
        "n": {**survey(answers=["yes"], timeout="2d"), "yes": "over", "timed_out": "none"},
        "none": {"end": "none"},
    }
    document = journey({**nodes, "over": {"end": "over"}})
    silent = Story(document)
    silent.event()
    silent.wait("3d")
    assert silent.ends == ["none"] and silent.whys("moved") == ["no answer within 2 d"]
    other = Story(document)
    other.event()
    other.event("Survey Answered", survey="nps", answer="no")
    assert other.ends == ["none"]
    for story in (Story(document, answers={"n": "refused"}), Story(document, consent=())):
        story.event()
        assert story.ends == ["none"]


def test_refused_and_dropped_surveys_have_branches() -> None:
    refused = Story(with_ends(survey()), answers={"n": "refused"})
    refused.event()
    assert ended(refused) == "failed"
    dropped = Story(with_ends(survey()), consent=())
    dropped.event()
    assert ended(dropped) == "dropped"


def test_a_held_survey_is_sent_in_the_morning_and_only_then_waited_for() -> None:
    night = {"quiet_hours": {"email": {"from": "09:00", "to": "12:00"}}}
    story = Story(with_ends(survey(timeout="1h")), settings=night)
    story.event()
    assert not story.sends
    story.until(ms("2026-03-02 12:30"))
    assert len(story.sends) == 1 and story.wakes_at == ms("2026-03-02 13:00")
    story.wait("1h")
    assert ended(story) == "timed_out"


def test_an_answer_before_the_channel_has_said_so_counts_and_comes_before_the_exit_rule() -> None:
    story = Story(with_ends(survey(), exit_when={"event": "Survey Answered"}), answers={"n": None})
    story.event()
    story.event("Survey Answered", survey="nps", answer="x")
    assert ended(story) == "answered"
    story.answer(story.sends[0], "accepted")
    assert not story.withdrawn


def test_publishing_over_people_who_wait_for_their_answer() -> None:
    """Rule 8: the wait is timed anew from when the survey went out; what is on its way or held is not."""

    def published(story: Story, **more: Any) -> None:
        number = story.plan.number + 1
        change = PlanChange(number, story.now, "publish", "j", 2, with_ends(survey(**more)), policy="move")
        story.plan = story.plan.apply(change)
        story.tell(None)

    waiting = Story(with_ends(survey()))
    waiting.event()
    published(waiting, timeout="3h")
    assert waiting.wakes_at == waiting.now + 3 * HOUR
    sent = Story(with_ends(survey()), answers={"n": None})
    sent.event()
    published(sent, timeout="3h")
    assert len(sent.sends) == 1 and sent.wakes_at is None
    held = Story(with_ends(survey()), settings={"quiet_hours": {"email": {"from": "09:00", "to": "12:00"}}})
    held.event()
    published(held, timeout="3h")
    assert held.wakes_at == ms("2026-03-02 12:00") and not held.sends


def test_a_test_person_waits_for_the_answer_only_shortly() -> None:
    story = Story(with_ends(survey()), settings={"test": {"tag": "test", "wait": "10s"}})
    story.profile.tags.append("test")
    story.event()
    story.wait("1m")
    assert ended(story) == "timed_out"


def test_a_loop_through_a_survey_rests() -> None:
    again = {**survey(answers=["yes"]), "yes": "n", "else": "n", "timed_out": "n", "failed": "over"}
    assert check(journey({"n": again}))[1] == []
    hasty = {**survey(timeout="1s"), "answered": "over", "timed_out": "n", "failed": "over"}
    assert "a loop without a wait" in str(check(journey({"n": hasty}))[1][0])


def test_what_is_wrong_with_a_survey() -> None:
    where = "nodes.n.survey"
    assert node_faults(survey(answers=["a"], bands=BANDS)) == [f"{where}.bands: give either answers or bands"]
    assert node_faults(survey(answers=["else", "b"])) == [
        f"{where}.answers: 'else' is a branch of its own; choose another name"
    ]
    assert node_faults(survey(bands={"a": [0, 6], "b": [6, 8]})) == [f"{where}.bands.b: overlaps 'a'"]
    assert node_faults(survey(bands={"a": [6, 0]})) == [
        f"{where}.bands.a: expected the lowest and the highest score, such as [0, 6], found [6, 0]"
    ]
    assert node_faults({"survey": {"survey": "x", "channel": "email"}}) == [f"{where}.template: is missing"]
