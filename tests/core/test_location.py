"""Where people are: coming into a geofence and leaving it, once, though the position trembles."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import DAY, Story, journey

from wend.core.inputs import Event
from wend.core.location import MAX_FENCES, locate
from wend.core.profile import Profile

NOW = {"over": {"end": "in"}}
CAME = journey(NOW, id="came", on={"geofence_entered": ["store", "park"]})
LEFT = journey(NOW, id="left", on={"geofence_exited": "store"})


def at(story: Story, inside: list[str], near: list[str] | None = None, *, ago: int = 0, lat: float = 52.0) -> None:
    fences = {"at": [lat, 13.0], "inside": inside, "near": near or []}
    story.tell(Event("Location Updated", story.now - ago, {}, {"fences": fences}))


def test_who_comes_in_enters_and_who_is_farther_than_the_margin_has_left() -> None:
    story = Story(CAME, LEFT)
    for inside, near in (([], ["store"]), (["store"], []), ([], ["store"]), (["store"], []), ([], ["store"]), ([], [])):
        story.wait("10m")
        at(story, inside, near)
    assert story.whys("started") == ["entered geofence store", "left geofence store"]
    assert story.profile.fences == {} and story.profile.location == [52.0, 13.0, story.now]
    at(story, ["store", "park"])
    assert sorted(story.profile.fences) == ["park", "store"]
    assert story.whys("started")[2:] == ["entered geofence park", "entered geofence store"]


def test_an_older_location_changes_nothing() -> None:
    """Rule 6."""
    story = Story(CAME)
    story.wait("1d")
    at(story, [], lat=53.0)
    at(story, ["store"], ago=DAY // 2)
    assert story.profile.fences == {} and story.profile.location[0] == 53.0


def test_events_without_a_location_leave_people_where_they_are() -> None:
    story = Story(CAME)
    at(story, ["store"])
    story.event("Go")
    assert list(story.profile.fences) == ["store"]


def test_fences_in_a_state_are_bounded() -> None:
    person = Profile(1)
    names = [f"f{number:03}" for number in range(150)]
    fences: dict[str, Any] = {"at": [1.0, 2.0], "inside": names, "near": []}
    assert len(locate(person, Event("x", 1, {}, {"fences": fences}))) == MAX_FENCES == len(person.fences)


def test_a_condition_on_where_somebody_is_hears_of_it() -> None:
    wait = {
        "n": {
            "wait_for_condition": {"condition": {"near": {"lat": 52.0, "lon": 13.0, "within": "1km"}}, "timeout": "9d"},
            "happened": "m",
            "timed_out": "over",
        },
        "m": {
            "wait_for_condition": {"condition": {"inside": "park"}, "timeout": "9d"},
            "happened": "over",
            "timed_out": "over",
        },
    }
    story = Story(journey(wait))
    story.event()
    at(story, [], lat=53.0)
    assert story.places == ["n"]
    at(story, [])
    assert story.places == ["m"]
    at(story, ["park"])
    assert story.places == []
