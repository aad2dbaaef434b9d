"""The node `wait_for_slot`: weekdays and hours in the person's zone, and the person's best time."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import DAY, HOUR, MONDAY, Story, ended, journey, ms, node_faults, one, shown

from wend.core.habits import MAX_HOURS, best_channel, best_hour, note
from wend.core.inputs import Feedback
from wend.core.profile import Profile

OFFICE = {"days": ["mon", "fri"], "from": "09:00", "to": "17:00"}


def test_inside_the_slot_nobody_waits() -> None:
    story = Story(one({"wait_for_slot": OFFICE}))
    story.event()
    assert ended(story) == "next" and story.whys("moved") == ["in the slot"]


def test_the_slot_is_in_the_persons_zone() -> None:
    story = Story(one({"wait_for_slot": OFFICE}), timezone="Asia/Tokyo")  # Monday 19:00 there
    story.event()
    assert shown(story.wakes_at) == "2026-03-06 00:00"
    story.wait("5d")
    assert ended(story) == "next"


def test_who_moves_to_another_zone_waits_anew() -> None:
    story = Story(one({"wait_for_slot": OFFICE}), timezone="Asia/Tokyo")
    story.event()
    story.identify(city="Oslo")
    assert shown(story.wakes_at) == "2026-03-06 00:00"
    story.identify(timezone="Asia/Novosibirsk")  # Monday 17:00, just over
    assert shown(story.wakes_at) == "2026-03-06 02:00"
    story.identify(timezone="Europe/Berlin")
    assert ended(story) == "next"


def test_after_an_outage_a_slot_is_waited_for_again() -> None:
    story = Story(one({"wait_for_slot": {"from": "20:00", "to": "21:00"}}))
    story.event()
    story.lag = 3 * HOUR
    story.until(ms("2026-03-02 20:30"))
    assert shown(story.wakes_at) == "2026-03-03 20:00"


def best(**more: Any) -> dict[str, Any]:
    return one({"wait_for_slot": {"best_time": {"channel": "email", **more}}})


def open_mail(story: Story, *times: str, state: str = "opened", **more: Any) -> None:
    for at in times:
        story.until(at)
        story.tell(Feedback(f"e{at}", state, story.now, channel="email", **more))  # type: ignore[arg-type]


def test_the_best_time_is_learned_from_opens_and_clicks_in_the_persons_zone() -> None:
    story = Story(best(), timezone="Europe/Berlin")
    open_mail(story, "2026-03-03 18:10", "2026-03-04 18:20", state="clicked")
    open_mail(story, "2026-03-04 08:00", "2026-03-05 19:59", "2026-03-05 18:40")
    story.event()
    assert shown(story.wakes_at) == "2026-03-06 18:00"
    story.wait("2d")
    assert ended(story) == "next" and story.whys("moved") == ["its time has come"]
    story.until("2026-03-10 18:30")
    story.event()
    assert story.whys("moved")[-1] == "the person's best hour for email: 19:00"


def test_machine_opens_and_other_channels_teach_nothing() -> None:
    story = Story(best())
    open_mail(story, *(f"2026-03-0{day} 18:00" for day in range(3, 8)), machine=True)
    open_mail(story, "2026-03-08 18:00", "2026-03-08 18:30", "2026-03-08 18:40", state="delivered")
    assert story.profile.hours == {}


def test_nothing_is_learned_while_no_journey_reads_it_and_forgotten_when_none_does_any_more() -> None:
    story = Story(journey({"n": {"wait": "1d", "next": "over"}}))
    open_mail(story, "2026-03-03 18:10")
    assert story.profile.hours == {} and story.profile.response == {}
    story.profile.hours, story.profile.response = {"email": [1]}, {"email": [1, 0]}
    story.event()
    story.change("pause")
    assert story.profile.hours == {} and story.profile.response == {}


def test_without_habits_of_their_own_the_hour_of_all_people_counts_then_the_fallback() -> None:
    taught = Story(best(), settings={"best_time": {"email": 20}})
    taught.event()
    assert shown(taught.wakes_at) == "2026-03-02 20:00"
    untaught = Story(best(fallback="09:30"), settings={"best_time": {"sms": 20}})
    untaught.event()
    assert shown(untaught.wakes_at) == "2026-03-03 09:30"
    untaught.wait("1d")
    assert ended(untaught) == "next"


def test_the_best_time_is_not_waited_for_beyond_its_limit() -> None:
    story = Story(best(within="2h", fallback="09:00"))
    story.event()
    assert shown(story.wakes_at) == "2026-03-02 12:00"
    story.skip("5h")
    story.tell(None)
    assert ended(story) == "next"


def test_a_fallback_that_is_now_is_not_waited_for() -> None:
    story = Story(one({"wait_for_slot": {"best_time": "email"}}))
    story.event()
    assert ended(story) == "next"
    assert story.whys("moved") == ["no best hour is known yet: 10:00"]


def test_habits_are_bounded_and_fade() -> None:
    person = Profile(1)
    for at in range(60):
        for state in ("accepted", "opened", "clicked"):
            note(person, Feedback(f"m{at}", state, MONDAY + at * DAY, channel="email"), "UTC", {"hours", "response"})  # type: ignore[arg-type]
    assert len(person.hours["email"]) == MAX_HOURS
    accepted, answered, *marks = person.response["email"]
    assert abs(accepted - answered) <= 1 and accepted <= 50 and len(marks) == 8
    note(person, Feedback("x", "delivered", MONDAY, channel="email"), "UTC", {"response"})
    note(person, Feedback("x", "opened", MONDAY), "UTC", {"response", "hours"})
    assert person.response["email"][:2] == [accepted, answered]


def test_the_best_hour_weighs_its_neighbours_and_of_equals_the_latest() -> None:
    assert best_hour(Profile(1, hours={"sms": [9, 9]}), "sms") is None
    assert best_hour(Profile(1, hours={"sms": [9, 9, 14, 15, 16]}), "sms") == 15
    assert best_hour(Profile(1, hours={"sms": [9, 14, 23]}), "sms") == 23
    assert best_hour(Profile(1, hours={"sms": [23, 0, 0, 12, 12]}), "sms") == 0


def test_the_best_channel_is_the_one_that_is_answered_most_and_luck_is_no_habit() -> None:
    person = Profile(1, response={"sms": [20, 10], "email": [1, 1]})
    assert best_channel(person, ("email", "sms")) == ("sms", 11 / 24)
    assert best_channel(person, ("web_push", "email"))[0] == "email"
    assert best_channel(Profile(1), ("web_push", "email")) == ("web_push", 0.25)


def test_what_is_wrong_with_a_slot() -> None:
    where = "nodes.n.wait_for_slot"
    missing = 'give from and to, such as {from: "09:00", to: "17:00"}, or best_time'
    assert node_faults({"wait_for_slot": {"days": ["mon"]}}) == [f"{where}.from: {missing}"]
    assert node_faults({"wait_for_slot": {"from": "09:00", "to": "09:00"}}) == [
        f"{where}.to: the slot begins and ends at the same time"
    ]
    assert node_faults({"wait_for_slot": {"from": "09:00", "to": "10:00", "best_time": "email"}}) == [
        f"{where}.best_time: give either best_time or days, from and to"
    ]
    assert node_faults({"wait_for_slot": {"best_time": 5}}) == [
        f'{where}.best_time: expected {{channel: email, fallback: "10:00"}}, found 5'
    ]
    assert node_faults({"wait_for_slot": {"best_time": "emial"}}) == [
        f"{where}.best_time.channel: 'emial' is not a channel; did you mean 'email'?"
    ]
