"""The node `send`: every outcome, holds, drops, channels, and what is said about wrong settings."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import DAY, MONDAY, Story, ended, journey, node_faults, one, shown

from wend.core.inputs import Consent, Suppress


def test_send_rests_until_the_channel_has_accepted() -> None:
    story = Story(one({"send": {"channel": "email", "template": "t"}}), answers={"n": None})
    story.event(city="Oslo")
    (send,) = story.sends
    assert (send.channel, send.template, send.to, send.node) == ("email", "t", "ann@example.com", "n")
    assert send.expires_at == MONDAY + 2 * DAY
    assert send.data["entry"] == {"city": "Oslo"}
    assert story.places == ["n"] and story.wakes_at is None
    story.wait("3d")
    story.answer(send, "accepted")
    assert ended(story) == "next"


@pytest.mark.parametrize(
    ("state", "branch"),
    [("accepted", "next"), ("uncertain", "next"), ("refused", "failed"), ("dropped", "dropped")],
)
def test_send_leaves_by_the_outcome(state: str, branch: str) -> None:
    nodes = {
        "n": {"send": {"channel": "email", "template": "t"}, "next": "a", "failed": "b", "dropped": "c"},
        **{name: {"end": end} for name, end in (("a", "next"), ("b", "failed"), ("c", "dropped"))},
    }
    story = Story(journey(nodes), answers={"n": state})
    story.event()
    assert ended(story) == branch


def test_send_without_a_branch_for_failures_goes_on_by_next() -> None:
    for state in ("refused", "dropped"):
        story = Story(one({"send": {"channel": "email", "template": "t"}}), answers={"n": state})
        story.event()
        assert ended(story) == "next"


def test_send_dropped_goes_where_failed_goes() -> None:
    nodes = {
        "n": {"send": {"channel": "email", "template": "t"}, "next": "a", "failed": "b"},
        "a": {"end": "a"},
        "b": {"end": "b"},
    }
    story = Story(journey(nodes), consent=())
    story.event()
    assert ended(story) == "b" and not story.sends
    assert story.whys("dropped") == ["no consent for email"]


def test_send_takes_the_first_channel_of_a_list_on_which_the_person_can_be_reached() -> None:
    document = one({"send": {"channel": ["mobile_push", "sms", "email"], "template": "t"}})
    story = Story(document, consent=("sms", "email"))
    story.event()
    assert story.sends[0].channel == "sms"
    nobody = Story(document, consent=(), phone=None)
    nobody.event()
    assert not nobody.sends
    assert nobody.whys("dropped") == ["unreachable: no device for mobile_push"]


def test_send_judges_the_list_by_topic_and_by_the_contact_it_is_meant_for() -> None:
    story = Story(
        one({"send": {"channel": ["sms", "email"], "template": "t", "to": "parent"}}), parent="pa@example.com"
    )
    story.event()
    assert story.whys("dropped")[0].startswith("unreachable: attribute 'parent' is not a valid phone number")
    story.profile.consent["email:parent"] = ["subscribed", MONDAY]
    story.event()
    assert (story.sends[0].channel, story.sends[0].to, story.sends[0].data["to"]) == (
        "email",
        "pa@example.com",
        "parent",
    )


def test_send_by_the_same_channel_as_an_earlier_one() -> None:
    nodes = {
        "first": {"send": {"channel": ["mobile_push", "sms"], "template": "a"}, "next": "again"},
        "again": {"send": {"channel": {"same_as": "first"}, "template": "b"}, "next": "over"},
    }
    story = Story(journey(nodes))
    story.event()
    assert [send.channel for send in story.sends] == ["sms", "sms"]


def test_send_by_the_same_channel_as_one_that_never_went_out_is_dropped_and_says_so() -> None:
    nodes = {
        "first": {"send": {"channel": "email", "template": "a"}, "next": "again"},
        "again": {"send": {"channel": {"same_as": "first"}, "template": "b"}, "next": "over"},
    }
    story = Story(journey(nodes), consent=())
    story.event()
    assert story.whys("dropped")[1] == "first has sent nothing, so there is no channel to use again"


def test_send_that_is_transactional_needs_no_consent_but_heeds_suppression() -> None:
    document = one({"send": {"channel": "email", "template": "t", "transactional": True}})
    story = Story(document, consent=())
    story.event()
    assert len(story.sends) == 1
    story.tell(Suppress("asked", story.now, "email"))
    story.event()
    assert len(story.sends) == 1 and story.whys("dropped") == ["suppressed: asked"]


def test_send_waits_through_quiet_hours_and_asks_anew_when_they_are_over() -> None:
    quiet = {"quiet_hours": {"*": {"from": "09:00", "to": "12:00"}}}
    story = Story(one({"send": {"channel": "email", "template": "t"}}), settings=quiet)
    story.event()
    assert story.places == ["n"] and not story.sends
    (held,) = [step for step in story.steps if step.kind == "held"]
    assert shown(held.until) == "2026-03-02 12:00" and held.node == "n"
    story.until("2026-03-02 11:59")
    assert not story.sends
    story.until("2026-03-02 12:00")
    assert len(story.sends) == 1 and ended(story) == "next"


def test_send_that_was_held_asks_for_consent_again_on_release() -> None:
    quiet = {"quiet_hours": {"email": {"from": "09:00", "to": "12:00"}}}
    story = Story(one({"send": {"channel": "email", "template": "t"}}), settings=quiet)
    story.event()
    story.tell(Consent("unsubscribed", story.now, "email"))
    story.wait("1d")
    assert not story.sends and story.whys("dropped") == ["unsubscribed from email"]


def test_send_is_dropped_when_its_time_to_live_ends_before_the_night_does() -> None:
    quiet = {"quiet_hours": {"email": {"from": "09:00", "to": "12:00"}}}
    story = Story(one({"send": {"channel": "email", "template": "t", "ttl": "1h"}}), settings=quiet)
    story.event()
    assert not story.sends and "time to live" in story.whys("dropped")[0]


def test_send_ignores_the_outcome_of_another_move_with_a_trace() -> None:
    story = Story(one({"send": {"channel": "email", "template": "t"}}), answers={"n": None})
    story.event()
    story.answer(story.sends[0], "accepted", move=7)
    assert story.places == ["n"]
    assert "ignored: it belongs to move 7" in story.whys("outcome")


def test_send_does_not_take_what_happens_to_messages_for_its_outcome() -> None:
    story = Story(one({"send": {"channel": "email", "template": "t"}}), answers={"n": None})
    story.event()
    story.answer(story.sends[0], "opened")
    assert story.places == ["n"]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "nodes.n.send.channel: is missing"),
        (
            {"channel": "emial", "template": "t"},
            "nodes.n.send.channel: 'emial' is not a channel; did you mean 'email'?",
        ),
        ({"channel": ["sms", 5], "template": "t"}, "nodes.n.send.channel[1]: 5 is not a channel"),
        ({"channel": [], "template": "t"}, "nodes.n.send.channel: expected a list with at least one entry, found []"),
        (
            {"channel": "best", "template": "t"},
            "nodes.n.send.template: the best of all channels needs a template for each: {email: …, sms: …}",
        ),
        ({"channel": {"best": "email"}, "template": "t"}, "nodes.n.send.channel.best: expected a list"),
        ({"channel": "email", "template": {"emial": "t"}}, "nodes.n.send.template.emial: 'emial' is not a channel"),
        (
            {"channel": "email", "template": "t", "variants": {"a": "t"}},
            "nodes.n.send.variants: give either a template or variants",
        ),
        (
            {"channel": "sms", "template": {"email": "t"}},
            "nodes.n.send.template: there is no template for sms",
        ),
        (
            {"channel": {"best": ["email"], "same_as": "s"}, "template": "t"},
            "nodes.n.send.channel: give either best or same_as",
        ),
        ({"channel": "email", "variants": {"a": 5}}, "nodes.n.send.variants.a: expected a text, found 5"),
        ({"channel": {"same": "x"}, "template": "t"}, "nodes.n.send.channel.same: 'same' is not allowed here"),
        ({"channel": {"same_as": 1}, "template": "t"}, "nodes.n.send.channel.same_as: expected the id of a send node"),
        ({"channel": "email", "template": ""}, "nodes.n.send.template: expected a text, found ''"),
        (
            {"channel": "email", "template": "t", "transactional": "yes"},
            "nodes.n.send.transactional: expected true or false",
        ),
        (
            {"channel": "email", "template": "t", "ttl": "2 fortnights"},
            "nodes.n.send.ttl: 'fortnights' is not a unit of time",
        ),
        (
            {"channel": "email", "templat": "t"},
            "nodes.n.send.templat: 'templat' is not a setting here; did you mean 'template'?",
        ),
        ("email", "nodes.n.send: expected settings (channel"),
    ],
)
def test_send_says_where_its_settings_are_wrong(settings: Any, fault: str) -> None:
    assert any(found.startswith(fault) for found in node_faults({"send": settings})), node_faults({"send": settings})


# --- a template for each channel, variants, the best channel ---

BOTH = {"email": "t-mail", "sms": "t-sms"}


def test_send_takes_the_template_of_its_channel() -> None:
    document = one({"send": {"channel": ["mobile_push", "sms", "email"], "template": BOTH}})
    story = Story(document, consent=("sms",))
    story.event()
    assert [(send.channel, send.template) for send in story.sends] == [("sms", "t-sms")]
    nodes = {
        "first": {"send": {"channel": "whatsapp", "template": "a"}, "next": "again"},
        "again": {"send": {"channel": {"same_as": "first"}, "template": BOTH}, "next": "over"},
    }
    without = Story(journey(nodes))
    without.event()
    assert without.whys("dropped") == ["there is no template for whatsapp"]


def test_variants_are_the_persons_own_and_shared_evenly() -> None:
    document = one({"send": {"channel": "email", "variants": {"a": "t-a", "b": BOTH}}})
    counts = {"t-a": 0, "t-mail": 0}
    for person in range(1, 200):
        story = Story(document, person=person, consent=("email",))
        story.event()
        story.event()
        first, second = story.templates
        assert first == second
        counts[first] += 1
    assert all(70 < count < 130 for count in counts.values())


def test_a_goal_is_counted_for_the_variant() -> None:
    nodes = {
        "n": {"send": {"channel": "email", "variants": {"a": "t-a"}}, "next": "w"},
        "w": {"wait": "1d", "next": "over"},
    }
    story = Story(journey(nodes, goal={"event": "Bought"}))
    story.event()
    story.event("Bought")
    assert [step.detail for step in story.steps if step.kind == "goal"] == [{"value": 0, "arms": {"n": "a"}}]
    assert "arms" not in str(Story(one({"send": {"channel": "email", "variants": {"a": "t"}}})).profile.runs)


def test_the_best_channel_is_the_one_on_which_this_person_answers() -> None:
    document = one({"send": {"channel": {"best": ["email", "sms", "mobile_push"]}, "template": BOTH}})
    story = Story(document)
    story.event()
    assert story.sends[0].channel == "email", "of equals the first"
    for _ in range(4):
        story.event()
        send = story.sends[-1]
        if send.channel == "email":
            continue
        story.answer(send, "clicked")
    assert story.profile.response["email"][0] >= 1
    story.profile.response = {"email": [10, 1], "sms": [10, 6]}
    story.event()
    assert story.sends[-1].channel == "sms"
    story.tell(Consent("unsubscribed", story.now, "sms"))
    story.event()
    assert story.sends[-1].channel == "email", "only channels on which the person can be reached"
    nobody = Story(one({"send": {"channel": "best", "template": BOTH}}), consent=())
    nobody.event()
    assert nobody.whys("dropped") == ["no consent for email"]


def test_the_summary_tells_channels_and_templates() -> None:
    def said(**settings: Any) -> str:
        document = Story(one({"send": settings})).plan.journeys["j"].live.document
        return document.nodes["n"].node.summary()

    assert said(channel="best", template=BOTH) == "Send on the best channel: t-mail, t-sms, gives up after 2 d"
    assert said(channel="sms", variants={"a": "x", "b": "y"}) == "Send sms: x, y, gives up after 2 d"
