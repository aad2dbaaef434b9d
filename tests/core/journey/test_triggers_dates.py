"""Date triggers: an attribute's date comes for each person, in the person's zone (rules 3 and 4 of journeys.md)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import Story, journey, ms, shown
from tests.core.journey.test_merge import joined, people

from wend.core.inputs import Identify
from wend.core.journey.dates import anniversaries, shifted
from wend.core.react import react

NOW = {"over": {"end": "in"}}


def started(story: Story, journey: str | None = None) -> list[str]:
    return [shown(step.at) for step in story.steps if step.kind == "started" and journey in (None, step.journey)]


def birthday(**more: Any) -> dict[str, Any]:
    return journey(NOW, on={"date": {"attribute": "birthday", "anniversary": True, **more}})


def test_a_birthday_starts_a_run_each_year_in_the_persons_zone() -> None:
    story = Story(birthday(at="09:00"), birthday="1990-03-10", timezone="Asia/Tokyo")
    story.wait("2y")
    assert started(story) == ["2026-03-10 00:00", "2027-03-10 00:00"]
    assert story.whys("started") == ["birthday"] * 2
    assert story.refusals == []


def test_a_week_before_the_birthday() -> None:
    story = Story(birthday(at="09:00", offset="-7d"), birthday="1990-03-10")
    story.wait("10d")
    assert started(story) == ["2026-03-03 09:00"]
    assert story.whys("started") == ["7 d before birthday"]


def test_an_offset_after_the_anniversary_of_the_first_order_reaches_into_the_next_year() -> None:
    story = Story(birthday(offset="30d", at="09:00"), birthday="2020-12-20")
    story.wait("1y")
    assert started(story) == ["2027-01-19 09:00"]
    assert story.whys("started") == ["30 d after birthday"]


def test_29_february_is_the_28th_in_other_years() -> None:
    story = Story(birthday(at="09:00"), birthday="1992-02-29")
    story.wait("3y")
    assert started(story) == ["2027-02-28 09:00", "2028-02-29 09:00", "2029-02-28 09:00"]


def test_a_date_without_a_year_to_come_back_starts_one_run() -> None:
    story = Story(journey(NOW, on={"date": {"attribute": "due", "offset": "-3h"}}), due="2026-03-05T12:00:00Z")
    story.wait("3y")
    assert started(story) == ["2026-03-05 09:00"]


def test_a_changed_date_is_timed_anew() -> None:
    story = Story(journey(NOW, on={"date": {"attribute": "due", "at": "09:00"}}), due="2026-03-05")
    story.wait("1d")
    story.identify(due="2026-03-08")
    story.wait("3d")
    assert started(story) == [], "the old date has passed"
    story.wait("10d")
    assert started(story) == ["2026-03-08 09:00"]
    story.identify(due=None)
    story.identify(due="2026-04-01")
    story.wait("30d")
    assert started(story) == ["2026-03-08 09:00", "2026-04-01 09:00"]


def test_a_changed_zone_times_it_anew_and_does_not_bring_the_birthday_twice() -> None:
    story = Story(birthday(at="09:00"), birthday="1990-03-10", timezone="Asia/Tokyo")
    story.identify(timezone="America/Los_Angeles")
    story.until("2026-03-10 15:00")
    assert started(story) == [], "not yet nine there"
    story.until("2026-03-10 18:00")
    assert started(story) == ["2026-03-10 16:00"]
    story.identify(timezone="Pacific/Honolulu")
    story.wait("30d")
    assert started(story) == ["2026-03-10 16:00"], "nine o'clock comes again further west"
    story.wait("1y")
    assert started(story)[1:] == ["2027-03-10 19:00"]


def test_a_date_that_becomes_known_up_to_a_day_late_is_not_lost() -> None:
    story = Story(birthday(at="09:00"))
    story.until("2026-03-10 21:00")
    story.identify(birthday="1990-03-10")
    assert started(story) == ["2026-03-10 21:00"]
    late = Story(birthday(at="09:00"))
    late.until("2026-03-11 10:00")
    late.identify(birthday="1990-03-10")
    late.wait("10d")
    assert started(late) == []


def test_what_is_no_date_starts_nothing() -> None:
    story = Story(birthday(), birthday="soon")
    story.wait("2y")
    assert started(story) == [] and story.profile.turns == {}


def test_publishing_brings_people_who_have_the_date_under_watch_but_starts_nobody_for_a_moment_that_has_passed() -> (
    None
):
    """Rule 8."""
    story = Story(birthday="1990-03-02", due="2026-03-10")
    story.change("publish", document=birthday(at="09:00"))
    story.change("publish", document={**journey(NOW, on={"date": {"attribute": "due"}}), "id": "due"})
    assert started(story) == [], "an hour ago"
    story.wait("400d")
    assert started(story, "j") == ["2027-03-02 09:00"]
    assert started(story, "due") == ["2026-03-10 00:00"]


def test_who_was_not_there_when_it_was_published_is_lifted_at_that_instant() -> None:
    """Rule 13: what came due between publishing and being looked at happens at its own time."""
    story = Story(due="2026-03-05")
    story.change("publish", document=journey(NOW, on={"date": {"attribute": "due"}}), lift=False)
    story.skip("10d")
    story.tell(None)
    assert started(story) == ["2026-03-05 00:00"]


def test_a_date_trigger_that_is_gone_leaves_nothing_in_the_state() -> None:
    """Rule 9."""
    story = Story(birthday(at="09:00"), birthday="1990-03-02", due="2026-05-01")
    assert started(story) == ["2026-03-02 10:00"]
    assert len(story.profile.segments) == len(story.profile.turns) == 1
    story.change("publish", document=journey(NOW, on={"date": {"attribute": "due"}}))
    assert story.profile.segments == {} and list(story.profile.turns.values()) == [ms("2026-05-01 00:00")]
    story.change("stop")
    assert story.profile.segments == {} == story.profile.turns
    story.change("publish", document=journey(NOW, on={"date": {"attribute": "due"}}))
    story.wait("90d")
    assert started(story)[1:] == ["2026-05-01 00:00"]


def test_an_unchanged_date_trigger_goes_on_over_a_new_version() -> None:
    story = Story(birthday(at="09:00"), birthday="1990-03-02")
    assert len(started(story)) == 1
    story.change("publish", document={**birthday(at="09:00"), "name": "Another name"})
    story.wait("5d")
    assert len(started(story)) == 1


def test_two_equal_date_triggers_are_one() -> None:
    one = {"date": {"attribute": "due"}}
    story = Story(journey(NOW, on=[one, one]), due="2026-03-05")
    story.wait("10d")
    assert len(started(story)) == 1


@pytest.mark.parametrize(
    ("value", "offset"), [("9999-12-30", 0), ("9999-12-30", 400), ("0001-01-01", -400), ("0001-01-01", 0)]
)
def test_dates_at_the_ends_of_time_do_no_harm(value: str, offset: int) -> None:
    """Rule 1: an attribute is the sender's, and whatever it holds, nothing raises."""
    on = {"date": {"attribute": "due", "offset": f"{offset}d"}}
    every = {"date": {"attribute": "due", "anniversary": True}}
    story = Story(journey(NOW, on=[on, every]))
    decision = react(story.plan, story.profile, Identify({"due": value}, story.now), story.now)
    assert decision.profile.attributes["due"] == value
    assert shifted(ms("2026-03-02 10:00"), 10**15, None, "UTC") > 0
    assert len(list(anniversaries(ms("2026-03-02 10:00"), story.now, 0, None, "UTC"))) == 4


def test_engine_13_two_who_turn_out_to_be_one_have_one_birthday() -> None:
    anonymous, survivor = people(birthday(at="09:00"))
    for one in (anonymous, survivor):
        one.until("2026-03-10 09:30")
    anonymous.identify(birthday="1990-03-10")
    assert started(anonymous) == ["2026-03-10 09:30"]
    both = joined(anonymous, survivor)
    both.wait("30d")
    assert both.profile.attributes["birthday"] == "1990-03-10"
    assert started(both) == []
    both.wait("1y")
    assert started(both) == ["2027-03-10 09:00"]


def test_publishing_concerns_only_people_who_have_the_date() -> None:
    plan = Story(birthday(), journey(NOW, id="k", on="Go")).plan
    assert [plan.concerns_everybody(number) for number in (1, 2)] == [True, False]
    assert plan.concerned_by(1) == {"birthday"}
    scored = Story(birthday(), settings={"funnel": {"stages": [{"id": "mql", "when": {"score": {"gte": 5}}}]}}).plan
    assert scored.concerned_by(1) is None, "the funnel concerns everybody"


def test_engine_13_what_is_no_segment_any_more_is_not_taken_over() -> None:
    absorbed, survivor = people(birthday())
    absorbed.profile.segments[12345] = absorbed.now
    assert joined(absorbed, survivor).profile.segments == {}
