"""Triggers by stage, place, business event, another journey and an operator's hand, and what is said when one is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import MONDAY, Story, journey

from wend.core.inputs import Event, Start
from wend.core.journey.document import parse
from wend.core.journey.happened import (
    BusinessHappened,
    FactsChanged,
    FenceCrossed,
    SegmentChanged,
    StageChanged,
    StartAsked,
)
from wend.core.journey.triggers import parse_triggers, topic_of
from wend.core.problems import Problem

LONG = {"w": {"wait": "30d", "next": "over"}}
NOW = {"over": {"end": "in"}}


def business(name: str, about: str, **properties: Any) -> Event:
    return Event(name, MONDAY, properties, about=about)


def spark(on: Any, happened: Any) -> Any:
    (trigger,) = parse_triggers(on, "on", [])
    topic = topic_of(happened)
    found = trigger.spark(happened, MONDAY, "j")
    assert found is None or topic in trigger.topics("j"), "it would not be asked"
    return found


@pytest.mark.parametrize(
    ("setting", "old", "new", "starts"),
    [
        ({"to": "sql"}, "mql", "sql", True),
        ({"to": "sql"}, "", "mql", False),
        ({"from": "mql"}, "mql", "", True),
        ({"from": "mql", "to": "sql"}, "lead", "sql", False),
        (None, "a", "b", True),
    ],
)
def test_a_stage_that_is_reached_or_left_starts_a_run(setting: Any, old: str, new: str, starts: bool) -> None:
    found = spark({"stage_changed": setting}, StageChanged(old, new))
    assert (found is not None) is starts
    if found:
        assert found.data == {"old": old, "new": new} and found.label in (f"stage {new}", f"left stage {old}")


def test_a_geofence_that_is_crossed_starts_a_run() -> None:
    came = spark({"geofence_entered": "store"}, FenceCrossed("store", True, 5))
    assert came.data == {"geofence": "store"} and came.label == "entered geofence store" and came.at == 5
    assert spark({"geofence_entered": "store"}, FenceCrossed("store", False, 5)) is None
    assert spark({"geofence_exited": ["a", "b"]}, FenceCrossed("b", False, 5)).label == "left geofence b"
    assert spark({"geofence_exited": ["a", "b"]}, FenceCrossed("c", False, 5)) is None


def test_each_trigger_answers_only_what_it_is_about() -> None:
    happenings: list[Any] = [
        StageChanged("a", "b"),
        FenceCrossed("a", True, 0),
        BusinessHappened(business("Price Dropped", "x")),
        StartAsked(Start("j", 0, trigger="journey")),
        SegmentChanged("vip", True, 0),
    ]
    ons: list[Any] = [
        {"stage_changed": None},
        {"geofence_entered": "a"},
        {"business_event": "Price Dropped"},
        "journey",
        {"segment_entered": "vip"},
    ]
    for place, on in enumerate(ons):
        assert [spark(on, one) is not None for one in happenings] == [at == place for at in range(5)]
    dated = {"date": {"attribute": "due"}}
    assert all(spark(dated, one) is None for one in [*happenings, SegmentChanged("j:else", True, 0)])
    assert topic_of(FactsChanged(frozenset())) is None


# --- business events ---


def test_a_business_event_starts_whoever_is_linked_and_is_no_deed_of_theirs() -> None:
    on = {"business_event": "Price Dropped", "where": {"property": "price", "lt": 50}}
    deed = journey(NOW, id="deed", on="Price Dropped")
    nodes = {"n": {"set_attribute": {"attribute": "got", "value": {"entry": "about"}}, "next": "over"}}
    story = Story(journey(nodes, on=on), deed)
    seen = story.profile.facts.last_seen
    story.tell(business("Price Dropped", "p1", price=60))
    story.tell(business("Price Dropped", "p1", price=40))
    assert story.whys("started") == ["business event Price Dropped about p1"]
    assert story.profile.attributes["got"] == "p1"
    assert story.profile.facts.last_seen == seen and story.refusals == []
    story.event("Price Dropped", price=10)
    assert story.whys("started")[1:] == ["event Price Dropped"]


def test_runs_do_not_take_a_business_event_for_a_deed() -> None:
    wait = {
        "n": {"wait_for_event": {"event": "Price Dropped", "timeout": "5d"}, "happened": "over", "timed_out": "over"}
    }
    story = Story(journey(wait, exit_when={"event": "Price Dropped"}))
    story.event()
    story.tell(business("Price Dropped", "p1"))
    assert story.places == ["n"]


def test_one_run_for_each_thing() -> None:
    story = Story(journey(LONG, on={"business_event": ["Price Dropped", "Back In Stock"]}, key="about"))
    for about in ("p1", "p2", "p1"):
        story.tell(business("Price Dropped", about))
    story.tell(business("Back In Stock", "p3"))
    assert [run.key for run in story.profile.runs] == ["p1", "p2", "p3"]
    assert story.refusals == ["already inside with about 'p1'"]


WISHES = {"attribute": "wishlist", "contains": "$about"}
VIEWED = {"event": "Product Viewed", "where": {"property": "product_id", "is": "$about"}, "within": "30d"}


def told(linked: Any, about: str, *, after: str = "0s", **attributes: Any) -> bool:
    story = Story(journey(NOW, on={"business_event": "Price Dropped", "linked": linked}), **attributes)
    story.event("Product Viewed", product_id="p1")
    story.event("Product Viewed", product_id=7)
    story.event("Product Viewed")
    story.wait(after)
    story.tell(Event("Price Dropped", story.now, about=about))
    return bool(story.whys("started"))


@pytest.mark.parametrize(
    ("linked", "about", "attributes", "meant"),
    [
        (WISHES, "p1", {"wishlist": ["p0", "p1"]}, True),
        (WISHES, "p1", {"wishlist": ["p10"]}, False),
        (WISHES, "7", {"wishlist": [7]}, True),
        (WISHES, "1", {"wishlist": [True]}, False),
        (WISHES, "p1", {"wishlist": "p0,p1"}, True),
        (WISHES, "p1", {"wishlist": 5}, False),
        (WISHES, "p1", {}, False),
        ({"attribute": "course", "is": "$about"}, "c1", {"course": "c1"}, True),
        ({"attribute": "course", "is": "$about"}, "c1", {"course": "c10"}, False),
        ({"attribute": "course", "is": "$about"}, "c1", {"course": ["c1"]}, False),
        (VIEWED, "p1", {}, True),
        (VIEWED, "p2", {}, False),
        (VIEWED, "7", {}, True),
        ({"any": [WISHES, VIEWED]}, "p1", {}, True),
        ({"all": [WISHES, VIEWED]}, "p1", {}, False),
        ({"all": [{"attribute": "city", "is": "Oslo"}, VIEWED]}, "p1", {"city": "Oslo"}, True),
        ({"attribute": "city", "is": "Oslo"}, "p1", {"city": "Rome"}, False),
    ],
)
def test_linked_says_who_is_meant(linked: Any, about: str, attributes: dict[str, Any], meant: bool) -> None:
    assert told(linked, about, **attributes) is meant


def test_a_deed_links_as_long_as_it_says() -> None:
    assert told(VIEWED, "p1", after="29d") and not told(VIEWED, "p1", after="30d")
    assert told({**VIEWED, "event": ["Product Viewed", "Other"], "within": None} | {"within": "1y"}, "p1", after="300d")
    assert told({name: value for name, value in VIEWED.items() if name != "within"}, "p1", after="300d")


# --- other journeys, and hands ---


def test_another_journey_starts_one_that_allows_it() -> None:
    story = Story(journey(NOW, on={"journey": {}}), journey(NOW, id="closed", on="api"))
    story.start("j", "journey", x=1)
    story.start("closed", "journey")
    assert story.whys("started") == ["started by journey"]
    assert len(story.refusals) == 1


def test_an_operator_may_put_somebody_into_any_published_journey_at_any_node() -> None:
    nodes = {"a": {"wait": "5d", "next": "b"}, "b": {"wait": "3d", "next": "over"}}
    story = Story(journey(nodes, where={"attribute": "city", "is": "Nowhere"}, reentry="once"))
    story.tell(Start("j", story.now, {"x": 1}, "operator", node="b"))
    assert story.places == ["b"] and story.profile.runs[0].entry == {"x": 1}
    assert story.whys("started") == ["put in by an operator"]
    story.tell(Start("j", story.now, trigger="operator"))
    story.wait("3d")
    story.tell(Start("j", story.now, trigger="operator"))
    assert story.refusals == ["already inside", "re-entry: once only"]


def test_what_an_operator_cannot_do_is_said() -> None:
    story = Story(journey(NOW))
    story.tell(Start("k", story.now, trigger="operator"))
    story.tell(Start("j", story.now, trigger="operator", node="nowhere"))
    story.change("pause")
    story.tell(Start("j", story.now, trigger="operator"))
    assert story.refusals == [
        "put in by an operator: there is no published journey of this name",
        "put in by an operator: version 1 has no node 'nowhere'",
        "the journey is paused",
    ]


def test_an_operator_may_put_somebody_in_the_middle_of_a_loop() -> None:
    nodes = {
        "a": {"wait": "5d", "next": "b"},
        "b": {"check": {"rounds": {"lt": 3}}, "yes": "a", "no": "over"},
    }
    story = Story(journey(nodes))
    story.tell(Start("j", story.now, trigger="operator", node="b"))
    assert story.profile.runs[0].rounds == {"b": 1, "a": 1}


# --- what is wrong ---


RULE = "FREQ=WEEKLY;BYDAY=MO"


@pytest.mark.parametrize(
    ("on", "fault"),
    [
        ({"segment_entered": 5}, "entry.on.segment_entered: expected the id of a segment, found 5"),
        (
            {"segment_entered": "vip", "include_member": True},
            "entry.on.include_member: 'include_member' is not allowed here; did you mean 'include_members'?",
        ),
        (
            {"segment_entered": "vip", "include_members": "all"},
            "entry.on.include_members: expected true or false, found 'all'",
        ),
        (
            {"segment_exited": "vip", "include_members": True},
            "entry.on.include_members: 'include_members' is not allowed here",
        ),
        ({"in_segment": "vip"}, "entry.on.schedule: is missing: when?"),
        ({"in_segment": "", "schedule": {"rrule": RULE}}, "entry.on.in_segment: expected the id of a segment"),
        ({"in_segment": "vip", "schedule": {}}, "entry.on.schedule.rrule: expected a rule such as"),
        (
            {"in_segment": "vip", "schedule": {"rrule": RULE, "at": "9:00"}},
            "entry.on.schedule.at: '9:00' is not a time of day",
        ),
        (
            {"date": {"rrule": RULE, "zone": "Europe/Berln"}},
            "entry.on.date.zone: 'Europe/Berln' is no time zone; did you mean 'Europe/Berlin'?",
        ),
        ({"date": {"rrule": RULE, "zone": 5}}, "entry.on.date.zone: 5 is no time zone"),
        ({"date": {"rrule": RULE, "from": "tomorrow"}}, "entry.on.date.from: expected a day such as 2026-11-02"),
        ({"date": {"rrule": "FREQ=DAILY;COUNT=3"}}, "entry.on.date.from: COUNT counts from a day"),
        ({"date": {"rrule": "WEEKLY"}}, "entry.on.date.rrule: 'WEEKLY' is not part of a rule"),
        ({"date": {"rrule": "FREQ=WEEKLI"}}, "entry.on.date.rrule: FREQ=WEEKLI is not known; did you mean 'WEEKLY'?"),
        ({"date": {"rrule": "FREQ=MINUTELY"}}, "entry.on.date.rrule: FREQ=MINUTELY is not known"),
        ({"date": {"rrule": "BYDAY=MO"}}, "entry.on.date.rrule: FREQ is missing"),
        ({"date": {"rrule": "FREQ=DAILY;FREQ=DAILY"}}, "entry.on.date.rrule: FREQ stands there twice"),
        ({"date": {"rrule": "FREQ=DAILY;INTERVAL=0"}}, "entry.on.date.rrule: 'INTERVAL=0' cannot be read"),
        ({"date": {"rrule": "FREQ=DAILY;BYDAY=mo"}}, "entry.on.date.rrule: 'BYDAY=mo' cannot be read"),
        (
            {"date": {"rrule": "FREQ=DAILY;BYMINUTE=5"}},
            "entry.on.date.rrule: 'BYMINUTE=5' is not part of a rule; the time of day is set by `at`",
        ),
        (
            {"date": {"rrule": "FREQ=DAILY;COUNT=2;UNTIL=20270101", "from": "2026-01-01"}},
            "entry.on.date.rrule: COUNT and UNTIL cannot stand together",
        ),
        ({"date": {}}, "entry.on.date: expected {attribute: birthday, anniversary: true} or {rrule:"),
        ({"date": "birthday"}, "entry.on.date: expected settings in a mapping"),
        ({"date": {"rule": RULE}}, "entry.on.date.rule: 'rule' is not allowed here"),
        ({"date": {"attribute": 5}}, "entry.on.date.attribute: expected the name or path of an attribute, found 5"),
        (
            {"date": {"attribute": "b", "anniversary": "yes"}},
            "entry.on.date.anniversary: expected true or false, found 'yes'",
        ),
        ({"date": {"attribute": "b", "offset": 7}}, "entry.on.date.offset: 7 is not a duration"),
        ({"date": {"attribute": "b", "offset": "-7x"}}, "entry.on.date.offset: 'x' is not a unit of time"),
        (
            {"date": {"attribute": "b", "anniversary": True, "offset": "-1y"}},
            "entry.on.date.offset: of an anniversary at most 300 d",
        ),
        ({"date": {"attribute": "b", "at": "25:00"}}, "entry.on.date.at: '25:00' is not a time of day"),
        ({"geofence_entered": []}, "entry.on.geofence_entered: expected the id of a geofence or a list, found []"),
        ({"geofence_exited": ["a", 5]}, "entry.on.geofence_exited: expected the id of a geofence or a list"),
        ({"stage_changed": {"to": 5}}, "entry.on.stage_changed.to: expected the name of a stage, found 5"),
        ({"business_event": 5}, "entry.on.business_event: expected the name of an event, found 5"),
        ({"business_event": "*"}, "entry.on.business_event: expected the name of a business event, found '*'"),
        (
            {"business_event": "A", "where": {"prperty": "x"}},
            "entry.on.where: 'prperty' is no form of condition; did you mean 'property'?",
        ),
        ({"business_event": "A", "linked": "all"}, "entry.on.linked: expected who is linked"),
        (
            {"business_event": "A", "linked": {"attribute": "wishlist", "starts_with": "$about"}},
            "entry.on.linked: expected {attribute: wishlist, contains: $about}",
        ),
        ({"business_event": "A", "linked": {"tag": "$about"}}, "entry.on.linked: $about can be compared with"),
        (
            {"business_event": "A", "linked": {"any": [{"event": 5, "where": {"property": "x", "is": "$about"}}]}},
            "entry.on.linked.any[0].event: expected the name of an event, found 5",
        ),
        (
            {"business_event": "A", "linked": {"event": "B", "where": {"property": "x", "gt": "$about"}}},
            "entry.on.linked.where: expected {property: product_id, is: $about}",
        ),
        (
            {"business_event": "A", "linked": {**VIEWED, "within": "long"}},
            "entry.on.linked.within: 'long' is not a duration",
        ),
        (
            {"business_event": "A", "linked": {**VIEWED, "count": 3}},
            "entry.on.linked.count: 'count' is not allowed beside $about",
        ),
        ({"business_event": "A", "linked": {"tga": "x"}}, "entry.on.linked: 'tga' is no form of condition"),
    ],
)
def test_a_trigger_says_where_it_is_wrong(on: Any, fault: str) -> None:
    problems: list[Problem] = []
    parse({**journey(LONG), "entry": {"on": on}}, problems)
    assert any(str(problem).startswith(fault) for problem in problems), [str(one) for one in problems]
