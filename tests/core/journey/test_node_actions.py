"""The nodes that change something about the person, `emit`, and `end`."""

from __future__ import annotations

from tests.core.journey.story import Story, journey, node_faults, one

# --- end ---


def test_end_keeps_its_reason_or_else_its_name() -> None:
    story = Story(journey({"done": {"end": "was enough"}}, id="a"), journey({"done": {"end": None}}, id="b"))
    story.event()
    assert story.ends == ["was enough", "done"]


# --- attributes, score, tags ---


def test_set_attribute_writes_a_literal_or_a_computed_value() -> None:
    nodes = {
        "a": {"set_attribute": {"attribute": "plan.name", "value": "gold"}, "next": "b"},
        "b": {"set_attribute": {"attribute": "due", "value": {"attribute": "due", "plus": "30d"}}, "next": "c"},
        "c": {
            "set_attribute": {"attribute": "price", "value": {"entry": "price", "times": 2, "minus": 1}},
            "next": "over",
        },
    }
    story = Story(journey(nodes), due="2026-03-10")
    story.event(price=10)
    assert story.profile.attributes["plan"] == {"name": "gold"}
    assert story.profile.attributes["due"] == "2026-04-09"
    assert story.profile.attributes["price"] == 18
    assert story.profile.attributes_changed


def test_set_attribute_without_a_value_leaves_what_is_there() -> None:
    story = Story(
        one({"set_attribute": {"attribute": "due", "value": {"attribute": "due", "plus": "30d"}}}), due="soon"
    )
    story.event()
    assert story.profile.attributes["due"] == "soon"
    assert story.whys("moved") == ["due stays as it is: there is no value to write"]


def test_set_attribute_says_why_a_value_was_refused() -> None:
    story = Story(one({"set_attribute": {"attribute": "bio", "value": {"entry": "bio"}}}))
    story.event(bio="x" * 20_000)
    assert "bio" not in story.profile.attributes
    assert story.whys("moved")[0].startswith("bio stays as it is: ")


def test_set_attribute_to_what_it_is_already_causes_nothing() -> None:
    heard = journey({"d": {"end": "heard"}}, id="h", on={"attribute_changed": "city"})
    story = Story(one({"set_attribute": {"attribute": "city", "value": "Oslo"}}), heard, city="Oslo")
    story.steps.clear()
    story.event()
    assert story.ends == ["next"]


def test_adjust_score_adds_and_takes_away() -> None:
    story = Story(one({"adjust_score": 10}, id="up"), one({"adjust_score": {"by": -2.5}}, id="down"))
    story.event()
    assert story.profile.score == 7.5
    assert story.whys("moved") == ["score 0 → 10", "score 10 → 7.5"]


def test_tags_are_added_once_and_removed() -> None:
    story = Story(
        journey({"a": {"add_tag": "vip", "next": "b"}, "b": {"add_tag": "vip", "next": "over"}}, id="add"),
        journey(
            {"a": {"remove_tag": "vip", "next": "b"}, "b": {"remove_tag": {"tag": "vip"}, "next": "over"}},
            id="off",
            on="Off",
        ),
    )
    story.event()
    assert story.profile.tags == ["vip"]
    assert story.whys("moved")[1] == "already tagged vip, or at the limit of tags"
    story.event("Off")
    assert story.profile.tags == []
    assert story.whys("moved")[2:] == ["tag vip removed", "had no tag vip"]


def test_set_subscription_records_a_yes_or_no_and_keeps_the_proof() -> None:
    nodes = {
        "a": {"set_subscription": {"state": "unsubscribed", "channel": "email"}, "next": "b"},
        "b": {"set_subscription": {"state": "subscribed", "topic": "offers"}, "next": "over"},
    }
    story = Story(journey(nodes))
    decision = story.event()
    assert story.profile.consent["email"][0] == "unsubscribed"
    assert story.profile.topics["offers"][0] == "subscribed"
    assert [(one.channel, one.topic, one.source) for one in decision.consents] == [
        ("email", "", "journey j"),
        ("", "offers", "journey j"),
    ]


def test_set_subscription_wants_either_a_channel_or_a_topic() -> None:
    wrong = "nodes.n.set_subscription.channel: give either a channel or a topic"
    assert node_faults({"set_subscription": {"state": "subscribed"}}) == [wrong]
    assert node_faults({"set_subscription": {"state": "subscribed", "channel": "sms", "topic": "t"}}) == [wrong]
    assert "did you mean 'subscribed'?" in node_faults({"set_subscription": {"state": "subscribd", "topic": "t"}})[0]


def test_suppress_closes_a_channel_or_everything() -> None:
    story = Story(
        one({"suppress": {"channel": "sms", "reason": "clean-up"}}, id="a"), one({"suppress": None}, id="b", on="All")
    )
    story.event()
    assert story.profile.suppressed == {"sms": "clean-up"}
    story.event("All")
    assert story.profile.suppressed["*"] == "journey"


# --- emit ---


def test_emit_sends_an_event_through_the_front_door() -> None:
    node = {"emit": {"event": "Report Sent", "properties": {"course": {"entry": "course"}, "kind": "weekly"}}}
    heard = journey({"d": {"end": "heard"}}, id="h", on="Report Sent")
    story = Story(one(node), heard)
    story.event(course=7)
    (event,) = story.emitted
    assert (event.name, event.properties, event.hops) == ("Report Sent", {"course": 7, "kind": "weekly"}, 1)
    assert event.message_id == f"{PERSON_HEX}-1.0"
    assert story.ends == ["next", "heard"]


PERSON_HEX = "a11ce"
