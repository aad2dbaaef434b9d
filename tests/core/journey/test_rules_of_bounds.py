"""Permission, reasons, bounds, failures, and inputs of other kinds: rules of journeys.md and engine.md, by their numbers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.core.journey.story import DAY, MONDAY, Story, journey, ms, plan_of, shown

from wend.core.effects import Relay, Send
from wend.core.inputs import Consent, Erase, Event, Identify, PlanChanged, Suppress
from wend.core.journey.turn import HOPS, MOVES
from wend.core.pack import pack
from wend.core.plan import PlanChange
from wend.core.profile import Profile
from wend.core.react import react

WAIT_OR_MAIL = {
    "w": {"wait_for_event": {"event": "Order Completed", "timeout": "2h"}, "happened": "bought", "timed_out": "mail"},
    "mail": {"send": {"channel": "email", "template": "t"}, "next": "over"},
    "bought": {"end": "bought"},
    "over": {"end": "mailed"},
}
LONG = {"w": {"wait": "30d", "next": "over"}}


# --- rule 10: the order of permission is test_permission.py's; here that the walker asks at the moment of sending ---


def test_rule_10_permission_is_decided_at_the_moment_of_sending() -> None:
    story = Story(journey(WAIT_OR_MAIL))
    story.event()
    story.tell(Consent("unsubscribed", story.now + 1, "email"))
    story.wait("2h")
    assert not story.sends and story.whys("dropped") == ["unsubscribed from email"]
    story.tell(Consent("subscribed", story.now + 2, "email"))
    story.event()
    story.tell(Suppress("complained", story.now, "email"))
    story.wait("2h")
    assert story.whys("dropped")[1] == "suppressed: complained"


# --- rule 11 ---


def test_rule_11_every_decision_is_a_step_with_its_reason() -> None:
    story = Story(journey({**WAIT_OR_MAIL, "mail": {"send": {"channel": "sms", "template": "t"}, "next": "over"}}))
    story.event()
    story.wait("2h")
    found = [(step.kind, step.node, step.branch, step.why) for step in story.steps]
    assert found == [
        ("started", "w", "", "event Go"),
        ("moved", "w", "timed_out", "no Order Completed within 2 h"),
        ("sent", "mail", "sms", "t"),
        ("outcome", "mail", "accepted", ""),
        ("moved", "mail", "next", "accepted"),
        ("ended", "over", "", "mailed"),
    ]
    assert all(step.journey == "j" and step.version == 1 and step.run == "a11ce-1" for step in story.steps)


def test_rule_11_feedback_is_a_step_also_when_the_run_is_over() -> None:
    story = Story(journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}))
    story.event()
    story.answer(story.sends[0], "clicked", url="https://example.com/a")
    story.answer(story.sends[0], "opened", machine=True)
    clicked, opened = story.steps[-2:]
    assert (clicked.kind, clicked.branch, clicked.detail) == (
        "outcome",
        "clicked",
        {"channel": "email", "template": "t", "url": "https://example.com/a"},
    )
    assert opened.detail == {"channel": "email", "template": "t", "machine": "yes"}


# --- rule 12; engine.md 6 ---


def test_rule_12_a_loop_that_never_rests_is_stopped_after_a_hundred_moves_and_an_operator_sees_it() -> None:
    nodes = {"a": {"adjust_score": 1, "next": "b"}, "b": {"check": {"tag": "x"}, "yes": "over", "no": "a"}}
    story = Story(journey(nodes), journey(LONG, id="innocent", on="Before"))
    story.event("Before")
    story.event()
    assert story.places == ["w"]
    assert story.whys("failed") == [
        f"OverflowError: more than {MOVES} moves for one input: is there a loop that never rests?"
    ]
    assert story.profile.score <= MOVES


def test_rule_12_two_journeys_that_start_each_other_are_stopped_too() -> None:
    def count(name: str, other: str, id: str) -> dict[str, Any]:
        nodes = {
            "n": {
                "set_attribute": {"attribute": name, "value": {"attribute": other, "plus": 1, "default": 0}},
                "next": "over",
            }
        }
        return journey(nodes, id=id, on={"attribute_changed": other})

    quiet = journey({"w": {"wait_for_condition": {"attribute": "b", "gte": 10_000}, "happened": "over"}}, id="quiet")
    story = Story(count("a", "b", "one"), count("b", "a", "two"), quiet)
    story.event()
    story.identify(a=0)
    assert 1 <= len(story.whys("failed")) <= 5
    assert story.profile.attributes["b"] < MOVES
    assert story.places == ["w"], "who only listened goes on"


def test_rule_12_the_limit_counts_over_all_runs_of_one_input_not_over_all_time() -> None:
    step = {"a": {"adjust_score": 1, "next": "w"}, "w": {"wait": "1m", "next": "a"}}
    story = Story(journey(step))
    story.event()
    story.wait("5h")
    assert story.whys("failed") == [] and story.profile.score == 301


def test_rule_12_a_chain_of_emitted_events_stops_at_depth_twenty() -> None:
    story = Story(journey({"e": {"emit": {"event": "Go"}, "next": "over"}}))
    story.event()
    assert max(event.hops for event in story.emitted) == HOPS
    assert story.whys("failed") == ["a chain of more than 20 emitted events: 'Go' was not emitted"]
    assert story.whys("moved")[-1] == "Go was not emitted"


def test_rule_12_hops_also_count_through_changes_that_a_run_causes() -> None:
    up = {"n": {"set_attribute": {"attribute": "n", "value": {"attribute": "n", "plus": 1}}, "next": "over"}}
    first = journey(up, id="one", on="Ping")
    second = journey({"n": {"emit": "Ping", "next": "over"}}, id="two", on={"attribute_changed": "n"})
    story = Story(first, second)
    story.identify(n=0)
    assert len(story.emitted) == HOPS and len(story.whys("failed")) == 1


@pytest.mark.parametrize(("length", "hops"), [("59s", 2), ("1m", 1)])
def test_rule_12_a_wait_of_a_minute_ends_the_chain(length: str, hops: int) -> None:
    nodes = {"w": {"wait": length, "next": "e"}, "e": {"emit": "Done", "next": "over"}}
    first = journey({"e": {"emit": "Go", "next": "over"}}, id="first", on="Start")
    story = Story(first, journey(nodes))
    story.event("Start")
    story.wait("2m")
    assert [event.hops for event in story.emitted] == [1, hops]


def test_rule_12_an_event_that_ends_a_long_wait_brings_its_own_depth() -> None:
    nodes = {"w": {"wait_for_event": {"event": "Ping"}, "happened": "e"}, "e": {"emit": "Done", "next": "over"}}
    story = Story(journey(nodes))
    story.tell(Event("Go", story.now, hops=9))
    story.skip("1h")
    story.tell(Event("Ping", story.now, hops=3))
    story.tell(Event("Go", story.now, hops=9))
    story.tell(Event("Ping", story.now, hops=3))
    assert [event.hops for event in story.emitted] == [4, 10]


# --- rule 13 ---


def test_rule_13_publishing_is_an_input_that_changes_no_person() -> None:
    story = Story(journey(LONG))
    before = pack(story.profile)
    story.tell(PlanChanged(1, story.now))
    assert pack(story.profile) == before and not story.effects


def test_rule_13_people_stay_on_their_version_and_new_ones_take_the_new() -> None:
    nodes = {"w": {"wait": "1d", "next": "t"}, "t": {"add_tag": "old", "next": "over"}}
    story = Story(journey(nodes, concurrency="many"))
    story.event()
    newer = copy.deepcopy(nodes)
    newer["t"] = {"add_tag": "new", "next": "over"}
    story.change("publish", document=journey(newer, concurrency="many"))
    story.event()
    assert [run.version for run in story.profile.runs] == [1, 2]
    story.wait("1d")
    assert story.profile.tags == ["old", "new"]


# --- engine.md 14 ---


def test_engine_14_a_failing_node_stops_only_its_run_and_says_so() -> None:
    broken = journey({"n": {"add_tag": "a"}}, id="broken")
    story = Story(broken, journey({"n": {"add_tag": "b", "next": "over"}}, id="sound"))
    story.event()
    assert story.whys("failed") == ["LookupError: node 'n' has no way out by 'next'"]
    assert story.whys("ended", journey="broken") == ["failed"] and story.ends == ["failed", "over"]


def test_engine_14_a_node_that_fails_while_listening_stops_only_its_run() -> None:
    broken = journey({"w": {"wait_for_event": {"event": "E"}}}, id="broken")
    story = Story(broken, journey({"w": {"wait_for_event": {"event": "E"}, "happened": "over"}}, id="sound"))
    story.event()
    story.event("E")
    assert story.ends == ["failed", "over"]


# --- other inputs ---


def test_erase_empties_the_state_and_ends_the_runs() -> None:
    story = Story(journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}), answers={"s": None})
    story.event()
    decision = story.tell(Erase(story.now))
    assert story.ends == ["erased"] and story.withdrawn == [story.sends[0].id]
    assert decision.gone == {"a11ce-1"} and story.profile.erased and story.profile.attributes == {}
    assert story.profile.consent == {} and story.wakes_at is None


def test_a_user_id_makes_a_person_known_and_who_waits_for_it_hears_it() -> None:
    nodes = {"w": {"wait_for_condition": {"known": True}, "happened": "over"}}
    story = Story(journey(nodes))
    story.event()
    story.tell(Identify({}, story.now, user_id="u"))
    assert story.profile.known and story.ends == ["over"]
    story.tell(Identify({}, story.now, user_id="u"))


def test_feedback_changes_what_is_known_of_the_address_and_who_listens_hears_it() -> None:
    nodes = {"w": {"wait_for_condition": {"not": {"reachable": "email"}}, "happened": "over"}}
    mails = journey({"s": {"send": {"channel": "email", "template": "t"}, "next": "over"}}, id="mails")
    story = Story(mails, journey(nodes, id="watch"))
    story.event()
    story.answer(story.sends[0], "bounced")
    assert story.profile.suppressed == {"email:ann@example.com": "bounced"}
    assert story.whys("ended", journey="watch") == ["over"]


def test_consents_and_suppressions_that_change_nothing_are_still_kept_as_proof() -> None:
    story = Story(journey(LONG))
    decision = story.tell(Consent("subscribed", story.now, "email"))
    assert len(decision.consents) == 1
    story.tell(Suppress("asked", story.now, "sms"))
    story.tell(Suppress("asked", story.now, "sms"))
    assert story.profile.suppressed == {"sms": "asked"}


def test_the_messages_of_a_person_are_remembered_when_a_condition_reads_them_and_only_twenty() -> None:
    reader = journey(
        {
            "c": {"check": {"message": {"template": "t", "state": "opened"}}, "yes": "y", "no": "n"},
            "y": {"end": "y"},
            "n": {"end": "n"},
        },
        id="r",
        on="Ask",
    )
    mails = journey({"s": {"send": {"channel": "in_app", "template": "t"}, "next": "over"}}, id="mails")
    story = Story(mails, reader)
    for _ in range(25):
        story.event()
    assert len(story.profile.messages) == 20
    story.event("Ask")
    story.answer(story.sends[-1], "opened", machine=True)
    story.event("Ask")
    story.answer(story.sends[-1], "opened")
    story.answer(story.sends[-1], "opened")
    story.event("Ask")
    assert story.whys("ended", journey="r") == ["n", "n", "y"]
    quiet = Story(mails)
    quiet.event()
    assert quiet.profile.messages == [], "nobody reads them"


def test_what_templates_do_not_read_is_not_kept_of_events() -> None:
    nodes = {
        "w": {"wait": "1d", "next": "s"},
        "s": {"set_attribute": {"attribute": "c", "value": {"entry": "city.name"}}, "next": "over"},
    }
    plan = plan_of().apply(
        PlanChange(
            1, 0, "publish", "j", 1, journey(nodes), {"entry": ["total"], "event": ["a.b"], "facts": ["recent.viewed"]}
        )
    )
    profile = Profile(7, plan=1)
    react(
        plan,
        profile,
        Event("Go", MONDAY, {"total": 1, "junk": "x" * 1000, "city": {"name": "Oslo"}, "a": {"b": 1}}),
        MONDAY,
    )
    assert profile.runs[0].entry == {"total": 1, "city": {"name": "Oslo"}, "a": {"b": 1}}
    assert plan.reads >= {"recent.viewed"}
    react(plan, profile, None, MONDAY + DAY)
    assert profile.attributes["c"] == "Oslo"


def test_a_send_knows_the_run_for_rendering_and_a_relay_goes_to_the_person() -> None:
    nodes = {"e": {"emit": "Done", "next": "s"}, "s": {"send": {"channel": "in_app", "template": "t"}, "next": "over"}}
    story = Story(journey(nodes))
    decision = story.event(a=1)
    relay, send = decision.effects
    assert isinstance(relay, Relay) and relay.profile == story.profile.id
    assert isinstance(send, Send) and send.data == {"entry": {"a": 1}, "event": {"a": 1}, "saved": {}}


def test_the_clock_on_a_box_delays_the_node() -> None:
    nodes = {
        "a": {"add_tag": "a", "next": "b", "timing": {"delay": "1h"}},
        "b": {"add_tag": "b", "next": "c", "timing": {"at": "09:00"}},
        "c": {"wait": "2h", "next": "d", "timing": {"slot": {"days": ["wed"], "from": "10:00", "to": "12:00"}}},
        "d": {"add_tag": "d", "next": "over", "timing": {"slot": {"from": "00:00", "to": "23:59"}}},
    }
    story = Story(journey(nodes), timezone="Europe/Berlin")
    story.event()
    assert story.profile.tags == [] and shown(story.wakes_at) == "2026-03-02 11:00"
    story.until("2026-03-02 11:00")
    assert story.profile.tags == ["a"] and shown(story.wakes_at) == "2026-03-03 08:00"
    story.until("2026-03-03 08:00")
    assert story.profile.tags == ["a", "b"] and shown(story.wakes_at) == "2026-03-04 09:00"
    story.until("2026-03-04 09:00")
    assert shown(story.wakes_at) == "2026-03-04 11:00", "the wait itself counts from when its box acted"
    story.until("2026-03-04 11:00")
    assert story.profile.tags == ["a", "b", "d"] and story.ends == ["over"]


def test_a_box_that_is_still_delayed_does_not_listen() -> None:
    nodes = {"w": {"wait_for_event": {"event": "E"}, "happened": "over", "timing": {"delay": "1h"}}}
    story = Story(journey(nodes, exit_when={"event": "X"}))
    story.event()
    story.event("E")
    assert story.places == ["w"]
    story.wait("1h")
    story.event("E")
    assert story.ends == ["over"]
    story.event()
    story.event("X")
    assert story.ends[1] == "exit: X"


def test_the_payment_reminder_starts_its_own_next_cycle() -> None:
    nodes = {
        "w": {"wait_for_date": {"attribute": "due", "before": "10d", "at": "09:00"}, "next": "paid"},
        "paid": {"has_done": {"event": "Paid", "since": "entry"}, "yes": "roll", "no": "mail"},
        "mail": {"send": {"channel": "email", "template": "pay", "transactional": True}, "next": "grace"},
        "grace": {"wait_for_event": {"event": "Paid", "timeout": "15d"}, "happened": "roll", "timed_out": "late"},
        "roll": {"set_attribute": {"attribute": "due", "value": {"attribute": "due", "plus": "30d"}}, "next": "done"},
        "late": {"end": "not paid"},
        "done": {"end": "paid"},
    }
    document = journey(nodes, key="loan", on=[{"event": "Disbursed"}, {"attribute_changed": "due"}])
    story = Story(document)
    story.identify(loan="L1", due="2026-04-01")
    story.event("Disbursed", loan="L1")
    assert len(story.profile.runs) == 1
    story.until("2026-03-10 00:00")
    story.event("Paid")
    story.until("2026-03-22 09:00")
    assert story.ends == ["paid"] and story.profile.attributes["due"] == "2026-05-01"
    (run,) = story.profile.runs
    assert run.key == "L1" and shown(run.until) == "2026-04-21 09:00"
    story.until("2026-04-21 09:00")
    assert story.templates == ["pay"], "paid in the last cycle is not paid in this one"
    story.until("2026-06-30 00:00")
    assert story.ends == ["paid", "not paid"] and ms("2026-05-06 09:00") == story.steps[-1].at
