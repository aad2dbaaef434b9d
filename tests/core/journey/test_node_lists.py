"""The nodes about segments, lists, owners and other journeys."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import MONDAY, Story, ended, journey, node_faults, one

from wend.core.inputs import Identify
from wend.core.plan import PlanChange
from wend.core.profile import Profile
from wend.core.react import react

VIP = {"id": "vip", "condition": {"tag": "vip"}}
CLUB = {"id": "club", "list": True}


def with_segments(story: Story, *documents: dict[str, Any]) -> Story:
    """The segments in force before anything else happens."""
    for document in documents:
        for kind in ("segment", "segment_live") if "condition" in document else ("segment",):
            change = PlanChange(story.plan.number + 1, story.now, kind, document["id"], 1, document)
            story.plan = story.plan.apply(change)
        story.tell(None)
    return story


# --- in_segment ---


def test_in_segment_goes_by_membership_now() -> None:
    story = with_segments(Story(one({"in_segment": "vip"})), VIP)
    story.event()
    assert ended(story) == "no"
    member = with_segments(Story(one({"in_segment": "vip"})), VIP)
    member.tell(Identify({}, member.now, tags=["vip"]))
    member.event()
    assert ended(member) == "yes"


# --- lists ---


def test_a_list_is_joined_and_left_and_others_hear_of_it() -> None:
    nodes = {
        "on": {"list_add": "club", "next": "again"},
        "again": {"list_add": "club", "next": "inside"},
        "inside": {"in_segment": "club", "yes": "off", "no": "over"},
        "off": {"list_remove": "club", "next": "gone"},
        "gone": {"list_remove": "club", "next": "over"},
    }
    story = with_segments(Story(journey(nodes)), CLUB)
    story.event()
    assert story.whys("moved") == [
        "put on club",
        "on club already, or there is no such list",
        "",
        "taken off club",
        "not on club, or there is no such list",
    ]
    assert story.decision is not None and story.decision.memberships == {"club": None}


def test_a_list_that_is_none_is_left_alone() -> None:
    story = with_segments(Story(journey({"n": {"list_add": "vip", "next": "over"}})), VIP)
    story.event()
    assert story.whys("moved") == ["on vip already, or there is no such list"]
    assert not story.profile.segments


# --- assign_owner ---


def test_assign_owner_writes_the_attribute_and_keeps_an_owner_who_is_there() -> None:
    document = one({"assign_owner": "anna@example.com"})
    heard = journey({"d": {"end": "heard"}}, id="h", on={"attribute_changed": "owner"})
    story = Story(document, heard)
    story.event()
    assert story.profile.attributes["owner"] == "anna@example.com"
    assert story.ends == ["next", "heard"]
    kept = Story(document, owner="bert@example.com")
    kept.event()
    assert kept.profile.attributes["owner"] == "bert@example.com"
    assert kept.whys("moved") == ["bert@example.com stays the owner"]
    replaced = Story(one({"assign_owner": {"to": "anna@example.com", "replace": True}}), owner="anna@example.com")
    replaced.event()
    assert replaced.whys("moved") == ["anna@example.com is the owner"]


def test_assign_owner_shares_people_evenly_in_a_team() -> None:
    team = ["anna", "bert", "cleo"]
    counts = dict.fromkeys(team, 0)
    for person in range(1, 601):
        story = Story(one({"assign_owner": {"team": team}}), person=person, consent=())
        story.event()
        counts[story.profile.attributes["owner"]] += 1
    assert all(160 < count < 240 for count in counts.values()), counts


def test_assign_owner_says_why_nobody_could_be_written_down() -> None:
    story = Story(one({"assign_owner": "anna"}), consent=())
    story.identify(**{f"a{at}": at for at in range(198)})
    story.event()
    assert story.whys("moved")[0].startswith("no owner: the person has 200 attributes")


def test_assign_owner_is_one_person_or_a_team() -> None:
    expected = ["nodes.n.assign_owner.to: give either one owner (to) or a team"]
    assert node_faults({"assign_owner": {"replace": True}}) == expected
    assert node_faults({"assign_owner": {"to": "a", "team": ["b"]}}) == expected


# --- move_stage ---

FUNNEL = {"funnel": {"stages": [{"id": "visitor"}, {"id": "lead"}, {"id": "customer"}]}}


def test_move_stage_goes_forward_or_back_within_the_funnel() -> None:
    nodes = {
        "a": {"move_stage": "customer", "next": "b"},
        "b": {"move_stage": {"to": "lead", "only_forward": True}, "next": "c"},
        "c": {"move_stage": "nowhere", "next": "over"},
    }
    story = Story(journey(nodes), settings=FUNNEL)
    story.event()
    assert story.profile.stage == "customer"
    assert story.whys("moved", journey="j") == [
        "stage visitor → customer",
        "stays: at lead or further on already, or there is no such stage",
        "stays: at nowhere or further on already, or there is no such stage",
    ]
    back = Story(one({"move_stage": "visitor"}), settings=FUNNEL)
    back.profile.stage = "lead"
    back.event()
    assert back.profile.stage == "visitor"


# --- start_journey ---


def test_start_journey_starts_another_journey_with_data_after_this_one_has_moved() -> None:
    other = journey(
        {"n": {"set_attribute": {"attribute": "from", "value": {"entry": "order"}}, "next": "over"}},
        id="other",
        on={"journey": {}},
    )
    nodes = {
        "n": {"start_journey": {"journey": "other", "data": {"order": {"entry": "id"}}}, "next": "tag"},
        "tag": {"add_tag": "first", "next": "over"},
    }
    story = Story(journey(nodes), other)
    story.event(id="o-1")
    assert story.profile.attributes["from"] == "o-1"
    assert [step.journey for step in story.steps if step.kind == "ended"] == ["j", "other"]


def test_start_journey_tells_when_nothing_starts() -> None:
    story = Story(one({"start_journey": "other"}))
    story.event()
    assert story.whys("moved") == ["other was asked to start"]
    assert len(story.refusals) == 1 and "'journey'" in story.refusals[0]


def test_journeys_that_start_each_other_end_at_the_limit_of_moves() -> None:
    a = journey({"n": {"start_journey": "b", "next": "over"}}, id="a")
    a["entry"]["on"] = [{"event": "Go"}, {"journey": {}}]
    b = journey({"n": {"start_journey": "a", "next": "over"}}, id="b", on={"journey": {}})
    story = Story(a, b)
    story.event()
    assert any("more than 100 moves" in why for why in story.whys("failed"))
    assert not story.profile.runs


def test_a_person_without_segments_is_in_none() -> None:
    story = Story(one({"in_segment": "nobody"}))
    decision = react(story.plan, Profile(5), None, MONDAY)
    assert not decision.steps
    story.event()
    assert ended(story) == "no"
