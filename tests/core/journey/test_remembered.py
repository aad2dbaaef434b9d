"""Which messages a person's state keeps: those that some published condition may ask for, and no others."""

from __future__ import annotations

from typing import Any

from tests.core.journey.story import Story, journey


def _asks(id: str, message: dict[str, Any]) -> dict[str, Any]:
    nodes = {
        "mail": {"send": {"channel": "in_app", "template": f"{id}-mail"}, "next": "c"},
        "c": {"check": {"message": message}, "yes": "y", "no": "n"},
        "y": {"end": "y"},
        "n": {"end": "n"},
    }
    return journey(nodes, id=id, on=f"Go {id}")


def _kept(story: Story) -> list[str]:
    return [message[4] for message in story.profile.messages]


def test_a_node_without_a_journey_is_one_of_the_journey_that_asks() -> None:
    silent = journey(
        {"mail": {"send": {"channel": "in_app", "template": "silent-mail"}, "next": "over"}},
        id="silent",
        on="Go silent",
    )
    story = Story(silent, _asks("a", {"node": "mail", "state": "sent"}))
    story.event("Go silent")
    story.event("Go a")
    assert _kept(story) == ["a-mail"] and story.whys("ended", journey="a") == ["y"]


def test_by_journey_template_and_channel_only_what_is_meant_is_kept() -> None:
    story = Story(
        _asks("a", {"template": "b-mail"}),
        _asks("b", {"channel": "sms"}),
        _asks("c", {"journey": "c", "channel": "in_app"}),
    )
    for id in ("a", "b", "c"):
        story.event(f"Go {id}")
    assert _kept(story) == ["b-mail", "c-mail"]


def test_what_nobody_reads_any_more_is_let_go_with_the_next_change_of_the_plan() -> None:
    story = Story(_asks("a", {"node": "mail"}), _asks("b", {"node": "mail"}))
    story.event("Go a")
    story.event("Go b")
    assert _kept(story) == ["a-mail", "b-mail"]
    story.change("stop", journey="a")
    assert _kept(story) == ["b-mail"]


def test_an_attribute_that_does_not_fit_is_left_out_and_the_trace_says_so() -> None:
    story = Story(journey({"n": {"add_tag": "x", "next": "over"}}))
    story.identify(kept=1, huge="x" * 20_000)
    story.group("acme", huge="x" * 20_000)
    assert story.profile.attributes.keys() >= {"kept"}
    assert story.profile.attributes.keys().isdisjoint({"huge", "groups"})
    whys = [step.why for step in story.steps if step.kind == "refused"]
    assert [why.split(":")[0] for why in whys] == ["attribute huge", "attribute groups"]
