"""Every kind of node: its branches, its waits, and what is said about wrong settings."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, Story, journey, ms, shown

from wend.core.inputs import Consent, Suppress
from wend.core.journey.check import check
from wend.core.journey.document import parse
from wend.core.journey.fields import settings_schema
from wend.core.journey.nodes import NODES
from wend.core.problems import Problem


def one(node: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A journey of one node `n`; its branches lead to ends of the same name."""
    problems: list[Problem] = []
    parsed = parse(journey({"n": node}), problems)
    assert parsed is not None and not problems, problems
    branches = [b for b in parsed.nodes["n"].node.branches() if b not in parsed.nodes["n"].node.FALLBACK]
    ends = {f"to_{branch}": {"end": branch} for branch in branches}
    return journey({"n": {**node, **{branch: f"to_{branch}" for branch in branches}}, **ends}, **more)


def faults(node: dict[str, Any]) -> list[str]:
    problems: list[Problem] = []
    parse(journey({"n": node}), problems)
    return [str(problem) for problem in problems]


def ended(story: Story) -> str:
    assert len(story.ends) == 1, story.steps
    return story.ends[0]


# --- end ---


def test_end_keeps_its_reason_or_else_its_name() -> None:
    story = Story(journey({"done": {"end": "was enough"}}, id="a"), journey({"done": {"end": None}}, id="b"))
    story.event()
    assert story.ends == ["was enough", "done"]


# --- send ---


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
        ({"channel": "best", "template": "t"}, "nodes.n.send.channel: 'best' channel is not available yet"),
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
    assert any(found.startswith(fault) for found in faults({"send": settings})), faults({"send": settings})


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
    assert faults({"set_subscription": {"state": "subscribed"}}) == [wrong]
    assert faults({"set_subscription": {"state": "subscribed", "channel": "sms", "topic": "t"}}) == [wrong]
    assert "did you mean 'subscribed'?" in faults({"set_subscription": {"state": "subscribd", "topic": "t"}})[0]


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


# --- conditions ---


def test_check_goes_by_a_condition() -> None:
    document = one({"check": {"attribute": "city", "is": "Oslo"}})
    for city, branch in (("Oslo", "yes"), ("Rome", "no"), (None, "no")):
        story = Story(document, city=city)
        story.event()
        assert ended(story) == branch


def test_check_tries_cases_in_order_and_has_an_else() -> None:
    cases = {"rich": {"attribute": "income", "gt": 100}, "some": {"attribute": "income", "gt": 10}}
    for income, branch in ((500, "rich"), (50, "some"), (5, "else")):
        story = Story(one({"check": {"cases": cases}}), income=income)
        story.event()
        assert ended(story) == branch


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "nodes.n.check.if: give either one condition or cases"),
        ({"if": {"tag": "a"}, "cases": {"x": {"tag": "a"}}}, "nodes.n.check.if: give either one condition or cases"),
        ({"cases": {"else": {"tag": "a"}}}, "nodes.n.check.cases.else: 'else' is the branch for none of the cases"),
        ({"cases": {"note": {"tag": "a"}}}, "nodes.n.check.cases.note: 'note' cannot be the name of a branch"),
        ({"cases": {" ": {"tag": "a"}}}, "nodes.n.check.cases. : ' ' cannot be the name of a branch"),
        ({"cases": []}, "nodes.n.check.cases: expected a condition for each branch, found []"),
        ({"cases": {"a": {"tga": "a"}}}, "nodes.n.check.cases.a: 'tga' is no form of condition; did you mean 'tag'?"),
        ({"attribute": "city", "iss": "Oslo"}, "nodes.n.check.if"),
        ({"segment": "vip"}, "nodes.n.check.if: conditions on 'segment' are not available yet"),
    ],
)
def test_check_says_where_its_settings_are_wrong(settings: Any, fault: str) -> None:
    found = faults({"check": settings})
    assert found and found[0].startswith(fault), found


def test_has_done_counts_events_also_since_the_run_began() -> None:
    nodes = {
        "w": {"wait": "1d", "next": "n"},
        "n": {"has_done": {"event": "Paid", "since": "entry"}, "yes": "y", "no": "x"},
        "y": {"end": "yes"},
        "x": {"end": "no"},
    }
    for paid_after, branch in ((True, "yes"), (False, "no")):
        story = Story(journey(nodes))
        story.event("Paid")
        story.wait("1h")
        story.event()
        if paid_after:
            story.wait("1h")
            story.event("Paid")
        story.wait("2d")
        assert ended(story) == branch


def test_has_done_takes_a_bare_name() -> None:
    story = Story(one({"has_done": "Paid"}))
    story.event()
    story.event("Paid")
    story.event()
    assert story.ends == ["no", "yes"]


def test_has_done_refuses_conditions_that_are_not_about_events() -> None:
    assert faults({"has_done": {"tag": "vip"}})[0].startswith("nodes.n.has_done.condition: expected an event")
    assert faults({"has_done": None}) == ["nodes.n.has_done.condition: is missing"]


def test_reachable_knows_marketing_transactional_and_address() -> None:
    def answer(story: Story) -> str:
        story.event()
        return story.ends[-1]

    def ask(purpose: str) -> dict[str, Any]:
        return one({"reachable": {"channel": "email", "for": purpose}})

    assert answer(Story(one({"reachable": "email"}))) == "yes"
    assert answer(Story(one({"reachable": "email"}), consent=())) == "no"
    assert answer(Story(ask("transactional"), consent=())) == "yes"
    story = Story(ask("transactional"), consent=())
    story.tell(Suppress("bounced", story.now, "email"))
    assert answer(story) == "no"
    story = Story(ask("address"), consent=())
    story.tell(Suppress("bounced", story.now, "email"))
    assert answer(story) == "yes"
    assert answer(Story(ask("address"), email=None)) == "no"


@pytest.mark.parametrize(
    ("feedback", "asked", "branch"),
    [
        (["accepted"], "sent", "yes"),
        (["accepted"], "delivered", "no"),
        (["accepted", "delivered"], "delivered", "yes"),
        (["accepted", "opened"], "delivered", "yes"),
        (["accepted", "clicked"], "opened", "yes"),
        (["accepted", "delivered"], "opened", "no"),
        (["accepted", "bounced"], "failed", "yes"),
        (["accepted"], "failed", "no"),
        (["accepted", "replied"], "replied", "yes"),
        (["accepted", "replied"], "clicked", "no"),
        (["refused"], "failed", "yes"),
    ],
)
def test_message_state_knows_what_a_later_state_proves(feedback: list[str], asked: str, branch: str) -> None:
    nodes = {
        "mail": {"send": {"channel": "email", "template": "t"}, "next": "w"},
        "w": {"wait": "1h", "next": "n"},
        "n": {"message_state": {"node": "mail", "state": asked}, "yes": "y", "no": "x"},
        "y": {"end": "yes"},
        "x": {"end": "no"},
    }
    story = Story(journey(nodes), answers={"mail": None})
    story.event()
    for state in feedback:
        story.answer(story.sends[0], state)
    story.wait("1h")
    assert ended(story) == branch


def test_message_state_does_not_believe_machines_and_knows_when_nothing_was_sent() -> None:
    nodes = {
        "mail": {"send": {"channel": "email", "template": "t"}, "next": "w"},
        "w": {"wait": "1h", "next": "n"},
        "n": {"message_state": {"node": "mail", "state": "opened"}, "yes": "y", "no": "x"},
        "y": {"end": "yes"},
        "x": {"end": "no"},
    }
    story = Story(journey(nodes))
    story.event()
    story.answer(story.sends[0], "opened", machine=True)
    story.wait("1h")
    assert ended(story) == "no"
    silent = Story(journey(nodes), consent=())
    silent.event()
    silent.wait("1h")
    assert ended(silent) == "no" and "mail has sent nothing" in silent.whys("moved")


# --- split ---


def test_split_draws_by_weight_and_the_same_each_time() -> None:
    document = one({"split": {"weights": {"a": 70, "b": 30, "never": 0}}})
    drawn: list[str] = []
    for person in range(1, 401):
        arms: list[str] = []
        for _ in range(2):
            story = Story(document, person=person, consent=())
            story.event()
            arms.append(ended(story))
        assert arms[0] == arms[1]
        drawn.append(arms[0])
    assert 240 <= drawn.count("a") <= 320
    assert drawn.count("never") == 0 and drawn.count("a") + drawn.count("b") == 400


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ({"a": -1, "b": 2}, "nodes.n.split.weights: weights must not be negative and not all zero"),
        ({"a": 0}, "nodes.n.split.weights: weights must not be negative and not all zero"),
        ({"a": "half"}, "nodes.n.split.weights.a: expected a number, found 'half'"),
        ({"a": float("nan")}, "nodes.n.split.weights.a: expected a number, found nan"),
        ({"a": 1e300}, "nodes.n.split.weights.a: expected a number"),
        ({"timing": 1}, "nodes.n.split.weights.timing: 'timing' cannot be the name of a branch"),
        ({}, "nodes.n.split.weights: expected a weight for each arm"),
        (None, "nodes.n.split.weights: is missing"),
    ],
)
def test_split_says_where_its_settings_are_wrong(weights: Any, fault: str) -> None:
    assert faults({"split": {"weights": weights}})[0].startswith(fault)


# --- wait ---


def test_wait_rests_for_a_length_of_time() -> None:
    story = Story(one({"wait": "1d 2h"}))
    story.event()
    assert shown(story.wakes_at) == "2026-03-03 12:00"
    story.until("2026-03-03 11:59")
    assert story.places == ["n"]
    story.until("2026-03-03 12:00")
    assert ended(story) == "next"


def test_wait_for_a_computed_length() -> None:
    node = {"wait": {"attribute": "pause", "default": "3h"}}
    for pause, length in (("90m", 90 * MINUTE), (None, 3 * HOUR), ("5s", MINUTE)):
        story = Story(one(node), pause=pause)
        story.event()
        assert story.wakes_at == MONDAY + length
    story = Story(one(node), pause="a while")
    story.event()
    assert ended(story) == "next" and story.whys("moved") == ["no wait: 'a while' is not a duration"]


def test_wait_for_no_time_goes_on_at_once() -> None:
    story = Story(one({"wait": "0s"}))
    story.event()
    assert ended(story) == "next"


@pytest.mark.parametrize("length", [5, "soon", {"plus": "1d"}, {"attribut": "x"}, {"attribute": 5}, None, []])
def test_wait_wants_a_duration_or_an_expression(length: Any) -> None:
    assert faults({"wait": length})[0].startswith("nodes.n.wait.for")


# --- wait_for_event ---


def test_wait_for_event_goes_by_the_event_or_by_the_timeout() -> None:
    document = one({"wait_for_event": {"event": "Bought", "timeout": "2h"}})
    story = Story(document)
    story.event()
    story.wait("119m")
    story.event("Bought")
    assert ended(story) == "happened"
    late = Story(document)
    late.event()
    late.wait("2h")
    assert ended(late) == "timed_out" and late.whys("moved") == ["no Bought within 2 h"]


def test_wait_for_event_at_a_tie_the_timer_goes_first() -> None:
    story = Story(one({"wait_for_event": {"event": "Bought", "timeout": "2h"}}))
    story.event()
    story.skip("2h")
    story.event("Bought")
    assert ended(story) == "timed_out"


def test_wait_for_event_takes_one_of_several_names_and_heeds_its_condition() -> None:
    where = {"all": [{"property": "total", "gt": 10}, {"attribute": "city", "is": "Oslo"}]}
    story = Story(one({"wait_for_event": {"event": ["Bought", "Ordered"], "where": where}}), city="Oslo")
    story.event()
    story.event("Ordered", total=5)
    assert story.places == ["n"] and story.wakes_at is None
    story.event("Ordered", total=50)
    assert ended(story) == "happened"


def test_wait_for_event_with_a_branch_for_each_event_the_first_wins() -> None:
    events = {"bought": {"event": "Bought"}, "looked": {"event": "Looked", "where": {"property": "page", "is": "/a"}}}
    document = one({"wait_for_event": {"events": events, "timeout": "1d"}})
    for name, branch in (("Bought", "bought"), ("Looked", "looked")):
        story = Story(document)
        story.event()
        story.event("Looked", page="/b")
        assert story.places == ["n"]
        story.event(name, page="/a")
        assert ended(story) == branch


def test_wait_for_event_keeps_what_moved_it() -> None:
    nodes = {
        "n": {"wait_for_event": "Bought", "happened": "s"},
        "s": {"set_attribute": {"attribute": "seen", "value": {"event": "total"}}, "next": "t"},
        "t": {"set_attribute": {"attribute": "first", "value": {"entry": "total"}}, "next": "over"},
    }
    nodes["n"] = {"wait_for_event": {"event": "Bought"}, "happened": "s"}
    story = Story(journey(nodes))
    story.event(total=1)
    story.event("Bought", total=2)
    assert (story.profile.attributes["seen"], story.profile.attributes["first"]) == (2, 1)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "event: give either event or events"),
        ({"event": "A", "events": {"x": "A"}}, "event: give either event or events"),
        ({"events": {"x": "A"}, "where": {"tag": "x"}}, "where: put the condition into each of the events"),
        ({"events": {"timed_out": "A"}}, "events.timed_out: 'timed_out' is the branch of the timeout"),
        ({"events": {"x": {"evnt": "A"}}}, "events.x: expected an event such as"),
        (
            {"events": {"x": {"event": "A", "wher": {}}}},
            "events.x.wher: 'wher' is not allowed here; did you mean 'where'?",
        ),
        ({"event": ["A", ""]}, "event: expected the name of an event, found ''"),
        ({"event": []}, "event: expected the name of an event, found an empty list"),
        ({"event": "A", "timeout": 5}, "timeout: 5 is not a duration"),
    ],
)
def test_wait_for_event_says_where_its_settings_are_wrong(settings: Any, fault: str) -> None:
    found = faults({"wait_for_event": settings})
    assert found and found[0].startswith(f"nodes.n.wait_for_event.{fault}"), found


# --- wait_for_condition ---


def test_wait_for_condition_that_is_true_already() -> None:
    story = Story(one({"wait_for_condition": {"tag": "vip", "timeout": "1d"}}))
    story.profile.tags.append("vip")
    story.event()
    assert ended(story) == "happened"


def test_wait_for_condition_until_it_comes_true_or_the_time_is_over() -> None:
    document = one({"wait_for_condition": {"attribute": "city", "is": "Oslo", "timeout": "1d"}})
    story = Story(document)
    story.event()
    story.identify(city="Rome")
    assert story.places == ["n"]
    story.identify(city="Oslo")
    assert ended(story) == "happened"
    late = Story(document)
    late.event()
    late.wait("1d")
    assert ended(late) == "timed_out"


def test_wait_for_condition_comes_true_by_mere_passing_of_time() -> None:
    story = Story(one({"wait_for_condition": {"condition": {"inactive": "30d"}}}))
    story.event()
    assert story.wakes_at == MONDAY + 30 * DAY
    story.wait("10d")
    story.event("Visited")
    story.wait("29d")
    assert story.places == ["n"]
    story.wait("1d")
    assert ended(story) == "happened" and story.now == MONDAY + 40 * DAY


def test_wait_for_condition_hears_counts_and_built_in_facts() -> None:
    document = one(
        {"wait_for_condition": {"all": [{"event": "Viewed", "count": {"gte": 2}}, {"cart": {"items": {"gt": 0}}}]}}
    )
    story = Story(document)
    story.event()
    story.event("Viewed")
    story.event("Product Added", product_id="p")
    assert story.places == ["n"]
    story.event("Viewed")
    assert ended(story) == "happened"


def test_wait_for_condition_on_what_became_of_a_message_of_this_very_run() -> None:
    nodes = {
        "mail": {"send": {"channel": "email", "template": "t"}, "next": "n"},
        "n": {
            "wait_for_condition": {"message": {"node": "mail", "state": "opened"}, "timeout": "2d"},
            "happened": "y",
            "timed_out": "x",
        },
        "y": {"end": "opened"},
        "x": {"end": "not opened"},
    }
    story = Story(journey(nodes, key="offer"))
    story.event(offer=1)
    story.event(offer=2)
    story.answer(story.sends[0], "opened")
    assert story.ends == ["opened"]
    story.wait("2d")
    assert story.ends == ["opened", "not opened"]


def test_wait_for_condition_wants_a_condition() -> None:
    assert faults({"wait_for_condition": {"timeout": "1d"}}) == ["nodes.n.wait_for_condition.condition: is missing"]
    assert "is no form of condition" in faults({"wait_for_condition": {"foo": 1}})[0]


# --- wait_for_date ---


def waits_until(node: dict[str, Any], **attributes: Any) -> str:
    story = Story(one({"wait_for_date": node}), **attributes)
    story.event()
    return shown(story.wakes_at) if story.profile.runs else f"{story.branches[-1].split()[1]}"


@pytest.mark.parametrize(
    ("node", "attributes", "expected"),
    [
        ({"date": "2026-04-01"}, {}, "2026-04-01 00:00"),
        ({"date": "2026-04-01"}, {"timezone": "Europe/Berlin"}, "2026-03-31 22:00"),
        ({"date": "2026-04-01", "at": "09:00"}, {"timezone": "Europe/Berlin"}, "2026-04-01 07:00"),
        (
            {"attribute": "due", "before": "10d", "at": "09:00"},
            {"due": "2026-04-05", "timezone": "Europe/Berlin"},
            "2026-03-26 08:00",
        ),
        ({"attribute": "due", "before": "10d"}, {"due": "2026-04-05", "timezone": "Europe/Berlin"}, "2026-03-25 23:00"),
        ({"attribute": "due", "after": "12h"}, {"due": "2026-04-05T10:00:00Z"}, "2026-04-05 22:00"),
        ({"attribute": "due", "before": "36h", "at": "09:00"}, {"due": "2026-04-05T10:00:00Z"}, "2026-04-03 09:00"),
        ({"attribute": "due", "plus": "1d"}, {"due": "2026-04-05"}, "2026-04-06 00:00"),
        ({"date": {"entry": "day", "default": "2026-05-01"}}, {}, "2026-05-01 00:00"),
        ({"now": None, "plus": "2d"}, {}, "2026-03-04 10:00"),
        ({"attribute": "born", "any_year": True, "at": "09:00"}, {"born": "1990-03-05"}, "2026-03-05 09:00"),
        ({"attribute": "born", "any_year": True}, {"born": "1990-03-02"}, "2027-03-02 00:00"),
        ({"attribute": "born", "any_year": True, "before": "3d"}, {"born": "1990-03-04"}, "2027-03-01 00:00"),
        ({"attribute": "born", "any_year": True, "before": "3y"}, {"born": "1990-03-04"}, "2026-03-05 00:00"),
        ({"attribute": "born", "any_year": True, "after": "400d"}, {"born": "1990-03-04"}, "2026-04-08 00:00"),
        ({"attribute": "born", "any_year": True}, {"born": "1992-02-29"}, "2027-02-28 00:00"),
        ({"attribute": "due"}, {"due": 1775001600}, "2026-04-01 00:00"),
        ({"attribute": "due"}, {"due": "2026-03-02"}, "passed"),
        ({"attribute": "due"}, {}, "passed"),
        ({"attribute": "due"}, {"due": "soon"}, "passed"),
        ("2026-01-01", {}, "passed"),
    ],
)
def test_wait_for_date_rests_until(node: Any, attributes: dict[str, Any], expected: str) -> None:
    assert waits_until(node, **attributes) == expected


def test_wait_for_date_at_a_time_of_day_that_does_not_exist() -> None:
    assert waits_until({"date": "2026-03-29", "at": "02:30"}, timezone="Europe/Berlin") == "2026-03-29 01:00"


def test_wait_for_date_is_timed_anew_when_the_attribute_changes() -> None:
    story = Story(one({"wait_for_date": {"attribute": "loan.due", "before": "1d"}}), loan={"due": "2026-04-05"})
    story.event()
    assert shown(story.wakes_at) == "2026-04-04 00:00"
    story.identify(loan={"due": "2026-05-05"})
    assert shown(story.wakes_at) == "2026-05-04 00:00"
    story.identify(city="Oslo")
    assert shown(story.wakes_at) == "2026-05-04 00:00"
    story.identify(timezone="America/New_York")
    assert shown(story.wakes_at) == "2026-05-04 04:00"
    story.identify(loan=None)
    assert ended(story) == "next" and story.branches == ["n passed"]


def test_wait_for_date_that_is_fixed_only_hears_of_the_zone() -> None:
    story = Story(one({"wait_for_date": "2026-04-05"}))
    story.event()
    story.identify(timezone="Asia/Tokyo")
    assert shown(story.wakes_at) == "2026-04-04 15:00"


def test_wait_for_date_goes_by_next_when_the_date_comes() -> None:
    nodes = {
        "n": {"wait_for_date": "2026-04-05", "next": "y", "passed": "x"},
        "y": {"end": "came"},
        "x": {"end": "had passed"},
    }
    story = Story(journey(nodes))
    story.event()
    story.until("2026-04-05 00:00")
    assert ended(story) == "came"
    story.event()
    assert story.ends[1] == "came"
    story.wait("1d")
    story.event()
    assert story.ends[2] == "had passed"


def test_wait_for_date_in_a_loop_waits_for_the_next_year() -> None:
    nodes = {
        "n": {"wait_for_date": {"attribute": "born", "any_year": True}, "next": "tag", "passed": "over"},
        "tag": {"adjust_score": 1, "next": "n"},
    }
    document = journey(nodes)
    assert check(document)[1] == []
    story = Story(document, born="1990-03-02")
    story.until("2030-03-01 00:00")
    story.event()
    story.until("2032-03-02 00:00")
    assert story.profile.score == 3


def test_wait_for_date_says_where_its_settings_are_wrong() -> None:
    assert faults({"wait_for_date": "Easter"}) == [
        "nodes.n.wait_for_date.date: expected a date such as 2026-12-24, found 'Easter'"
    ]
    assert "did you mean 'before'" in faults({"wait_for_date": {"attribute": "due", "befor": "1d"}})[0]
    assert "'25:00' is not a time of day" in faults({"wait_for_date": {"date": "2026-01-01", "at": "25:00"}})[0]
    assert faults({"wait_for_date": {"date": {"attribute": 1}}})[0].startswith(
        "nodes.n.wait_for_date.date.attribute: expected a name"
    )


# --- all of them ---


def test_every_kind_says_in_one_line_what_it_does() -> None:
    drawn: dict[str, Any] = {
        "send": {"channel": ["email", "sms"], "template": "t"},
        "set_attribute": {"attribute": "a", "value": {"now": None}},
        "adjust_score": 5,
        "add_tag": "vip",
        "remove_tag": "vip",
        "set_subscription": {"state": "subscribed", "topic": "news"},
        "suppress": {"channel": "sms"},
        "emit": "Done",
        "has_done": {"event": ["B", "A"]},
        "check": {"attribute": "city", "is": "Oslo"},
        "reachable": {"channel": "email", "for": "address"},
        "message_state": {"node": "m", "state": "opened"},
        "split": {"weights": {"a": 1, "b": 2.5}},
        "wait": "2h",
        "wait_for_event": {"event": "A", "timeout": "1d"},
        "wait_for_condition": {"tag": "vip", "timeout": "1d"},
        "wait_for_date": {"attribute": "due", "before": "10d"},
        "end": "enough",
    }
    assert drawn.keys() == NODES.keys()
    lines = {kind: summary(kind, settings) for kind, settings in drawn.items()}
    assert lines == {
        "send": "Send email or sms: t, gives up after 2 d",
        "set_attribute": "Set a to now",
        "adjust_score": "Score +5",
        "add_tag": "Add tag vip",
        "remove_tag": "Remove tag vip",
        "set_subscription": "Record news as subscribed",
        "suppress": "Suppress sms",
        "emit": "Emit event Done",
        "has_done": "Has done A or B",
        "check": "Check attribute city is Oslo",
        "reachable": "Reachable by email (address)",
        "message_state": "Was m opened?",
        "split": "Split a 1 / b 2.5",
        "wait": "Wait 2 h",
        "wait_for_event": "Wait for A, up to 1 d",
        "wait_for_condition": "Wait for a condition, up to 1 d",
        "wait_for_date": "Wait until 10 d before due",
        "end": "enough",
    }
    assert (
        summary("send", {"channel": {"same_as": "m"}, "template": "t", "ttl": "1h"})
        == "Send as at m: t, gives up after 1 h"
    )
    assert summary("set_attribute", {"attribute": "a", "value": 5}) == "Set a to 5"
    assert summary("check", {"cases": {"a": {"tag": "x"}, "b": {"tag": "y"}}}) == "Check a, b"
    assert summary("reachable", "sms") == "Reachable by sms"
    assert summary("suppress", {}) == "Suppress every channel"
    assert summary("wait", {"attribute": "pause"}) == "Wait pause"
    assert summary("wait_for_event", {"event": "A"}) == "Wait for A"
    assert summary("wait_for_condition", {"tag": "vip"}) == "Wait for a condition"
    assert summary("wait_for_date", {"date": "2026-04-01", "after": "2d"}) == "Wait until 2 d after 2026-04-01"
    assert summary("wait_for_date", "2026-04-01") == "Wait until 2026-04-01"
    assert summary("end", None) == "End"


def summary(kind: str, settings: Any) -> str:
    problems: list[Problem] = []
    document = parse(journey({"n": {kind: settings}}), problems)
    assert document is not None and not problems, problems
    return document.nodes["n"].node.summary()


@pytest.mark.parametrize("kind", NODES)
def test_every_kind_has_a_schema_of_its_settings(kind: str) -> None:
    schema = settings_schema(NODES[kind].FIELDS)
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])
    assert all(one["description"] for one in schema["properties"].values())


def test_a_failing_node_stops_only_its_run() -> None:
    lonely = journey({"n": {"reachable": "email", "yes": "over"}}, id="lonely")
    story = Story(lonely, one({"add_tag": "ok"}, id="sound"), consent=())
    story.event()
    assert story.whys("failed") == ["LookupError: node 'n' has no way out by 'no'"]
    assert story.whys("ended", journey="lonely") == ["failed"]
    assert story.profile.tags == ["ok"]


def test_a_date_in_the_document_is_an_instant_of_utc_for_the_active_time() -> None:
    document, problems = check(
        journey({"n": {"add_tag": "x", "next": "over"}}, active={"from": "2026-03-01", "to": "2026-03-31"})
    )
    assert problems == [] and document is not None
    assert document.active == (ms("2026-03-01 00:00"), ms("2026-04-01 00:00"))
