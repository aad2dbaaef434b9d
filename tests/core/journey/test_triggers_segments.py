"""Triggers by membership: entering and leaving a segment, whoever is in it at publishing, whoever is in it on a schedule."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import MONDAY, Story, journey

from wend.core.inputs import ListChange, Start
from wend.core.journey.happened import TagAdded
from wend.core.journey.triggers import OnInSegment, OnSegment
from wend.core.plan import PlanChange

NOW = {"over": {"end": "in"}}
VIP: dict[str, Any] = {"id": "vip", "condition": {"attribute": "city", "is": "Oslo"}}
LIST: dict[str, Any] = {"id": "friends", "list": True}


def story(*documents: dict[str, Any], **attributes: Any) -> Story:
    found = Story(**attributes)
    for document in (VIP, LIST):
        found.plan = found.plan.apply(PlanChange(found.plan.number + 1, MONDAY, "segment", document["id"], 1, document))
    found.plan = found.plan.apply(PlanChange(found.plan.number + 1, MONDAY, "segment_live", "vip", 1))
    for document in documents:
        found.change("publish", document=document, lift=False)
    found.tell(None)
    return found


def scheduled(at: int, mark: str, **data: Any) -> Start:
    return Start("j", at, {"trigger": mark, **data}, "schedule")


def test_entering_a_segment_starts_a_run_and_leaving_it_another() -> None:
    person = story(
        journey(NOW, id="welcome", on={"segment_entered": "vip"}),
        journey(NOW, id="bye", on={"segment_exited": "vip"}),
    )
    person.identify(city="Oslo")
    person.identify(name="Ann")
    assert person.whys("started") == ["entered segment vip"]
    person.identify(city="Rome")
    assert person.whys("started") == ["entered segment vip", "left segment vip"]


def test_being_put_on_a_list_is_entering_it() -> None:
    person = story(journey(NOW, on={"segment_entered": "friends"}))
    person.tell(ListChange("friends", person.now))
    person.tell(ListChange("friends", person.now))
    assert person.whys("started") == ["entered segment friends"]


def test_whoever_is_in_the_segment_at_publishing_is_started_only_if_asked_to() -> None:
    quiet = journey(NOW, id="j", on={"segment_entered": "vip"})
    asked = journey(NOW, id="j", on={"segment_entered": "vip", "include_members": True})
    for document, started in ((quiet, []), (asked, ["in segment vip when it was published"])):
        person = story(document)
        person.identify(city="Oslo")
        person.steps.clear()
        (trigger,) = person.plan.journeys["j"].live.document.triggers
        assert isinstance(trigger, OnSegment) and trigger.segment == "vip"
        person.tell(scheduled(person.now, trigger.mark))
        assert person.whys("started") == started
        assert person.refusals == []


def test_who_has_left_before_the_start_arrives_is_not_started() -> None:
    person = story(journey(NOW, on={"segment_entered": "vip", "include_members": True}))
    (trigger,) = person.plan.journeys["j"].live.document.triggers
    assert isinstance(trigger, OnSegment)
    person.tell(scheduled(person.now, trigger.mark))
    assert person.whys("started", "refused") == []


def test_whoever_is_in_the_segment_on_a_schedule_is_started_each_time() -> None:
    on = {"in_segment": "vip", "schedule": {"rrule": "FREQ=WEEKLY;BYDAY=MO", "at": "09:00"}}
    nodes = {"n": {"set_attribute": {"attribute": "due", "value": {"entry": "scheduled"}}, "next": "over"}}
    person = story(journey(nodes, on=on))
    (trigger,) = person.plan.journeys["j"].live.document.triggers
    assert isinstance(trigger, OnInSegment) and trigger.segment == "vip"
    assert (trigger.schedule.at, trigger.schedule.zone) == ("09:00", None)
    person.tell(scheduled(person.now, trigger.mark, scheduled=5))
    assert person.whys("started", "refused") == [], "not in it"
    person.identify(city="Oslo")
    person.tell(scheduled(person.now, "another", scheduled=5))
    assert person.whys("started", "refused") == [], "another trigger's"
    person.tell(scheduled(person.now, trigger.mark, scheduled=7))
    assert person.whys("started") == ["schedule FREQ=WEEKLY;BYDAY=MO"]
    assert person.profile.attributes["due"] == 7
    assert not trigger.spark(TagAdded("x"), 0, "j")


def test_a_rule_starts_everybody_whom_the_entry_means() -> None:
    on = {"date": {"rrule": "FREQ=DAILY", "zone": "Europe/Berlin", "from": "2026-03-01"}}
    person = story(journey(NOW, on=on, where={"attribute": "city", "is": "Oslo"}))
    trigger: Any = person.plan.journeys["j"].live.document.triggers[0]
    person.tell(scheduled(person.now, trigger.mark))
    person.identify(city="Oslo")
    person.tell(scheduled(person.now, trigger.mark))
    assert person.whys("started", "refused") == ["schedule FREQ=DAILY"]


def test_the_mark_of_a_trigger_does_not_depend_on_its_place() -> None:
    first = {"segment_entered": "vip", "include_members": True}
    marks = [
        next(
            one.mark
            for one in story(journey(NOW, on=on)).plan.journeys["j"].live.document.triggers
            if isinstance(one, OnSegment)
        )
        for on in ([first, "api"], ["api", first])
    ]
    assert marks[0] == marks[1]
