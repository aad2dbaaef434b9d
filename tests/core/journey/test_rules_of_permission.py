"""Permission inside journeys (journeys.md rule 10): control groups, caps, priority, held messages."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import PERSON, Story, journey, node_faults, one

from wend.core.journey.document import parse
from wend.core.problems import Problem
from wend.core.sample import bucket

MAIL = {"send": {"channel": "email", "template": "t"}}
NIGHT = {"email": {"from": "21:00", "to": "08:00"}}


def test_rule_10_the_control_group_of_a_journey_gets_none_of_its_messages() -> None:
    share = bucket("control of j:", PERSON) / 10_000
    inside = Story(one(MAIL, control=f"{share + 0.01:.4f}%"))
    inside.event()
    assert inside.whys("dropped") == ["control group: of journey j"] and not inside.sends
    outside = Story(one(MAIL, control=f"{share - 0.01:.4f}%"))
    outside.event()
    assert outside.templates == ["t"]


def test_rule_10_the_global_control_group_gets_no_marketing_at_all_but_what_is_transactional() -> None:
    everybody = {"control_group": {"share": "100%", "salt": "2026"}}
    story = Story(one(MAIL), settings=everybody)
    story.event()
    assert story.whys("dropped") == ["control group: everywhere"]
    story = Story(one({"send": {**MAIL["send"], "transactional": True}}), settings=everybody)
    story.event()
    assert story.templates == ["t"]
    nobody = Story(one(MAIL), settings={"control_group": {"share": "0%"}})
    nobody.event()
    assert nobody.templates == ["t"]


def test_rule_10_a_frequency_cap_drops_and_says_which() -> None:
    story = Story(one(MAIL), settings={"caps": [{"limit": 1, "within": "1d", "channel": "email"}]})
    story.event()
    story.wait("23h")
    story.event()
    assert story.templates == ["t"]
    assert story.whys("dropped") == ["frequency cap: at most 1 of channel email within 1 d (1 sent)"]
    story.wait("1h")
    story.event()
    assert story.templates == ["t", "t"]


def test_rule_10_never_the_same_template_twice_in_so_many_days() -> None:
    twice = journey(
        {
            "a": {**MAIL, "next": "b"},
            "b": {"send": {"channel": "email", "template": "u"}, "next": "c"},
            "c": {**MAIL, "next": "over"},
        }
    )
    story = Story(twice, settings={"caps": [{"limit": 1, "within": "30d", "same": "template"}]})
    story.event()
    assert story.templates == ["t", "u"]


def test_a_cap_that_holds_lets_the_message_go_when_there_is_room() -> None:
    story = Story(one(MAIL), settings={"caps": [{"limit": 1, "within": "1d", "otherwise": "hold"}]})
    story.event()
    story.wait("1h")
    story.event()
    assert story.places == ["n"] and story.whys("held")
    story.wait("23h")
    assert story.templates == ["t", "t"] and not story.places


def test_a_cap_that_holds_drops_what_would_outlast_its_time_to_live() -> None:
    story = Story(one(MAIL), settings={"caps": [{"limit": 1, "within": "7d", "otherwise": "hold"}]})
    story.event()
    story.event()
    assert story.whys("dropped")[0].endswith("which is after its time to live")


@pytest.mark.parametrize("state", ["dropped", "refused"])
def test_a_drop_at_delivery_gives_the_place_back(state: str) -> None:
    story = Story(one(MAIL), settings={"caps": [{"limit": 1, "within": "1d"}]}, answers={"n": state}, lag=120_000)
    story.event()
    assert story.profile.caps == {}
    story.event()
    assert story.templates == ["t", "t"]


def test_what_became_of_a_later_message_gives_nothing_back() -> None:
    story = Story(one(MAIL), settings={"caps": [{"limit": 1, "within": "1d"}]})
    story.event()
    story.answer(story.sends[0], "dropped")
    assert list(story.profile.caps.values()) == [[story.now]]


def test_counts_of_a_rule_that_is_gone_are_let_go() -> None:
    story = Story(one({"wait": "1d"}), one(MAIL, id="m", on="Mail"), settings={"caps": [{"limit": 1, "within": "1d"}]})
    story.event()
    story.event("Mail")
    assert story.profile.caps
    story.change("settings", "", {"caps": []})
    assert story.profile.caps == {}


def priorities(**more: Any) -> Story:
    return Story(
        one({"send": {"channel": ["email"], "template": "low"}}, id="a", priority="low"),
        one({"send": {"channel": ["email"], "template": "high"}}, id="b", priority="high"),
        **more,
    )


def test_of_two_journeys_that_start_at_once_the_more_important_one_gets_the_last_place() -> None:
    story = priorities(settings={"caps": [{"limit": 1, "within": "1d"}]})
    story.event()
    assert story.templates == ["high"]
    assert story.whys("dropped", journey="a") and not story.whys("dropped", journey="b")


def test_of_two_messages_held_for_the_night_the_more_important_one_leaves_first() -> None:
    story = priorities(settings={"quiet_hours": NIGHT, "caps": [{"limit": 1, "within": "1d"}]}, timezone="UTC")
    story.until("2026-03-02 22:00")
    story.event()
    assert (not story.sends and sorted(story.places) == ["n", "n"]) or story.whys("dropped", journey="a")
    story.until("2026-03-03 09:00")
    assert story.templates == ["high"]


def test_a_place_is_kept_for_what_is_held() -> None:
    held = journey(
        {"n": {"send": {"channel": "email", "template": "high"}, "next": "over"}}, id="b", on="Night", priority=80
    )
    late = journey(
        {"n": {"send": {"channel": "sms", "template": "low"}, "next": "over"}}, id="a", on="Late", priority=20
    )
    story = Story(held, late, settings={"quiet_hours": NIGHT, "caps": [{"limit": 1, "within": "1d"}]}, timezone="UTC")
    story.until("2026-03-02 22:00")
    story.event("Night")
    story.event("Late")
    assert story.whys("dropped", journey="a") == [
        "frequency cap: at most 1 of any message within 1 d (0 sent, 1 kept for more important journeys)"
    ]
    story.until("2026-03-03 08:00")
    assert story.templates == ["high"]


def test_timers_of_one_instant_fire_in_order_of_importance_then_of_age() -> None:
    documents = [
        journey(
            {
                "n": {"wait": "1h", "next": "mail"},
                "mail": {"send": {"channel": "email", "template": id}, "next": "over"},
            },
            id=id,
            priority=priority,
        )
        for id, priority in (("a", 10), ("b", 90), ("c", 10), ("d", 90))
    ]
    story = Story(*documents)
    story.event()
    story.wait("1h")
    assert story.templates == ["b", "d", "a", "c"]


def test_a_test_person_is_held_by_neither_nights_nor_caps_nor_control_groups() -> None:
    settings = {
        "quiet_hours": {"*": {"from": "00:00", "to": "23:59"}},
        "caps": [{"limit": 1, "within": "1d"}],
        "control_group": {"share": "100%"},
        "test": {"tag": "tester"},
    }
    story = Story(one(MAIL), settings=settings)
    story.profile.tags = ["tester"]
    story.event()
    story.event()
    assert story.templates == ["t", "t"]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"priority": "hihg"}, "priority: expected low, normal, high or a number from 0 to 100, found 'hihg'"),
        ({"priority": 101}, "priority: expected low, normal, high or a number"),
        ({"priority": True}, "priority: expected low, normal, high or a number"),
        ({"control": 10}, "control: expected a part of all people such as 10%, found 10"),
    ],
)
def test_faults_of_priority_and_control_are_named(more: dict[str, Any], fault: str) -> None:
    problems: list[Problem] = []
    parse(one(MAIL) | more, problems)
    assert str(problems[0]).startswith(fault)
    assert node_faults(MAIL) == []


def test_no_place_is_kept_for_what_is_less_important() -> None:
    held = journey(
        {"n": {"send": {"channel": "email", "template": "low"}, "next": "over"}}, id="b", on="Night", priority=20
    )
    late = journey(
        {"n": {"send": {"channel": "sms", "template": "high"}, "next": "over"}}, id="a", on="Late", priority=80
    )
    story = Story(held, late, settings={"quiet_hours": NIGHT, "caps": [{"limit": 1, "within": "1d"}]}, timezone="UTC")
    story.until("2026-03-02 22:00")
    story.event("Night")
    story.event("Late")
    assert story.templates == ["high"]


def test_what_became_of_one_message_gives_back_nothing_of_another() -> None:
    story = Story(
        one({"send": {"channel": "email", "template": "a"}}, id="a", on="A"),
        one({"send": {"channel": "email", "template": "b"}}, id="b", on="B"),
        settings={"caps": [{"limit": 5, "within": "1d"}]},
        answers={"n": None},
    )
    story.event("A")
    story.wait("1m")
    story.event("B")
    story.answer(story.sends[1], "dropped")
    assert list(story.profile.caps.values()) == [[story.now - 60_000]]
