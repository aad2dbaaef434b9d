"""Every kind of trigger: what it answers, and what is said when it is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import Story, journey

from wend.core.inputs import Event, Feedback, Identify, Start
from wend.core.journey.document import parse
from wend.core.journey.happened import (
    AttributesChanged,
    EventHappened,
    MessageChanged,
    ScoreChanged,
    StartAsked,
    TagAdded,
)
from wend.core.journey.triggers import parse_triggers
from wend.core.problems import Problem

LONG = {"w": {"wait": "30d", "next": "over"}}
NOW = {"over": {"end": "in"}}


def runs(story: Story) -> int:
    return len(story.profile.runs)


def test_an_event_starts_a_run_if_its_conditions_on_properties_and_context_hold() -> None:
    on = {"event": ["A", "B"], "where": {"all": [{"property": "price", "gt": 20}, {"context": "page", "exists": True}]}}
    story = Story(journey(LONG, on=on, concurrency="many"))
    story.event("A", price=30)
    story.tell(Event("A", story.now, {"price": 10}, {"page": {"path": "/"}}))
    assert runs(story) == 0
    story.tell(Event("B", story.now, {"price": 30}, {"page": {"path": "/"}}))
    assert runs(story) == 1 and story.whys("started") == ["event B"]
    assert story.refusals == [], "what did not match is no refusal"


def test_every_event_can_be_a_trigger_and_starts_one_run_only() -> None:
    story = Story(journey(NOW, on={"event": ["*", "A"]}))
    story.event("A")
    story.event("Whatever")
    assert story.whys("started") == ["event A", "event Whatever"]


def test_the_condition_of_the_entry_reads_the_person_and_the_trigger() -> None:
    where = {"all": [{"attribute": "city", "is": "Oslo"}, {"property": "n", "gte": 3}]}
    story = Story(journey(NOW, on=[{"event": "A"}, "api"], where=where), city="Oslo")
    story.event("A", n=2)
    story.event("A", n=3)
    story.start(n=1)
    story.start(n=5)
    assert len(story.ends) == 2
    story.identify(city="Rome")
    story.event("A", n=3)
    assert len(story.ends) == 2


def test_several_triggers_start_one_run_by_one_input() -> None:
    story = Story(journey(NOW, on=[{"event": "A"}, {"event": "A", "where": {"property": "x", "exists": True}}]))
    story.event("A", x=1)
    assert len(story.ends) == 1


def test_an_attribute_that_changes_starts_a_run() -> None:
    story = Story(journey(NOW, on={"attribute_changed": "plan"}), plan="free")
    assert story.whys("started") == ["attribute plan changed"], "from nothing to free"
    story.identify(plan="free")
    assert len(story.ends) == 1
    story.identify(plan="gold")
    story.identify(plan=None)
    assert len(story.ends) == 3


@pytest.mark.parametrize(
    ("trigger", "old", "new", "starts"),
    [
        ({"attribute_changed": "a", "to": "x"}, None, "x", True),
        ({"attribute_changed": "a", "to": "x"}, None, "y", False),
        ({"attribute_changed": "a", "from": "w", "to": "x"}, "w", "x", True),
        ({"attribute_changed": "a", "from": "w"}, "v", "x", False),
        ({"attribute_changed": "a", "from": None}, None, "x", True),
        ({"attribute_changed": "a", "to": None}, "x", None, True),
        ({"attribute_changed": "a", "to": 1}, None, True, False),
        ({"attribute_changed": "a", "to": True}, None, True, True),
        ({"attribute_changed": "a.b"}, {"b": 1, "c": 1}, {"b": 2, "c": 1}, True),
        ({"attribute_changed": "a.b"}, {"b": 1, "c": 1}, {"b": 1, "c": 2}, False),
        ({"attribute_changed": "a.b", "to": 3}, None, {"b": 3}, True),
        ({"attribute_changed": "a.b", "from": 3}, {"b": 3}, None, True),
    ],
)
def test_a_change_of_an_attribute_is_judged_by_from_and_to(
    trigger: dict[str, Any], old: Any, new: Any, starts: bool
) -> None:
    story = Story(journey(NOW, on=trigger))
    story.identify(a=old)
    story.steps.clear()
    story.identify(a=new)
    assert bool(story.ends) is starts


def test_a_run_started_by_an_attribute_reads_what_changed() -> None:
    nodes = {"n": {"set_attribute": {"attribute": "was", "value": {"entry": "old"}}, "next": "over"}}
    story = Story(journey(nodes, on={"attribute_changed": "plan"}), plan="free")
    story.identify(plan="gold")
    assert story.profile.attributes["was"] == "free"


def test_a_group_is_a_change_of_attributes() -> None:
    story = Story(journey(NOW, on={"attribute_changed": "groups.acme.seats"}))
    story.group("acme", seats=5)
    story.group("acme", name="Acme")
    story.group("acme", name="Acme")
    assert len(story.ends) == 1


def test_a_score_starts_a_run_by_crossing_never_by_equality() -> None:
    def scored(by: list[float], **limits: float) -> int:
        story = Story(
            journey({"s": {"adjust_score": 1, "next": "over"}}, id="plus1", on="Up"),
            journey({"s": {"adjust_score": -1, "next": "over"}}, id="minus1", on="Down"),
            journey(NOW, id="crossed", on={"score_crossed": limits}),
        )
        for one in by:
            story.event("Up" if one > 0 else "Down")
        return len(story.whys("started", journey="crossed"))

    assert scored([1, 1], above=2) == 0
    assert scored([1, 1, 1], above=2) == 1
    assert scored([1, 1, 1, 1, -1, -1, 1], above=2) == 2
    assert scored([-1, -1], below=-2) == 0
    assert scored([-1, -1, -1], below=-2) == 1
    assert scored([1, -1, -1], above=0, below=0) == 2


def test_a_tag_starts_a_run_when_it_is_added() -> None:
    story = Story(
        journey({"t": {"add_tag": "vip", "next": "over"}}, id="give"),
        journey({"t": {"add_tag": "other", "next": "over"}}, id="other"),
        journey(NOW, id="heard", on={"tag_added": "vip"}),
    )
    story.event()
    story.event()
    assert story.whys("started", journey="heard") == ["tag vip added"]


def test_a_tag_of_an_imported_list_starts_a_run_once() -> None:
    story = Story(journey(NOW, id="heard", on={"tag_added": "vip"}))
    story.tell(Identify({}, story.now, imported=True, tags=["vip", "other"]))
    story.tell(Identify({}, story.now, imported=True, tags=["vip"]))
    assert story.profile.tags == ["vip", "other"]
    assert story.whys("started", journey="heard") == ["tag vip added"]


@pytest.mark.parametrize(
    ("filters", "starts"),
    [
        (None, True),
        ({"template": "t", "channel": "email", "journey": "mails"}, True),
        ({"template": "other"}, False),
        ({"channel": "sms"}, False),
        ({"journey": "other"}, False),
    ],
)
def test_what_becomes_of_a_message_starts_a_run(filters: Any, starts: bool) -> None:
    mails = journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}, id="mails")
    story = Story(mails, journey(NOW, id="heard", on={"message_opened": filters}))
    story.event()
    story.answer(story.sends[0], "delivered")
    story.answer(story.sends[0], "opened", machine=True)
    assert story.whys("started", journey="heard") == []
    story.answer(story.sends[0], "opened")
    assert bool(story.whys("started", journey="heard")) is starts


def test_a_call_or_a_list_starts_a_run() -> None:
    story = Story(journey(NOW, id="call", on="api"), journey(NOW, id="list", on={"profiles": {}}))
    story.start("call", "api", x=1)
    story.start("list", "profiles")
    assert story.whys("started") == ["started by api", "started by profiles"]


def test_a_start_that_no_trigger_answers_is_not_lost_without_a_word() -> None:
    story = Story(journey(NOW, id="call", on="api"))
    story.start("call", "profiles")
    story.start("coll", "api")
    assert len(story.refusals) == 2
    assert (
        story.refusals[0] == "no published journey of this name has a trigger 'profiles' whose conditions are fulfilled"
    )


@pytest.mark.parametrize(
    ("on", "fault"),
    [
        ([], "entry.on: expected at least one trigger"),
        ("event", "entry.on: expected a trigger such as {event: Order Completed}, found 'event'"),
        ({"evnt": "A"}, "entry.on: expected one trigger of event, attribute_changed"),
        ({"event": "A", "api": {}}, "entry.on: expected one trigger of"),
        ([{"event": "A"}, {"event": 5}], "entry.on[1].event: expected the name of an event, found 5"),
        ({"event": "A", "were": {"tag": "x"}}, "entry.on.were: 'were' is not allowed here; did you mean 'where'?"),
        (
            {"event": "A", "where": {"prperty": "x"}},
            "entry.on.where: 'prperty' is no form of condition; did you mean 'property'?",
        ),
        ({"attribute_changed": 5}, "entry.on.attribute_changed: expected a name, found 5"),
        ({"attribute_changed": "a", "form": 1}, "entry.on.form: 'form' is not allowed here; did you mean 'from'?"),
        ({"tag_added": ""}, "entry.on.tag_added: expected a name, found ''"),
        ({"score_crossed": {}}, "entry.on.score_crossed: expected {above: number} or {below: number}"),
        (
            {"score_crossed": 5},
            "entry.on.score_crossed: expected settings in a mapping (allowed: above, below), found 5",
        ),
        ({"score_crossed": {"above": "x"}}, "entry.on.score_crossed.above: expected a number, found 'x'"),
        (
            {"score_crossed": {"abve": 5}},
            "entry.on.score_crossed.abve: 'abve' is not allowed here; did you mean 'above'?",
        ),
        (
            {"message_opened": {"channel": "emial"}},
            "entry.on.message_opened.channel: 'emial' is not a channel; did you mean 'email'?",
        ),
        ({"message_opened": {"template": 5}}, "entry.on.message_opened.template: expected a name, found 5"),
        ({"api": {"x": 1}}, "entry.on.api.x: 'x' is not allowed here (allowed: nothing)"),
    ],
)
def test_a_trigger_says_where_it_is_wrong(on: Any, fault: str) -> None:
    problems: list[Problem] = []
    parse({**journey(LONG), "entry": {"on": on}}, problems)
    assert any(str(problem).startswith(fault) for problem in problems), problems


def test_a_trigger_answers_only_what_it_is_about() -> None:
    happenings = {
        "event": EventHappened(Event("A", 0)),
        "attribute_changed": AttributesChanged({"a": (1, 2)}, 0),
        "score_crossed": ScoreChanged(0, 5),
        "tag_added": TagAdded("x"),
        "message_opened": MessageChanged(Feedback("e", "opened", 0)),
        "api": StartAsked(Start("j", 0)),
    }
    raw = {
        "event": "A",
        "attribute_changed": "a",
        "score_crossed": {"above": 1},
        "tag_added": "x",
        "message_opened": None,
        "api": None,
    }
    for kind, setting in raw.items():
        (trigger,) = parse_triggers({kind: setting}, "on", [])
        assert [name for name, happened in happenings.items() if trigger.spark(happened, 0, "j")] == [kind]
